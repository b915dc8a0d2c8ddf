"""Where everything of a drawn picture stands: the one layout behind SVG and PNG."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gpmedic.columns import wrapped
from gpmedic.languages.language import Say
from gpmedic.picture import Cell, Picture, Tally
from gpmedic.picture_cells import COMPACT, ROOMY, badge, text_width
from gpmedic.picture_grid import Grid, arrange
from gpmedic.picture_shapes import Box, Label, Scene, Shape, Theme, mark
from gpmedic.picture_states import APPEARANCES, Emphasis, State

MARGIN: Final = 24.0
_RATIO: Final = 1.5  # of width to height: what a message and a page show best
_NARROWEST: Final = 640.0  # for one panel
_MANY: Final = 80  # segments in one picture; from here on cells are compact
_TITLE: Final = 15.0
_HEADLINE: Final = 21.0
_TEXT: Final = 14.0
_LEGEND_LINES: Final = 2  # then the contents are cut off; the grid shows them all
_ABOVE: Final = 240.0  # about what headline and legend take
_KEY: Final = (
    "P acting primary, M acting mirror, then the content; CO coordinator, SB standby.",
    "A segment stands where its preferred role puts it.",
)


def lay_out(*pictures: Picture, say: Say = str) -> Scene:
    """One picture, or two, side by side or one above the other, whichever comes nearer to the shape of a page.

    Args:
        say: says what is broken into lines in the reader's language; shorter texts are said where they are drawn.
    """
    beside = _Page(pictures, _RATIO / len(pictures), len(pictures), say)
    above = _Page(pictures, _RATIO * len(pictures), 1, say)
    page = min((beside, above), key=lambda p: abs(p.width / p.height - _RATIO))
    title = "; ".join(_named(p) for p in pictures)
    description = ". ".join(line for p in pictures for line in _told(p))
    return Scene(page.width, page.height, tuple(page.shapes), title, f"{description}.")


class _Page:
    """Panels in so many columns, the key below them."""

    def __init__(self, pictures: Sequence[Picture], ratio: float, columns: int, say: Say) -> None:
        self._say = say
        self.shapes: list[Shape] = []
        measures = COMPACT if max(len(p.cells) for p in pictures) > _MANY else ROOMY
        grids = arrange(pictures, measures, ratio, _ABOVE)
        self.panel = max(_NARROWEST, *(g.width for g in grids))
        self.width = columns * self.panel + (columns - 1) * 2 * MARGIN + 2 * MARGIN
        # A wide picture is reduced where it is shown: what is read first must survive that.
        self.scale = max(1.0, min(2.2, self.width / 1150))
        bottom = MARGIN
        for row in range(0, len(pictures), columns):
            own = slice(row, row + columns)
            bottom = self._row(pictures[own], grids[own], bottom + (MARGIN if row else 0))
        self.height = self._key([cell for p in pictures for cell in p.cells], MARGIN, bottom + 12) + MARGIN

    def _row(self, pictures: Sequence[Picture], grids: Sequence[Grid], y: float) -> float:
        """Panels side by side, their grids at one height; returns where they end."""
        places = [MARGIN + number * (self.panel + 2 * MARGIN) for number in range(len(pictures))]
        top = max(self._head(picture, x, y) for picture, x in zip(pictures, places, strict=True)) + 12
        for grid, x in zip(grids, places, strict=True):
            self.shapes += grid.shapes(x, top)
        return top + max(grid.height for grid in grids)

    def _head(self, picture: Picture, x: float, y: float) -> float:
        """What is wrong and what the colours mean; returns where it ends."""
        worst = APPEARANCES[picture.tallies[0].state if picture.tallies else State.HEALTHY]
        scale, room = self.scale, self.panel - 20 * self.scale
        lines = _lines(self._say(picture.headline), room, _HEADLINE * scale)
        height = (32 + len(lines) * 28) * scale
        left = x + 20 * scale
        self.shapes.append(Box(x, y, 8 * scale, height, worst.colour, Theme.INK, 1, 2))
        name = _cut(_named(picture), room, _TITLE * scale)
        self.shapes.append(Label(left, y + 12 * scale, name, _TITLE * scale, room, Theme.FAINT))
        for i, line in enumerate(lines):
            middle = y + (42 + i * 28) * scale
            self.shapes.append(Label(left, middle, line, _HEADLINE * scale, room, Theme.INK, bold=True))
        y += height + 14 * scale
        for tally in picture.tallies:
            y = self._legend(tally, x, y)
        if picture.note:
            for line in _lines(self._say(picture.note), self.panel, _TEXT * scale):
                y = self._words(line, x, y, self.panel)
        return y

    def _legend(self, tally: Tally, x: float, y: float) -> float:
        """Badge, letter, how many, what it means, where it is; returns where it ends."""
        scale, looks = self.scale, APPEARANCES[tally.state]
        loud = looks.emphasis is Emphasis.LOUD
        side = COMPACT.height * scale
        self.shapes += badge(tally.state, x, y, replace(COMPACT, height=side, badge=side, mark=COMPACT.mark * scale))
        paint, middle, size = (Theme.INK if loud else Theme.FAINT), y + side / 2, _TEXT * scale
        words = f"{looks.words}: {tally.contents}" if loud else looks.words
        room = self.panel - 90 * scale
        letter = "" if looks.letter == "." else looks.letter
        self.shapes.append(Label(x + 32 * scale, middle, letter, size, 14 * scale, paint, bold=True))
        self.shapes.append(Label(x + 52 * scale, middle, str(tally.count), size, 34 * scale, paint, bold=loud))
        columns = _characters(room, size)
        lines = wrapped(self._say(words), columns)
        if len(lines) > _LEGEND_LINES:
            lines = [*lines[: _LEGEND_LINES - 1], _cut(" ".join(lines[_LEGEND_LINES - 1 :]), room, size)]
        for i, line in enumerate(lines):
            self.shapes.append(Label(x + 90 * scale, middle + i * 20 * scale, line, size, room, paint))
        return y + (8 + 20 * len(lines)) * scale

    def _key(self, cells: Sequence[Cell], x: float, y: float) -> float:
        """How to read a cell; returns where it ends."""
        scale, room = self.scale, self.width - 2 * MARGIN - 36 * self.scale
        if any(cell.changed for cell in cells):
            self.shapes.append(Box(x + 2, y + 3 * scale, 22 * scale, 15 * scale, None, Theme.INK, 2.5, 5))
            y = self._words("differs between before and after", x + 36 * scale, y, room)
        if any(cell.switched for cell in cells):
            self.shapes += mark(State.SWITCHED, x + 6 * scale, y + 4 * scale, 14 * scale, Theme.FAINT)
            y = self._words("acts in the other role than the preferred one", x + 36 * scale, y, room)
        for line in _KEY:
            y = self._words(line, x, y, room)
        return y

    def _words(self, words: str, x: float, y: float, room: float) -> float:
        self.shapes.append(Label(x, y + 11 * self.scale, words, _TEXT * self.scale, room, Theme.FAINT))
        return y + 23 * self.scale


def _named(picture: Picture) -> str:
    return f"{picture.caption.upper()}: {picture.title}" if picture.caption else picture.title


def _told(picture: Picture) -> Iterator[str]:
    yield f"{_named(picture)}: {picture.headline}"
    for tally in picture.tallies:
        yield f"{APPEARANCES[tally.state].words}: {tally.count} ({tally.contents})"
    if picture.note:
        yield picture.note


def _lines(text: str, room: float, size: float) -> list[str]:
    return wrapped(text, _characters(room, size)) or [""]


def _cut(text: str, room: float, size: float) -> str:
    most = _characters(room, size)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _characters(room: float, size: float) -> int:
    return max(10, int(room / text_width("x", size)))
