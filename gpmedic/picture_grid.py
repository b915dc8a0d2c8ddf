"""The hosts of a drawn picture: a row a host, in as many columns as give the picture its shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gpmedic.picture import Cell, HostRow, Picture
from gpmedic.picture_cells import Measures, cell_shapes, cell_width, text_width
from gpmedic.picture_shapes import Box, Label, Shape, Stroke, Theme
from gpmedic.picture_states import APPEARANCES, State

_MOST_IN_A_LINE: Final = 8  # cells of one block; a host that has more takes several lines
_MOST_COLUMNS: Final = 8
_HEADING: Final = 26.0
_BETWEEN: Final = 28.0
_HEADING_SIZE: Final = 13.0


@dataclass(frozen=True, slots=True)
class Grid:
    """How the hosts of one picture are arranged.

    Attributes:
        label: width of the hosts' names.
        cell: width of a cell, without the gap after it.
        primaries, mirrors: cells side by side in each block.
        columns: the hosts, column by column.
    """

    measures: Measures
    label: float
    cell: float
    primaries: int
    mirrors: int
    columns: tuple[tuple[HostRow, ...], ...]

    @property
    def step(self) -> float:
        return self.cell + self.measures.gap

    @property
    def mirrors_at(self) -> float:
        return self.label + self.primaries * self.step + 2 * self.measures.gap

    @property
    def column(self) -> float:
        return self.mirrors_at + self.mirrors * self.step

    @property
    def width(self) -> float:
        return len(self.columns) * self.column + (len(self.columns) - 1) * _BETWEEN

    @property
    def height(self) -> float:
        return _HEADING + max((sum(map(self.lines, own)) for own in self.columns), default=0) * self.measures.row

    def lines(self, host: HostRow) -> int:
        return max(1, -(-len(host.primaries) // self.primaries), -(-len(host.mirrors) // self.mirrors))

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        for number, hosts in enumerate(self.columns):
            left = x + number * (self.column + _BETWEEN)
            if number:
                line = left - _BETWEEN / 2 - self.measures.gap / 2
                yield Stroke(((line, y), (line, y + self.height)), 1, Theme.LINE)
            yield from self._headings(left, y)
            top = y + _HEADING
            for host in hosts:
                yield from self._host(host, left, top)
                top += self.lines(host) * self.measures.row

    def _headings(self, x: float, y: float) -> Iterator[Shape]:
        for at, places, role in ((self.label, self.primaries, "primaries"), (self.mirrors_at, self.mirrors, "mirrors")):
            room = places * self.step
            whole = f"preferred {role}"
            text = whole if text_width(whole, _HEADING_SIZE) <= room else role
            yield Label(x + at, y + _HEADING / 2 - 3, text, _HEADING_SIZE, room, Theme.FAINT)

    def _host(self, host: HostRow, x: float, y: float) -> Iterator[Shape]:
        middle, room = y + self.measures.height / 2, self.label - 14
        if host.all_dead:
            down = APPEARANCES[State.DOWN]
            yield Box(x - 4, y, self.label - 4, self.measures.height, down.colour, Theme.INK)
            yield Label(x + 2, middle, host_text(host), self.measures.host, room, down.contrast, bold=True)
        else:
            yield Label(x, middle, host_text(host), self.measures.host, room, Theme.INK)
        yield from self._block(host.primaries, x + self.label, y, self.primaries)
        yield from self._block(host.mirrors, x + self.mirrors_at, y, self.mirrors)

    def _block(self, cells: Sequence[Cell], x: float, y: float, places: int) -> Iterator[Shape]:
        for i, cell in enumerate(cells):
            left, top = x + i % places * self.step, y + i // places * self.measures.row
            yield from cell_shapes(cell, left, top, self.cell, self.measures)


def arrange(pictures: Sequence[Picture], measures: Measures, ratio: float, above: float) -> list[Grid]:
    """A grid for each picture, all of one build, so that a segment is found again at its place.

    Args:
        ratio: of the width to the height of a panel, to come near to.
        above: height of what stands above the grid in its panel.
    """
    hosts = [host for p in pictures for host in p.hosts]
    cell = max((cell_width(c, measures) for host in hosts for c in host.cells), default=40.0)
    label = max((text_width(host_text(h), measures.host) for h in hosts), default=0.0) + 18
    primaries = min(_MOST_IN_A_LINE, max((len(h.primaries) for h in hosts), default=1) or 1)
    mirrors = min(_MOST_IN_A_LINE, max((len(h.mirrors) for h in hosts), default=1) or 1)
    one = Grid(measures, label, cell, primaries, mirrors, ())
    most = max((len(p.hosts) for p in pictures), default=1)
    counts = range(1, max(1, min(_MOST_COLUMNS, most // 4)) + 1)
    every = [[replace(one, columns=_dealt(one, p.hosts, count)) for p in pictures] for count in counts]

    def unlike(grids: Sequence[Grid]) -> float:
        return abs(max(g.width for g in grids) / (max(g.height for g in grids) + above) - ratio)

    return min(every, key=unlike)


def host_text(host: HostRow) -> str:
    return f"{host.name} ALL DEAD" if host.all_dead else host.name


def _dealt(grid: Grid, hosts: Sequence[HostRow], count: int) -> tuple[tuple[HostRow, ...], ...]:
    """In order, so many columns of about the same height."""
    share = -(-sum(map(grid.lines, hosts)) // count)
    columns: list[list[HostRow]] = [[]]
    for host in hosts:
        if columns[-1] and sum(map(grid.lines, columns[-1])) + grid.lines(host) > share and len(columns) < count:
            columns.append([])
        columns[-1].append(host)
    return tuple(map(tuple, columns))
