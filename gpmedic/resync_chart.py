"""How the mirrors caught up, drawn: what was left to copy over the time of each wait, and how fast it went."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gpmedic.amounts import duration, size
from gpmedic.picture_shapes import Box, Label, Paint, Point, Scene, Shape, Stroke, Theme
from gpmedic.picture_states import BLUE, VERMILLION
from gpmedic.resync import Sample, Wait, waits

WIDTH: Final = 960.0
_LEFT: Final = 110.0
_RIGHT: Final = 24.0
_GAP: Final = 28.0  # between two waits
_NARROWEST: Final = 150.0  # a wait: two clock times must stand below it
_TEXT: Final = 13.0
_TITLE: Final = "How the mirrors caught up"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a wait stands, in pixels from the left."""

    wait: Wait
    left: float
    width: float

    def x(self, at: datetime) -> float:
        seconds = (at - self.wait.samples[0].at).total_seconds()
        return self.left + self.width * (seconds / self.wait.seconds if self.wait.seconds else 0.0)


@dataclass(frozen=True, slots=True)
class _Figure:
    """What one panel shows over the time."""

    heading: str
    paint: Paint
    height: float
    value: Callable[[Sample], float | None]
    words: Callable[[float], str]


_IN_BYTES: Final = _Figure("bytes still to come", BLUE, 190, lambda s: s.remaining, size)
_IN_PERCENT: Final = _Figure(
    "percent still to come",
    BLUE,
    190,
    lambda s: None if s.percent is None else 100 - s.percent,
    lambda v: f"{v:.0f} %",
)
_RATE: Final = _Figure("replayed or copied a second", VERMILLION, 100, lambda s: s.rate, lambda v: f"{size(v)}/s")


def resync_chart(samples: Sequence[Sample]) -> Scene | None:
    """The chart; None where nothing was told that could be drawn."""
    told = [figure for figure in (_IN_BYTES, _IN_PERCENT) if any(figure.value(s) is not None for s in samples)]
    if not told:
        return None
    figures = [told[0], *([_RATE] if any(s.rate is not None for s in samples) else [])]
    places = tuple(_places(waits(samples)))
    right = places[-1].left + places[-1].width
    shapes: list[Shape] = [Label(24, 26, _TITLE, 18, right, bold=True)]
    bottom = 12.0
    for figure in figures:
        top, bottom = bottom + 44, bottom + 62 + figure.height
        shapes += _panel(figure, places, top)
    for place in places:
        shapes += _clocks(place, bottom + 18)
    description = " ".join(_told(number, place.wait) for number, place in enumerate(places, 1))
    return Scene(right + _RIGHT, bottom + 40, tuple(shapes), _TITLE, description)


def _places(all_waits: Sequence[Wait]) -> Iterator[_Place]:
    """Each as wide as it was long, none too narrow."""
    room = WIDTH - _LEFT - _RIGHT - _GAP * (len(all_waits) - 1)
    whole = sum(wait.seconds for wait in all_waits)
    left = _LEFT
    for wait in all_waits:
        width = max(_NARROWEST, room * wait.seconds / whole if whole else room / len(all_waits))
        yield _Place(wait, left, width)
        left += width + _GAP


def _panel(figure: _Figure, places: Sequence[_Place], top: float) -> Iterator[Shape]:
    """Its heading, then a grid with a line for each wait."""
    most = max((v for p in places for s in p.wait.samples if (v := figure.value(s)) is not None), default=0.0)
    ceiling, floor = top + 18, top + 18 + figure.height
    yield Label(24, top, figure.heading, _TEXT, 400, Theme.FAINT)
    for share in (0.0, 0.5, 1.0) if most else (0.0,):
        y = floor - share * figure.height
        yield Label(24, y, figure.words(share * most), _TEXT, _LEFT - 32, Theme.FAINT)
        for place in places:
            yield Stroke(((place.left, y), (place.left + place.width, y)), 1, Theme.LINE)
    for place in places:
        told = [(place.x(s.at), v) for s in place.wait.samples if (v := figure.value(s)) is not None]
        points = tuple((x, floor - (v / most if most else 0.0) * (floor - ceiling)) for x, v in told)
        yield from _line(points, figure.paint)


def _line(points: Sequence[Point], paint: Paint) -> Iterator[Shape]:
    if len(points) > 1:
        yield Stroke(tuple(points), 2.5, paint)
    for x, y in {points[0], points[-1]} if points else ():
        yield Box(x - 4, y - 4, 8, 8, paint, Theme.PAPER, 1.5, 4)


def _clocks(place: _Place, y: float) -> Iterator[Shape]:
    first, last = (f"{at.astimezone(UTC):%H:%M:%S}" for at in (place.wait.samples[0].at, place.wait.samples[-1].at))
    yield Label(place.left, y, first, _TEXT, 70, Theme.FAINT)
    if place.wait.seconds:
        yield Label(place.left + place.width - 66, y, last, _TEXT, 70, Theme.FAINT)


def _told(number: int, wait: Wait) -> str:
    parts = [f"{'done' if wait.finished else 'not done'} after {duration(wait.seconds)}"]
    if wait.largest is not None:
        parts.append(f"{size(wait.largest)} to come at most")
    if wait.mean_rate is not None:
        parts.append(f"{size(wait.mean_rate)}/s on average")
    return f"Wait {number}: {', '.join(parts)}."
