"""A document as one HTML file that needs no other: it asks nobody for anything, and prints, and fits a telephone."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, Template
from markupsafe import Markup

from gpmedic.columns import width
from gpmedic.document import Callout, Drawing, Heading, Level, Paragraph, Part, Tiles, Tone, in_words
from gpmedic.languages.language import Say
from gpmedic.picture_svg import scene_svg
from gpmedic.table import Table, plain

LONG: Final = 30
"""Rows from which on a table is folded."""
_PROSE: Final = 32  # columns from which on a cell is text that may break
_CODE: Final = frozenset({"command", "plan", "text", "directory", "artifact in Prefect"})
# What a glance must find, by heading and cell; each is a word that says it too.
_TONES: Final[Mapping[tuple[str, str], Tone]] = MappingProxyType(
    {
        ("severity", "critical"): Tone.BAD,
        ("severity", "warning"): Tone.WARNING,
        ("verdict", "fail"): Tone.BAD,
        ("verdict", "warn"): Tone.WARNING,
        ("holds", "yes"): Tone.GOOD,
        ("holds", "NO"): Tone.BAD,
        ("status", "DOWN"): Tone.BAD,
        ("status", "up -> DOWN"): Tone.BAD,
        ("status", "DOWN -> up"): Tone.GOOD,
        ("decision", "approved"): Tone.GOOD,
        ("decision", "declined"): Tone.BAD,
        ("decision", "expired"): Tone.WARNING,
        ("decision", "voided"): Tone.WARNING,
    }
)


def as_html(parts: Iterable[Part], language: str, say: Say = str) -> str:
    """The page; whatever a cluster or a person wrote is escaped.

    Args:
        parts: a heading first, which is the page's title.
        language: of `say`, as a tag of HTML.
    """
    title, *rest = parts
    if not isinstance(title, Heading):
        raise TypeError("A page begins with its heading.")
    head: list[dict[str, Any]] = []
    sections: list[dict[str, Any]] = []
    shown = head
    for part in rest:
        if isinstance(part, Heading) and part.level is Level.SECTION:
            shown = []
            sections.append({"heading": plain(say(part.text)), "parts": shown})
        else:
            shown.append(_part(part, say))
    return _template().render(
        language=language,
        title=plain(say(title.text)),
        tone=title.tone.value,
        style=Markup(_file("document.css")),  # noqa: S704 (ours)
        head=head,
        sections=sections,
    )


def _part(part: Part, say: Say) -> dict[str, Any]:
    match part:
        case Heading(text):
            return {"kind": "part", "text": plain(say(text))}
        case Paragraph(text, lead):
            return {"kind": "paragraph", "lead": plain(say(lead)), "text": plain(say(text))}
        case Callout(text, tone):
            return {"kind": "callout", "text": plain(say(text)), "tone": tone.value}
        case Drawing(draw):
            return {"kind": "drawing", "svg": Markup(scene_svg(draw(say), say))}  # noqa: S704 (it escapes its texts)
        case Tiles(table):
            return {"kind": "tiles", "rows": [_tile(row, say) for row in table.rows]}
        case Table():
            return _table(part, say)


def _tile(row: Sequence[str], say: Say) -> dict[str, object]:
    name, figure, note = (plain(say(cell)) for cell in row)
    return {"name": name, "figure": figure, "note": note, "known": row[1] != "-"}


def _table(table: Table, say: Say) -> dict[str, Any]:
    said = in_words(table, say)
    rows = [
        [_cell(*cell) for cell in zip(table.headings, said.headings, own, shown, strict=True)]
        for own, shown in zip(table.rows, said.rows, strict=True)
    ]
    return {
        "kind": "table",
        "headings": [plain(heading) for heading in said.headings],
        "rows": rows,
        "long": len(rows) > LONG,
        "prose": any("prose" in cell["classes"] for row in rows for cell in row),
        "summary": say(f"{len(rows)} rows"),
    }


def _cell(heading: str, label: str, own: str, shown: str) -> dict[str, str]:
    text = plain(shown)
    tone = _TONES.get((heading, own))
    classes = ("prose" if width(text) > _PROSE else "short", tone, "code" if heading in _CODE else None)
    return {"text": text, "label": plain(label), "classes": " ".join(c for c in classes if c)}


@cache
def _template() -> Template:
    return Environment(autoescape=True, trim_blocks=True).from_string(_file("document.html"))


def _file(name: str) -> str:
    return (files("gpmedic") / "page" / name).read_text(encoding="utf-8")
