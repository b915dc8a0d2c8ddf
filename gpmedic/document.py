"""Headings, paragraphs, tables and drawings, as plain text and Markdown; as a page: `gpmedic.document_html`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gpmedic.columns import width, wrapped
from gpmedic.languages.language import Say
from gpmedic.picture_shapes import Scene
from gpmedic.table import Table, markdown, plain

WIDTH: Final = 100  # columns of a line of text


class Tone(StrEnum):
    """How something is meant, for whoever glances at it; the words say it too."""

    GOOD = "good"
    NEUTRAL = "neutral"
    WARNING = "warning"
    BAD = "bad"


class Level(StrEnum):
    """The first heading is that of the whole document, whatever its level."""

    SECTION = "section"
    PART = "part"  # of a section


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: Level = Level.SECTION
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph; its lead, where it has one, stands before the text and catches the eye."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Callout:
    """What must not be overlooked."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Tiles:
    """A small table whose rows are a name, a figure and a note."""

    table: Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shown on a page; in text and Markdown the tables beside it tell the same."""

    draw: Callable[[Say], Scene]


Part = Heading | Paragraph | Callout | Table | Tiles | Drawing


def as_text(parts: Iterable[Part], say: Say = str) -> str:
    """Plain text of at most WIDTH columns."""
    return _joined(parts, say, _heading_text, _paragraph_text, lambda table: table.text(WIDTH))


def as_markdown(parts: Iterable[Part], say: Say = str) -> str:
    """Markdown; nothing that a cluster printed can break out of its place."""
    return _joined(parts, say, lambda text: f"### {markdown(text)}", _paragraph_markdown, Table.markdown)


def in_words(table: Table, say: Say) -> Table:
    """The table in the reader's language."""
    return replace(table, headings=tuple(map(say, table.headings)), rows=tuple(tuple(map(say, r)) for r in table.rows))


def _joined(
    parts: Iterable[Part],
    say: Say,
    heading: Callable[[str], str],
    paragraph: Callable[[Paragraph], str],
    table: Callable[[Table], str],
) -> str:
    shown = []
    for part in parts:
        match part:
            case Heading(text):
                shown.append(heading(say(text)))
            case Paragraph(text, lead):
                shown.append(paragraph(Paragraph(say(text), say(lead))))
            case Callout(text):
                shown.append(paragraph(Paragraph(say(text))))
            case Tiles(own) | (Table() as own):
                shown.append(table(in_words(own, say)))
            case Drawing():
                pass
    return "\n\n".join(shown) + "\n"


def _heading_text(text: str) -> str:
    line = plain(text)
    return f"{line}\n{'=' * min(width(line), WIDTH)}"


def _paragraph_text(paragraph: Paragraph) -> str:
    return "\n".join(wrapped(plain(f"{paragraph.lead} {paragraph.text}".strip()), WIDTH, breaking_words=False))


def _paragraph_markdown(paragraph: Paragraph) -> str:
    lead = f"**{markdown(paragraph.lead)}** " if paragraph.lead else ""
    return f"{lead}{markdown(paragraph.text)}"
