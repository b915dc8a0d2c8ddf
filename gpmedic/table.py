"""A small table for people, as plain text and as Markdown; whatever stands in its cells stays in its cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]|~#!])")


def plain(text: object) -> str:
    """One line without control characters, whoever wrote it."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def markdown(text: object) -> str:
    """One line that Markdown shows as it is written."""
    line = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", line)


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of equal length."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Aligned columns, two blanks between them, a rule below the headings."""
        lines = [[plain(cell) for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(len(row[i]) for row in lines) for i in range(len(self.headings))]
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join(_aligned(row, widths) for row in lines)

    def markdown(self) -> str:
        head = f"| {' | '.join(markdown(h) for h in self.headings)} |"
        rule = f"|{'---|' * len(self.headings)}"
        return "\n".join([head, rule, *(f"| {' | '.join(markdown(c) for c in row)} |" for row in self.rows)])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
