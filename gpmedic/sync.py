"""How far the mirrors have caught up: rate, percent and time left from successive observations."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmedic.cluster import Cluster
from gpmedic.errors import GpmedicError


class Stall(GpmedicError):
    """No byte was synchronized for too long. It is an alarm: nothing is ever killed for slowness."""


@dataclass(frozen=True, slots=True)
class ContentProgress:
    """How far one content was at one moment.

    Attributes:
        remaining: bytes that its mirror lacks; None where this generation does not tell.
        percent: 0 to 100; None where not told. 4.3 prints values that lie (T33): they are shown, never judged by.
        position: any counter of bytes that only grows with progress (replay position, bytes copied).
        state: the utility's own word (streaming, catchup, Resynchronizing ...).
    """

    content: int
    remaining: int | None = None
    percent: float | None = None
    position: int | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at the contents that are not yet synchronized; `at` in seconds of any clock that only goes forward."""

    at: float
    contents: tuple[ContentProgress, ...]


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """What the observations so far add up to.

    Attributes:
        first, last: the first and the newest observation.
        moved_at: when something last moved.
        largest: the largest sum of remaining bytes seen.
        rate: bytes a second, smoothed; None until two observations tell.
    """

    first: Observation
    last: Observation
    moved_at: float
    largest: int | None = None
    rate: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the first observation."""
        return self.last.at - self.first.at

    @property
    def idle(self) -> float:
        """Seconds since something last moved."""
        return self.last.at - self.moved_at

    @property
    def remaining(self) -> int | None:
        """Bytes still to come over all contents; None where not one of them tells."""
        raise NotImplementedError

    @property
    def percent(self) -> float | None:
        """0 to 100 of what is known to be to do."""
        raise NotImplementedError

    @property
    def eta(self) -> float | None:
        """Seconds still to go at the present rate; None where it cannot be told."""
        raise NotImplementedError

    def describe(self) -> str:
        """One line: contents, bytes or percent, rate, time left."""
        raise NotImplementedError


def advance(progress: SyncProgress | None, observation: Observation) -> SyncProgress:
    """The progress after one more observation; start with None."""
    raise NotImplementedError


def check_stall(progress: SyncProgress, stall_after: float) -> None:
    """Return where something moved within `stall_after` seconds.

    Raises:
        Stall: with advice; the caller alarms and goes on waiting.
    """
    raise NotImplementedError


def observe_replication(cluster: Cluster, at: float) -> Observation:
    """The observation that gp_stat_replication allows (6, 7 and Cloudberry); on 4.3 only which contents lack."""
    raise NotImplementedError


def unsynchronized(cluster: Cluster) -> tuple[int, ...]:
    """The contents whose pair is not synchronized; a content without a mirror is none of them."""
    raise NotImplementedError


def synchronized(cluster: Cluster) -> bool:
    """Every pair up and equal by the catalog, and on WAL generations a stream for each."""
    raise NotImplementedError


def total_remaining(contents: Sequence[ContentProgress]) -> int | None:
    """The sum of what is told; None where nothing is."""
    raise NotImplementedError
