"""What a part measures: figures of which the median counts, and the goals that they are held against."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity of one subject, measured several times.

    Attributes:
        of: who or what was measured, with its size: a row of the table.
        what: the quantity with its unit: a column of the table.
    """

    of: str
    what: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure shall be at most, and what it is; both in the same unit.

    Attributes:
        words: the goal as a sentence's subject, such as "own time at 4 000 segments, seconds".
    """

    words: str
    measured: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.measured <= self.at_most


@dataclass(frozen=True, slots=True)
class Result:
    """All that one part has measured."""

    figures: tuple[Figure, ...]
    goals: tuple[Goal, ...] = ()

    def median(self, of: str, what: str) -> float:
        """The median of one figure; StopIteration where there is none."""
        return next(f for f in self.figures if (f.of, f.what) == (of, what)).median


@dataclass
class Figures:
    """Collects values one by one, in the order in which they come."""

    _values: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, of: str, **quantities: float) -> None:
        """Note one repetition; the keyword is the quantity, its underscores are blanks."""
        for name, value in quantities.items():
            self._values.setdefault((of, name.replace("_", " ")), []).append(value)

    def result(self) -> Result:
        return Result(tuple(Figure(of, what, tuple(values)) for (of, what), values in self._values.items()))

    def median(self, of: str, what: str) -> float:
        return statistics.median(self._values[of, what])


def markdown(result: Result) -> str:
    """The medians as a table, a row a subject, and the goals as another."""
    columns = list(dict.fromkeys(f.what for f in result.figures))
    subjects = dict.fromkeys(f.of for f in result.figures)
    known = {(f.of, f.what): f.median for f in result.figures}
    lines = _table(["", *columns], [[of, *(_number(known.get((of, what))) for what in columns)] for of in subjects])
    if result.goals:
        goals = [[g.words, _number(g.measured), _number(g.at_most), "yes" if g.met else "**no**"] for g in result.goals]
        lines += ["", *_table(["goal", "measured", "at most", "met"], goals)]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(row)} |" for row in (head, marks, *rows)]


def _number(value: float | None) -> str:
    """Three digits that count, and no more."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
