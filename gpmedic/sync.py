"""How far the mirrors have caught up: rate, percent and time left from successive observations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from gpmedic.amounts import duration, size
from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Generation, Replication
from gpmedic.errors import GpmedicError
from gpmedic.gpstate_rows import Resynchronization
from gpmedic.steps import named_contents
from gpmedic.wal import wal_position

_Number = TypeVar("_Number", int, float)


class Stall(GpmedicError):
    """No byte was synchronized for too long. It is an alarm: nothing is ever killed for slowness."""


@dataclass(frozen=True, slots=True)
class ContentProgress:
    """How far one content was at one moment.

    Attributes:
        remaining: bytes that its mirror lacks; None where this generation does not tell.
        percent: 0 to 100; None where not told. On 4.3 it lies (T33): it is shown and
            its movement counts, but it never says that a pair is synchronized.
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
        best: the furthest that each content has come in each state of its stream.
        rate: bytes replayed or copied a second, smoothed; None until two observations tell.
        closing: bytes a second by which the backlog shrinks, smoothed; below zero while it grows.
    """

    first: Observation
    last: Observation
    moved_at: float
    best: tuple[ContentProgress, ...]
    largest: int | None = None
    rate: float | None = None
    closing: float | None = None

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
        return _total(self.last)

    @property
    def percent(self) -> float | None:
        """0 to 100: the lowest of what the utility prints, else of the bytes where they are told; None without both.

        Of bytes it is measured against the largest backlog seen, so that it never rises above what is truly done.
        """
        told = [c.percent for c in self.last.contents if c.percent is not None]
        if told:
            return min(told)
        return 100 * (1 - self.remaining / self.largest) if self.remaining is not None and self.largest else None

    @property
    def eta(self) -> float | None:
        """Seconds until the backlog is gone as it shrinks now; None where it grows or is not told."""
        if self.remaining is None or self.closing is None or self.closing <= 0:
            return None
        return self.remaining / self.closing

    def describe(self) -> str:
        """One line: contents, bytes or percent, rate, time left."""
        if not self.last.contents:
            return f"synchronized after {duration(self.elapsed)}"
        parts = [f"{named_contents([c.content for c in self.last.contents])} catching up"]
        if self.percent is not None:
            parts.append(f"{self.percent:.0f} %")
        if self.remaining == 0:
            parts.append("every byte replayed, FTS has yet to mark it synchronized")  # up to 50 s (T25)
        elif self.remaining is not None:
            parts.append(f"{size(self.remaining)} to go")
        if self.rate:
            parts.append(f"{size(self.rate)}/s")
        if self.remaining and self.eta is not None:
            parts.append(f"about {duration(self.eta)} left")
        return ", ".join(parts)


def advance(progress: SyncProgress | None, observation: Observation) -> SyncProgress:
    """The progress after one more observation; start with None."""
    now = _total(observation)
    if progress is None:
        return SyncProgress(observation, observation, observation.at, observation.contents, largest=now)
    best = _best(progress.best, observation)
    moved = best != progress.best or _somebody_is_done(progress.last, observation)
    seconds = observation.at - progress.last.at
    return SyncProgress(
        progress.first,
        observation,
        observation.at if moved else progress.moved_at,
        best,
        max((v for v in (progress.largest, now) if v is not None), default=None),
        _smooth(progress.rate, _sum_of_changes(progress.last, observation, _replayed), seconds),
        _smooth(progress.closing, _sum_of_changes(progress.last, observation, _closed), seconds),
    )


def check_stall(progress: SyncProgress, stall_after: float) -> None:
    """Return where something moved within `stall_after` seconds, or nothing is left to do.

    Raises:
        Stall: with advice; the caller alarms and goes on waiting.
    """
    if not progress.last.contents or progress.idle < stall_after:
        return
    contents = ", ".join(str(c.content) for c in progress.last.contents)
    raise Stall(
        f"No byte was synchronized for {duration(progress.idle)} (content {contents}); nothing was stopped, the wait"
        " goes on.",
        "Look for sessions that block, full disks and removed WAL on both hosts; never kill the recovery for slowness.",
    )


def observe_replication(cluster: Cluster, at: float) -> Observation:
    """The observation that the catalog allows.

    On 6, 7 and Cloudberry with the bytes that gp_stat_replication shows as sent but not replayed; on 4.3 only which
    contents are not synchronized, so that bytes or percent come from `gpstate -s`.
    """
    rows = {r.content: r for r in cluster.replication or () if r.is_mirror}
    return Observation(at, tuple(_content(c, rows.get(c)) for c in unproven(cluster)))


def filerep_progress(content: int, told: Resynchronization, state: str) -> ContentProgress:
    """What `gpstate -s` of 4.3 tells of one content; bytes only where it has estimated them."""
    done, whole = told.synced_bytes, told.total_bytes
    remaining = None if done is None or whole is None else max(0, whole - done)
    return ContentProgress(content, remaining=remaining, percent=told.percent, position=done, state=state)


def replay_lag(cluster: Cluster) -> Mapping[int, int | None]:
    """Bytes of WAL that each content's mirror has been sent and has yet to replay; None where that is not shown."""
    rows = {r.content: r for r in cluster.replication or () if r.is_mirror}
    return {p.content: _content(p.content, rows.get(p.content)).remaining for p in cluster.pairs}


