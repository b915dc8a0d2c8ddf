"""One segment of a drawn picture: symbol and letter in the state's colour, name, state in a word."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gpmedic.columns import width as columns_of
from gpmedic.picture import Cell
from gpmedic.picture_shapes import Anchor, Box, Label, Paint, Shape, Theme, mark
from gpmedic.picture_states import APPEARANCES, Appearance, Emphasis, State

_WIDE: Final = 0.61  # of its size, what a character takes in the widest of the fonts
_PAD: Final = 6.0


@dataclass(frozen=True, slots=True)
class Measures:
    """Pixels.

    Attributes:
        gap: between cells; the frame of a changed cell stands in it.
        badge: width of the badge.
        tag: size of the second line; None where a cell has one line, which then tells the letter.
    """

    height: float
    gap: float
    badge: float
    mark: float
    name: float
    tag: float | None
    host: float

    @property
    def row(self) -> float:
        return self.height + self.gap


ROOMY: Final = Measures(height=44, gap=10, badge=28, mark=15, name=17, tag=12, host=16)
COMPACT: Final = Measures(height=24, gap=7, badge=22, mark=12, name=14, tag=None, host=14)


def text_width(text: str, size: float) -> float:
    """No font that is used needs more."""
    return columns_of(text) * size * _WIDE


def cell_width(cell: Cell, measures: Measures) -> float:
    swap = measures.name if _swapped(cell) else 0
    first = text_width(_first_line(cell, measures), measures.name) + swap
    second = text_width(_tag(cell), measures.tag) if measures.tag is not None else 0
    return measures.badge + 2 * _PAD + max(first, second)


def cell_shapes(cell: Cell, x: float, y: float, width: float, measures: Measures) -> Iterator[Shape]:
    """The cell with its upper left corner at x, y."""
    looks, height = cell.looks, measures.height
    loud = looks.emphasis is Emphasis.LOUD
    if cell.changed:
        out = measures.gap / 2 - 0.5
        yield Box(x - out, y - out, width + 2 * out, height + 2 * out, None, Theme.INK, 2.5, 7)
    ink: Paint = looks.contrast if loud else Theme.INK
    fill: Paint = looks.colour if loud else Theme.CELL
    yield Box(x, y, width, height, fill, Theme.INK if loud else Theme.LINE, 1, 4, cell.dbid, cell.sentence)
    if not loud:
        yield Box(x, y, measures.badge, height, looks.colour, None, 0, 4)
    yield from _badge_marks(cell.state, looks, x, y, measures)
    left, room = x + measures.badge + _PAD, width - measures.badge - _PAD
    first = _first_line(cell, measures)
    middle = y + height * (0.5 if measures.tag is None else 0.32)
    swap = measures.name if _swapped(cell) else 0
    yield Label(left, middle, first, measures.name, room - swap, ink, bold=loud)
    if swap:
        side = measures.name * 0.8
        yield from mark(State.SWITCHED, x + width - side - _PAD + 2, middle - side / 2, side, ink)
    if measures.tag is not None:
        faint: Paint = looks.contrast if loud else Theme.FAINT
        yield Label(left, y + height * 0.74, _tag(cell), measures.tag, room, faint)


def badge(state: State, x: float, y: float, measures: Measures) -> Iterator[Shape]:
    """The symbol on the state's colour, by itself, as a legend shows it."""
    looks = APPEARANCES[state]
    yield Box(x, y, measures.badge, measures.height, looks.colour, Theme.INK, 1, 4)
    yield from _badge_marks(state, looks, x, y, measures)


def _badge_marks(state: State, looks: Appearance, x: float, y: float, measures: Measures) -> Iterator[Shape]:
    """The symbol, with the letter below it where there is room."""
    height, side = measures.height, measures.mark
    letter = measures.tag is not None and looks.letter != "."
    middle = y + height * (0.32 if letter else 0.5)
    yield from mark(state, x + (measures.badge - side) / 2, middle - side / 2, side, looks.contrast)
    if letter:
        below, centre = y + height * 0.76, x + measures.badge / 2
        yield Label(centre, below, looks.letter, 14, measures.badge, looks.contrast, Anchor.MIDDLE, bold=True)


def _first_line(cell: Cell, measures: Measures) -> str:
    if measures.tag is not None:
        return cell.name
    letter = "" if cell.looks.letter == "." else f" {cell.looks.letter}"
    return f"{cell.name}{letter}{cell.progress}"


def _tag(cell: Cell) -> str:
    return f"{cell.looks.tag} {cell.progress}".rstrip()


def _swapped(cell: Cell) -> bool:
    """Where the state itself says so, the badge shows it."""
    return cell.switched and cell.state is not State.SWITCHED
