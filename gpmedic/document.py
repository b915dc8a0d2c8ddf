"""Headings, paragraphs and tables, as plain text and as Markdown."""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gpmedic.table import Table, markdown, plain

WIDTH: Final = 100  # characters of a line of text


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph; its lead, where it has one, stands before the text and catches the eye."""

    text: str
    lead: str = ""


Part = Heading | Paragraph | Table


def as_text(parts: Iterable[Part]) -> str:
    """Plain text of at most WIDTH columns."""
    return _joined(parts, _heading_text, _paragraph_text, lambda table: table.text(WIDTH))


def as_markdown(parts: Iterable[Part]) -> str:
    """Markdown; nothing that a cluster printed can break out of its place."""
    return _joined(parts, lambda text: f"### {markdown(text)}", _paragraph_markdown, Table.markdown)


def _joined(
    parts: Iterable[Part],
    heading: Callable[[str], str],
    paragraph: Callable[[Paragraph], str],
    table: Callable[[Table], str],
) -> str:
    shown = []
    for part in parts:
        match part:
            case Heading(text):
                shown.append(heading(text))
            case Paragraph():
                shown.append(paragraph(part))
            case Table():
                shown.append(table(part))
    return "\n\n".join(shown) + "\n"


def _heading_text(text: str) -> str:
    line = plain(text)
    return f"{line}\n{'=' * min(len(line), WIDTH)}"


def _paragraph_text(paragraph: Paragraph) -> str:
    whole = plain(f"{paragraph.lead} {paragraph.text}")
    return textwrap.fill(whole, width=WIDTH, break_long_words=False, break_on_hyphens=False)


def _paragraph_markdown(paragraph: Paragraph) -> str:
    lead = f"**{markdown(paragraph.lead)}** " if paragraph.lead else ""
    return f"{lead}{markdown(paragraph.text)}"
