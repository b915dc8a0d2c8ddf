"""The picture as a grid of characters, for terminals and for messages in a font of fixed width."""

import textwrap
from collections.abc import Sequence
from enum import Enum
from itertools import zip_longest
from typing import Final, NamedTuple

from gpmedic.picture import Cell, HostRow, Picture
from gpmedic.picture_states import APPEARANCES, Appearance, Emphasis, State

NARROWEST: Final = 60  # columns; below it lines may be longer than asked for
_GAP: Final = 2
_BETWEEN: Final = " | "
_KEY: Final = (
    "P acting primary, M acting mirror, then the content; CO coordinator, SB standby.",
    "A segment stands where its preferred role puts it.",
)


class Glyphs(Enum):
    """What the terminal can show."""

    UNICODE = "unicode"
    ASCII = "ascii"


class Ink(Enum):
    """Whether the terminal shows colours; the picture never depends on them."""

    PLAIN = "plain"
    ANSI = "ansi"


class Span(NamedTuple):
    """Characters that look alike."""

    text: str
    looks: Appearance | None = None


Line = tuple[Span, ...]
"""One line of the terminal."""


class _Columns(NamedTuple):
    """How wide the cells of each block are, place by place."""

    primaries: tuple[int, ...]
    mirrors: tuple[int, ...]


def picture_text(*pictures: Picture, width: int = 100, glyphs: Glyphs = Glyphs.UNICODE, ink: Ink = Ink.PLAIN) -> str:
    """One picture, or two side by side where no host has to be folded for it, else one above the other.

    Args:
        width: columns of the terminal, at least `NARROWEST`.
    """
    width = max(width, NARROWEST)
    half = (width - len(_BETWEEN)) // 2
    if len(pictures) == 2 and half >= NARROWEST and all(_unfolded(p, glyphs) <= half for p in pictures):
        lines = _side_by_side(_sections(pictures[0], half, glyphs), _sections(pictures[1], half, glyphs), half)
    else:
        lines = [line for p in pictures for part in _sections(p, width, glyphs) for line in (*part, ())]
    lines += [(Span(line),) for key in _key(pictures, glyphs) for line in textwrap.wrap(key, width)]
    return as_text(lines, ink)


def as_text(lines: Sequence[Line], ink: Ink) -> str:
    """The lines as they are printed."""
    return "\n".join("".join(_inked(span, ink) for span in line).rstrip() for line in lines)


def cell_text(cell: Cell, glyphs: Glyphs = Glyphs.UNICODE) -> str:
    """`P12✓`, `M3↓D`, `*P7↻R42%`: changed, acting role and content, state, switched, progress."""
    swapped = _switched(glyphs) if cell.switched and cell.state is not State.SWITCHED else ""
    return f"{'*' if cell.changed else ''}{cell.name}{_badge(cell.looks, glyphs)}{swapped}{cell.progress}"


def _side_by_side(left: Sequence[list[Line]], right: Sequence[list[Line]], half: int) -> list[Line]:
    """Section by section, so that a host stands on one line in both."""
    lines: list[Line] = []
    for sections in zip(left, right, strict=True):
        for one, other in [*zip_longest(*sections, fillvalue=()), ((), ())]:
            blanks = " " * (half - sum(len(span.text) for span in one))
            lines.append((*one, Span(blanks + _BETWEEN), *other))
    return lines


def _sections(picture: Picture, width: int, glyphs: Glyphs) -> tuple[list[Line], list[Line], list[Line]]:
    """What is wrong, the grid, the legend."""
    caption = f"{picture.caption.upper()}: " if picture.caption else ""
    head = folded(caption + picture.title, width) + folded(picture.headline, width)
    label = max((len(host_label(host, glyphs)) for host in picture.hosts), default=0)
    columns = _columns(picture, width - label - 2 * _GAP, glyphs)
    heading = (Span(f"{'host':{label + _GAP}}"), Span(_heading("primaries", columns.primaries) + " " * _GAP))
    rows: list[Line] = [(*heading, Span(_heading("mirrors", columns.mirrors)))]
    for host in picture.hosts:
        rows += _host(host, label, columns, glyphs)
    return head, rows, legend(picture, width, glyphs)


