"""How the mirrors of an incident caught up: samples of each wait, kept few however long it lasts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

MOST_SAMPLES: Final = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a wait.

    Attributes:
        contents: how many are not yet synchronized; 0 ends the wait.
        remaining: bytes still to come; None where this Greenplum does not tell.
        percent: how much is done, 0 to 100; None where not told.
        rate: bytes replayed or copied a second, smoothed; None where not told.
        wait: which wait of the incident, from 1.
    """

    at: datetime
    contents: int
    remaining: int | None = None
    percent: float | None = None
    rate: float | None = None
    wait: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait until synchronized, from its first sample to its last."""

    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        return (self.samples[-1].at - self.samples[0].at).total_seconds()

    @property
    def finished(self) -> bool:
        return self.samples[-1].contents == 0

    @property
    def largest(self) -> int | None:
        """The largest backlog in bytes; None where bytes are not told."""
        return max((s.remaining for s in self.samples if s.remaining is not None), default=None)

    @property
    def highest_rate(self) -> float | None:
        return max((s.rate for s in self.samples if s.rate is not None), default=None)

    @property
    def mean_rate(self) -> float | None:
        """Bytes a second, each rate weighted by the time until the next sample."""
        told = [(a.rate, (b.at - a.at).total_seconds()) for a, b in pairwise(self.samples) if a.rate is not None]
        seconds = sum(weight for _, weight in told)
        return sum(rate * weight for rate, weight in told) / seconds if seconds else None


def with_sample(samples: Sequence[Sample], new: Sample) -> tuple[Sample, ...]:
    """The samples with one more, thinned; one that follows the end of a wait begins the next wait."""
    last = samples[-1] if samples else None
    wait = 1 if last is None else last.wait + (last.contents == 0)
    return thinned((*samples, replace(new, wait=wait)))


def thinned(samples: Sequence[Sample], most: int = MOST_SAMPLES) -> tuple[Sample, ...]:
    """At most so many, spread evenly over the time: of each slice of time the last one, and each wait's first.

    The slices are 1 s long, then 2, 4, 8 ... as the incident grows longer.
    """
    kept, seconds = tuple(samples), 1.0
    while len(kept) > most:
        kept = _last_of_each_slice(kept, seconds)
        if seconds > _span(kept):  # so many waits that their ends alone are too many
            return kept[-most:]
        seconds *= 2
    return kept


def waits(samples: Sequence[Sample]) -> tuple[Wait, ...]:
    """The waits, in their order."""
    return tuple(Wait(tuple(own)) for _, own in groupby(samples, key=lambda s: s.wait))


def _last_of_each_slice(samples: tuple[Sample, ...], seconds: float) -> tuple[Sample, ...]:
    began, slice_ = samples[0].at, timedelta(seconds=seconds)
    firsts: dict[int, Sample] = {}
    lasts: dict[tuple[int, int], Sample] = {}
    for sample in samples:
        firsts.setdefault(sample.wait, sample)
        lasts[sample.wait, (sample.at - began) // slice_] = sample
    return tuple(sorted({*firsts.values(), *lasts.values()}, key=lambda s: (s.wait, s.at)))


def _span(samples: tuple[Sample, ...]) -> float:
    return (samples[-1].at - samples[0].at).total_seconds()
