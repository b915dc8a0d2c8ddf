"""What gpstate learns: the catalog's rows in its order, and what every host says about the instances on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Answer, Facts, Release, ReplicationFacts, SegmentFacts, SshState

MODE_LABELS = {
    Mode.SYNCHRONIZED: "Synchronized",
    Mode.CHANGE_TRACKING: "Change Tracking",
    Mode.RESYNCHRONIZING: "Resynchronizing",
    Mode.NOT_IN_SYNC: "Not In Sync",
}


class Reading(NamedTuple):
    """A value to print, and whether it is a warning."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """What the host of an instance says about it.

    Attributes:
        failure: why its host could not be asked, "" where it was.
        pid: of the postmaster.pid file, 0 where there is none.
        process_error: why the process of that id is not believed in, "" where it is.
    """

    failure: str
    pid: int = 0
    process_error: str = ""

    @property
    def has_files(self) -> bool:
        """postmaster.pid and the lock file of the socket; they come and go together."""
        return self.pid != 0

    @property
    def runs(self) -> bool:
        return not self.failure and not self.process_error


class Pair(NamedTuple):
    primary: SegmentFacts
    mirror: SegmentFacts


class View:
    """Facts, as gpstate sees them from the coordinator's host."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.filerep = facts.release is Release.V4_3

    @cached_property
    def segments(self) -> tuple[SegmentFacts, ...]:
        """Primaries and mirrors by content, the acting primary first."""
        return tuple(sorted(self.facts.data_segments, key=lambda s: (s.content, s.role is not Role.PRIMARY)))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        mirrors = {s.content: s for s in self.segments if s.role is Role.MIRROR}
        return tuple(Pair(p, mirrors[p.content]) for p in self.acting(Role.PRIMARY) if p.content in mirrors)

    def acting(self, role: Role) -> tuple[SegmentFacts, ...]:
        return tuple(s for s in self.segments if s.role is role)

    def preferred(self, role: Role) -> tuple[SegmentFacts, ...]:
        return tuple(s for s in self.segments if s.preferred_role is role)

    def primary_of(self, segment: SegmentFacts) -> SegmentFacts:
        """The acting primary of its content."""
        return next(s for s in self.acting(Role.PRIMARY) if s.content == segment.content)

    def mirror_of(self, primary: SegmentFacts) -> SegmentFacts:
        return next(s for s in self.acting(Role.MIRROR) if s.content == primary.content)

    def instance(self, segment: SegmentFacts) -> Instance:
        """What asking the host of this instance brings."""
        host = self.facts.host(segment.hostname)
        if not host.reachable or host.ssh not in (SshState.NORMAL, SshState.BANNER):
            return Instance(f"Error getting status from host {segment.address}")
        if segment.pid is not None:
            return Instance("", segment.pid)
        lock = f"/tmp/.s.PGSQL.{segment.port}.lock"  # noqa: S108 (the text of the real one)
        if segment.stale_pid_file:
            error = f"Have lock file {lock} but no process running on port {segment.port}"
            return Instance("", segment.stale_pid, error)
        return Instance("", 0, f"No socket connection or lock file ({lock}) found for port={segment.port}")

    def accepts(self, primary: SegmentFacts) -> bool:
        """Whether gpstate can query it in utility mode."""
        return primary.answer is Answer.ACCEPTS and self.facts.host(primary.hostname).reachable

    def streams(self, primary: SegmentFacts) -> tuple[ReplicationFacts, ...]:
        """The rows of this acting primary's pg_stat_replication."""
        return tuple(row for row in self.facts.replication if row.content == primary.content)

    def database_status(self, segment: SegmentFacts) -> Reading:
        """The instance's status in words; everything but "Up" is a warning."""
        instance = self.instance(segment)
        if segment.status is Status.DOWN:
            text = "Down in configuration"
        elif instance.failure:
            text = "Unknown -- unable to load segment status"
        elif instance.process_error:
            text = "Process error -- database process may be down"
        else:
            text = self._answer(segment)
        return Reading(text, text != "Up")

    def _answer(self, segment: SegmentFacts) -> str:
        accepts, rejects = Answer.ACCEPTS, (Answer.RECOVERS, Answer.STARTING)
        if self.filerep:  # a mirror of 4.3 is no PostgreSQL that recovers: its process tells its state
            return "Up" if segment.answer in (accepts, *rejects) else "Not Responding"
        if segment.answer is accepts:
            return "Up" if segment.role is Role.PRIMARY else "Acting as Primary"
        if segment.answer in rejects:
            return "Rejecting Connections" if segment.role is Role.PRIMARY else "Up"
        return "Not Responding"

    @cached_property
    def probably_down(self) -> tuple[SegmentFacts, ...]:
        return tuple(s for s in self.segments if self.database_status(s).warning)

    @property
    def database_probably_unavailable(self) -> bool:
        """Whether a content has no instance that could serve it."""
        usable = {
            s.content
            for s in self.segments
            if s not in self.probably_down and (s.role is Role.PRIMARY or self.primary_of(s).mode is Mode.SYNCHRONIZED)
        }
        return any(s.content not in usable for s in self.segments)

    @property
    def mirroring_type(self) -> str:
        """Spread where no host has two of its primaries mirrored on one other host, else Group."""
        hosts = [(s.hostname, peer.hostname) for s in self.preferred(Role.PRIMARY) if (peer := self.facts.peer(s))]
        return "Spread" if len(hosts) == len(set(hosts)) else "Group"


def place(segment: SegmentFacts) -> tuple[str, str, str]:
    """The three cells that name an instance: address, data directory, port."""
    return segment.address, segment.datadir, str(segment.port)


def count(segments: Iterable[SegmentFacts], status: Status) -> int:
    return sum(1 for s in segments if s.status is status)