def _columns(picture: Picture, room: int, glyphs: Glyphs) -> _Columns:
    """As many cells side by side as the fullest host has, or as fit; then as many on each line of a host."""
    lengths = [[[len(cell_text(c, glyphs)) for c in block] for block in blocks] for blocks in _every_block(picture)]
    places = [max(map(len, blocks), default=0) or 1 for blocks in lengths]
    while sum(widths := [sum(w) for w in _widths(lengths, places)]) > room and max(places) > 1:
        wider = 0 if places[1] == 1 or (widths[0] >= widths[1] and places[0] > 1) else 1
        places[wider] -= 1
    for i, blocks in enumerate(lengths):  # 3 + 3 rather than 5 + 1
        fullest = max(map(len, blocks), default=0) or 1
        places[i] = -(-fullest // -(-fullest // places[i]))
    return _Columns(*_widths(lengths, places))


def _widths(lengths: Sequence[Sequence[Sequence[int]]], places: Sequence[int]) -> list[tuple[int, ...]]:
    found = []
    for blocks, count in zip(lengths, places, strict=True):
        by_place = [[length for block in blocks for length in block[i::count]] for i in range(count)]
        found.append(tuple(max(own, default=2) + 1 for own in by_place))
    return found


def _every_block(picture: Picture) -> tuple[list[tuple[Cell, ...]], list[tuple[Cell, ...]]]:
    return [host.primaries for host in picture.hosts], [host.mirrors for host in picture.hosts]


def _unfolded(picture: Picture, glyphs: Glyphs) -> int:
    """The columns that the picture takes where every host stands on one line."""
    label = max((len(host_label(host, glyphs)) for host in picture.hosts), default=0)
    return label + 2 * _GAP + sum(sum(block) for block in _columns(picture, 10**6, glyphs))


def _heading(role: str, widths: Sequence[int]) -> str:
    whole = f"preferred {role}"
    return f"{whole if len(whole) <= sum(widths) else role[: sum(widths)]:{sum(widths)}}"


def _host(host: HostRow, label: int, columns: _Columns, glyphs: Glyphs) -> list[Line]:
    name = Span(f"{host_label(host, glyphs):{label + _GAP}}", APPEARANCES[State.DOWN] if host.all_dead else None)
    lines: list[Line] = []
    runs = (_runs(host.primaries, len(columns.primaries)), _runs(host.mirrors, len(columns.mirrors)))
    for primaries, mirrors in zip_longest(*runs, fillvalue=()):
        left = _block(primaries, columns.primaries, glyphs)
        right = _block(mirrors, columns.mirrors, glyphs)
        lines.append((name, *left, Span(" " * _GAP), *right[:-1]))
        name = Span(" " * (label + _GAP))
    return lines


def _block(cells: Sequence[Cell], widths: Sequence[int], glyphs: Glyphs) -> list[Span]:
    """Cells and the blanks after each."""
    spans = []
    for cell, width in zip_longest(cells, widths):
        text = "" if cell is None else cell_text(cell, glyphs)
        spans += [Span(text, None if cell is None else cell.looks), Span(" " * (width - len(text)))]
    return spans


def legend(picture: Picture, width: int, glyphs: Glyphs) -> list[Line]:
    """A line for each state that occurs, the worst first, then what the picture cannot prove."""
    lines: list[Line] = []
    for tally in picture.tallies:
        looks = APPEARANCES[tally.state]
        badge = _badge(looks, glyphs)
        of = f": {tally.contents}" if looks.emphasis is Emphasis.LOUD else ""
        first, *more = textwrap.wrap(looks.words + of, width - 9)
        lines.append((Span(badge, looks), Span(f"{tally.count:>{7 - len(badge)}}  {first}")))
        lines += [(Span(" " * 9 + line),) for line in more]
    return lines + (folded(picture.note, width) if picture.note else [])


def folded(text: str, width: int) -> list[Line]:
    """The text as lines of this width; all but the first are indented."""
    return [(Span(line),) for line in textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)]


def _key(pictures: Sequence[Picture], glyphs: Glyphs) -> list[str]:
    cells = [cell for p in pictures for cell in p.cells]
    switched = f"{_switched(glyphs)} acts in the other role than the preferred one."
    changed = "* differs between before and after."
    told = [switched] * any(c.switched for c in cells) + [changed] * any(c.changed for c in cells)
    return [*_KEY, *told]


def _badge(looks: Appearance, glyphs: Glyphs) -> str:
    """Symbol and letter; the letter alone in ASCII, the symbol alone where the letter adds nothing."""
    if glyphs is Glyphs.ASCII:
        return looks.letter
    return looks.symbol if looks.letter in (".", looks.symbol) else looks.symbol + looks.letter


def _switched(glyphs: Glyphs) -> str:
    return "~" if glyphs is Glyphs.ASCII else APPEARANCES[State.SWITCHED].symbol


def host_label(host: HostRow, glyphs: Glyphs) -> str:
    """Its name, and whether all of it is dead."""
    return f"{host.name} {_badge(APPEARANCES[State.DOWN], glyphs)[0]}ALL DEAD" if host.all_dead else host.name


def _runs(cells: Sequence[Cell], length: int) -> list[Sequence[Cell]]:
    return [cells[i : i + length] for i in range(0, len(cells), length)]


def _inked(span: Span, ink: Ink) -> str:
    """In 24-bit colour: what is well is written in its colour, what is not stands on it."""
    text, looks = span
    if looks is None or ink is Ink.PLAIN or not text:
        return text
    red, green, blue = (int(looks.colour[i : i + 2], 16) for i in (1, 3, 5))
    if looks.emphasis is Emphasis.QUIET:
        return f"\x1b[38;2;{red};{green};{blue}m{text}\x1b[0m"
    return f"\x1b[1;{30 if looks.contrast == '#000000' else 97};48;2;{red};{green};{blue}m{text}\x1b[0m"