def unsynchronized(cluster: Cluster) -> tuple[int, ...]:
    """The contents whose pair is not synchronized by the catalog; a content that has no mirror is none."""
    lagging = {p.content for p in cluster.pairs if p.mirror is not None and not p.synchronized}
    return tuple(sorted(lagging | set(cluster.odd_contents)))


def unproven(cluster: Cluster) -> tuple[int, ...]:
    """The contents that are not synchronized, or of which nothing but the catalog says so.

    Two primaries that died a moment ago stand as `s` and `u` in the catalog, and gp_stat_replication then fails as a
    whole (T5): where there is such a view, what it does not show is not proven.
    """
    lagging = set(unsynchronized(cluster))
    if cluster.version.generation is Generation.WAL:
        streams = {r.content for r in cluster.replication or () if r.is_mirror}
        lagging |= {p.content for p in cluster.pairs if p.mirror is not None} - streams
    return tuple(sorted(lagging))


def synchronized(cluster: Cluster) -> bool:
    """Every pair up and equal by the catalog and, on 6, 7 and Cloudberry, a stream for each."""
    return not unproven(cluster)


def regressed(before: Cluster, now: Cluster) -> tuple[int, ...]:
    """The contents that have gone backwards between two looks of one wait: proven, up or streaming, and now no more.

    A primary that dies while its mirror catches up changes nothing in the catalog (T5): its stream disappears.
    """
    proven = set(unproven(now)) - set(unproven(before))
    return tuple(sorted(proven | (_with_mirror_up(before) - _with_mirror_up(now)) | (_streams(before) - _streams(now))))


def _with_mirror_up(cluster: Cluster) -> set[int]:
    return {p.content for p in cluster.pairs if p.mirror is not None and p.mirror.is_up}


def _streams(cluster: Cluster) -> set[int]:
    return {r.content for r in cluster.replication or () if r.is_mirror and r.content != COORDINATOR_CONTENT}


_SMOOTHING: Final = 0.3  # weight of the newest interval in the rate


def _content(content: int, row: Replication | None) -> ContentProgress:
    if row is None:
        return ContentProgress(content)
    sent, replayed = wal_position(row.sent or ""), wal_position(row.replayed or "")
    remaining = None if sent is None or replayed is None else max(0, sent - replayed)
    return ContentProgress(content, remaining=remaining, position=replayed, state=row.state)


def _total(observation: Observation) -> int | None:
    """The sum of what is told; None where nothing is told. A content that is done has nothing left to tell."""
    told = [c.remaining for c in observation.contents if c.remaining is not None]
    return sum(told) if told or not observation.contents else None


def _best(best: tuple[ContentProgress, ...], observation: Observation) -> tuple[ContentProgress, ...]:
    """The furthest so far, by content and state of its stream.

    A mirror that flaps goes the same way again and again: only what was never reached before is a movement.
    """
    known = {(c.content, c.state): c for c in best}
    for now in observation.contents:
        before = known.get((now.content, now.state), now)
        known[now.content, now.state] = replace(
            before,
            remaining=_lower(before.remaining, now.remaining),
            percent=_higher(before.percent, now.percent),
            position=_higher(before.position, now.position),
        )
    return tuple(known.values())


def _somebody_is_done(before: Observation, after: Observation) -> bool:
    return bool({c.content for c in before.contents} - {c.content for c in after.contents})


def _lower(one: _Number | None, other: _Number | None) -> _Number | None:
    return min((v for v in (one, other) if v is not None), default=None)


def _higher(one: _Number | None, other: _Number | None) -> _Number | None:
    return max((v for v in (one, other) if v is not None), default=None)


def _sum_of_changes(
    before: Observation, after: Observation, change: Callable[[ContentProgress, ContentProgress], int | None]
) -> int | None:
    earlier = {c.content: c for c in before.contents}
    told = [change(earlier[c.content], c) for c in after.contents if c.content in earlier]
    known = [t for t in told if t is not None]
    return sum(known) if known else None


def _replayed(before: ContentProgress, after: ContentProgress) -> int | None:
    if before.position is None or after.position is None:
        return _closed(before, after)
    return max(0, after.position - before.position)


def _closed(before: ContentProgress, after: ContentProgress) -> int | None:
    if before.remaining is None or after.remaining is None:
        return None
    return before.remaining - after.remaining


def _smooth(average: float | None, change: int | None, seconds: float) -> float | None:
    if change is None or seconds <= 0:
        return average
    newest = change / seconds
    return newest if average is None else _SMOOTHING * newest + (1 - _SMOOTHING) * average
