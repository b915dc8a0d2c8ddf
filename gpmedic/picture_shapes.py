"""What a drawn picture is made of: boxes, labels and lines, in pixels from the upper left corner."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from gpmedic.picture_states import State

Point = tuple[float, float]


class Theme(Enum):
    """Colours that depend on whether the reader's screen is light or dark."""

    PAPER = "paper"
    INK = "ink"
    FAINT = "faint"
    CELL = "cell"
    LINE = "line"


LIGHT: Final[Mapping[Theme, str]] = MappingProxyType(
    {
        Theme.PAPER: "#FFFFFF",
        Theme.INK: "#111111",
        Theme.FAINT: "#555555",
        Theme.CELL: "#F1F4F3",
        Theme.LINE: "#C9CFCD",
    }
)
DARK: Final[Mapping[Theme, str]] = MappingProxyType(
    {
        Theme.PAPER: "#16191C",
        Theme.INK: "#F4F4F4",
        Theme.FAINT: "#B4B8BB",
        Theme.CELL: "#252A2E",
        Theme.LINE: "#474D52",
    }
)
Paint = Theme | str


class Anchor(Enum):
    START = "start"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle.

    Attributes:
        dbid: of the segment whose cell it is; None for everything else.
        title: what a reader is told who points at it.
    """

    x: float
    y: float
    width: float
    height: float
    fill: Paint | None = None
    stroke: Paint | None = None
    stroke_width: float = 1
    radius: float = 4
    dbid: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text; `y` is its middle, and it takes no more than `room` pixels."""

    x: float
    y: float
    text: str
    size: float
    room: float
    paint: Paint = Theme.INK
    anchor: Anchor = Anchor.START
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Stroke:
    points: tuple[Point, ...]
    width: float
    paint: Paint


Shape = Box | Label | Stroke


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything to draw, the lowest first.

    Attributes:
        title: one line.
        description: what the picture says, for those who cannot see it.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str


def _arc(start: float, end: float, radius: float = 0.42) -> tuple[Point, ...]:
    """Part of a circle around the middle, in degrees, clockwise."""
    angles = (math.radians(start + (end - start) * i / 24) for i in range(25))
    return tuple((0.5 + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in angles)


# Drawn and not written: no font has them all. Each is some lines in a square of side 1.
MARKS: Final[Mapping[State, tuple[tuple[Point, ...], ...]]] = MappingProxyType(
    {
        State.DOUBLE_FAULT: (((0.08, 0.08), (0.92, 0.92)), ((0.92, 0.08), (0.08, 0.92))),
        State.DEAD: (((0.5, 0.02), (0.5, 0.66)), ((0.5, 0.86), (0.5, 0.98))),
        State.DOWN: (((0.5, 0.02), (0.5, 0.96)), ((0.14, 0.6), (0.5, 0.96), (0.86, 0.6))),
        State.HANGS: (((0.16, 0.05), (0.84, 0.05), (0.16, 0.95), (0.84, 0.95), (0.16, 0.05)),),
        State.UNKNOWN: (
            ((0.2, 0.28), (0.28, 0.1), (0.5, 0.03), (0.73, 0.1), (0.8, 0.28), (0.7, 0.44), (0.52, 0.54), (0.5, 0.7)),
            ((0.5, 0.88), (0.5, 0.98)),
        ),
        State.STARTING: (((0.12, 0.1), (0.48, 0.5), (0.12, 0.9)), ((0.52, 0.1), (0.88, 0.5), (0.52, 0.9))),
        State.NO_STREAM: (_arc(0, 360), ((0.2, 0.8), (0.8, 0.2))),
        State.CHANGE_TRACKING: (((0.5, 0.06), (0.95, 0.92), (0.05, 0.92), (0.5, 0.06)),),
        State.NOT_IN_SYNC: (((0.05, 0.34), (0.95, 0.34)), ((0.05, 0.66), (0.95, 0.66)), ((0.72, 0.02), (0.28, 0.98))),
        State.RESYNCHRONIZING: (_arc(-30, 270), ((0.5, -0.12), (0.72, 0.08), (0.5, 0.28))),
        State.SWITCHED: (
            ((0.02, 0.3), (0.96, 0.3)),
            ((0.7, 0.04), (0.96, 0.3), (0.7, 0.56)),
            ((0.98, 0.72), (0.04, 0.72)),
            ((0.3, 0.46), (0.04, 0.72), (0.3, 0.98)),
        ),
        State.MIRRORLESS: (_arc(0, 360),),
        State.HEALTHY: (((0.08, 0.55), (0.38, 0.86), (0.94, 0.16)),),
    }
)


def mark(state: State, x: float, y: float, side: float, paint: Paint) -> tuple[Stroke, ...]:
    """The symbol of a state in a square."""
    lines = MARKS[state]
    return tuple(
        Stroke(tuple((x + px * side, y + py * side) for px, py in p), max(1.5, side / 7), paint) for p in lines
    )
