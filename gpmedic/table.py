"""A small table for people, as plain text and as Markdown; whatever stands in its cells stays in its cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpmedic.columns import padded, wrapped
from gpmedic.columns import width as columns_of

_GAP: Final = "  "
_NARROWEST: Final = 8  # columns; below it nothing can be read any more
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]|~#!])")
_SPECIAL: Final = re.compile(rf"[&<>]|{_MARKDOWN.pattern}")


class Verbatim(str):
    """What somebody else has written or will type: it is the same in every language."""

    __slots__ = ()


def plain(text: object) -> str:
    """One line without control characters, whoever wrote it."""
    line = str(text)
    if not line.isprintable():  # seldom; a report of a large cluster has tens of thousands of cells
        line = "".join(c if c.isprintable() else " " for c in line)
    return " ".join(line.split())


def markdown(text: object) -> str:
    """One line that Markdown shows as it is written."""
    line = plain(text)
    if _SPECIAL.search(line) is None:
        return line
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", line)


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of equal length."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self, width: int | None = None) -> str:
        """Aligned columns, two blanks between them, a rule below the headings.

        Args:
            width: in columns, of which a Chinese character takes two; where it does not suffice the widest cells go on
                in further lines, which are indented below their column.
        """
        rows = [[plain(cell) for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(columns_of(row[i]) for row in rows) for i in range(len(self.headings))]
        while width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width and max(widths) > _NARROWEST:
            widths[widths.index(max(widths))] -= 1
        lines = [line for row in rows for line in _wrapped(row, widths)]
        heading_lines = len(_wrapped(rows[0], widths))
        lines.insert(heading_lines, ["-" * column for column in widths])
        return "\n".join(_aligned(line, widths) for line in lines)

    def markdown(self) -> str:
        head = f"| {' | '.join(markdown(h) for h in self.headings)} |"
        rule = f"|{'---|' * len(self.headings)}"
        return "\n".join([head, rule, *(f"| {' | '.join(markdown(c) for c in row)} |" for row in self.rows)])


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[list[str]]:
    """The row as lines of cells, none wider than its column."""
    cells = [_lines(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    return [[cell[i] if i < len(cell) else "" for cell in cells] for i in range(height)]


def _lines(cell: str, width: int) -> list[str]:
    return wrapped(cell, width) if columns_of(cell) > width else [cell]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
