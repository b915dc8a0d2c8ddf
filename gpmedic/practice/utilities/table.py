"""The tables of the utilities: aligned columns, separators, and arrows at the end of a line that is a warning."""

from typing import Self

from gpmedic.practice.utilities.console import Console, aligned

ARROWS = "<<<<<<<<"
SEPARATOR = "-" * 52


class Table:
    """Collects rows, because a column is as wide as its widest cell, and prints them together."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...] | None] = []
        self._warnings: set[int] = set()

    def info(self, *cells: str) -> Self:
        self._rows.append(cells)
        return self

    def warning(self, *cells: str) -> Self:
        self._warnings.add(len(self._rows))
        self._rows.append((*cells, ARROWS))
        return self

    def separator(self) -> Self:
        self._rows.append(None)
        return self

    @property
    def has_warnings(self) -> bool:
        return bool(self._warnings)

    def print(self, console: Console) -> None:
        """Every row as a log line; the text of a warning begins three columns to the left, as its level is longer."""
        lines = iter(aligned([row for row in self._rows if row is not None]))
        for number, row in enumerate(self._rows):
            if row is None:
                console.info(SEPARATOR)
            elif number in self._warnings:
                console.warning(next(lines))
            else:
                console.info(f"   {next(lines)}")
