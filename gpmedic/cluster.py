"""What a Greenplum cluster is made of: an immutable snapshot of its configuration catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

COORDINATOR_CONTENT = -1


class Role(StrEnum):
    """`role` and `preferred_role` of gp_segment_configuration."""

    PRIMARY = "p"
    MIRROR = "m"


class Mode(StrEnum):
    """`mode` of gp_segment_configuration: 4.3 and 5 know s, c and r; 6, 7 and Cloudberry s and n."""

    SYNCHRONIZED = "s"
    CHANGE_TRACKING = "c"
    RESYNCHRONIZING = "r"
    NOT_IN_SYNC = "n"


class Status(StrEnum):
    """`status` of gp_segment_configuration: what FTS believes, which is not always so (see probes)."""

    UP = "u"
    DOWN = "d"


class Generation(StrEnum):
    """How primaries and mirrors are kept equal, which decides catalog, utilities and their output."""

    FILEREP = "filerep"  # 4.3 and 5: change tracking and resynchronization
    WAL = "wal"  # 6, 7 and Cloudberry: streaming replication


class Family(StrEnum):
    GREENPLUM = "Greenplum"
    CLOUDBERRY = "Cloudberry"


@dataclass(frozen=True, slots=True)
class Version:
    """The database's version, as its `version()` tells it."""

    family: Family
    major: int
    minor: int
    text: str

    @property
    def generation(self) -> Generation:
        filerep = self.family is Family.GREENPLUM and self.major <= 5
        return Generation.FILEREP if filerep else Generation.WAL

    def __str__(self) -> str:
        return f"{self.family.value} {self.text}"


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of gp_segment_configuration: a coordinator, standby, primary or mirror instance."""

    dbid: int
    content: int
    role: Role
    preferred_role: Role
    mode: Mode
    status: Status
    port: int
    hostname: str
    address: str
    datadir: str
    replication_port: int | None = None
    filespaces: tuple[tuple[str, str], ...] = ()

    @property
    def is_up(self) -> bool:
        return self.status is Status.UP

    @property
    def directories(self) -> tuple[str, ...]:
        """The data directory, then those of its other filespaces."""
        return tuple(dict.fromkeys((self.datadir, *(path for _, path in self.filespaces))))

    @property
    def in_preferred_role(self) -> bool:
        return self.role is self.preferred_role

    def __str__(self) -> str:
        return f"dbid {self.dbid} ({self.hostname}:{self.port}, content {self.content})"


@dataclass(frozen=True, slots=True)
class SegmentPair:
    """The two copies of one content, by the roles that they have now; mirror is None where there is none."""

    content: int
    primary: Segment
    mirror: Segment | None

    @property
    def segments(self) -> tuple[Segment, ...]:
        return (self.primary,) if self.mirror is None else (self.primary, self.mirror)

    @property
    def synchronized(self) -> bool:
        """Both copies up and equal, as far as the catalog knows."""
        return self.mirror is not None and all(s.is_up and s.mode is Mode.SYNCHRONIZED for s in self.segments)

    @property
    def balanced(self) -> bool:
        return all(s.in_preferred_role for s in self.segments)


@dataclass(frozen=True, slots=True)
class Replication:
    """One row of gp_stat_replication (6, 7 and Cloudberry), positions as the server prints them."""

    content: int
    application_name: str
    state: str
    sync_state: str
    sent: str | None = None
    replayed: str | None = None

    @property
    def is_mirror(self) -> bool:
        """A mirror's or standby's stream, not a running pg_basebackup."""
        return self.application_name == "gp_walreceiver"


@dataclass(frozen=True, slots=True)
class StandbyLook:
    """What `gpstate -f` said of the standby where no view shows its stream: 4.3 and 5 (T24).

    Attributes:
        detail: one line.
    """

    follows: bool
    detail: str


@dataclass(frozen=True)
class Cluster:
    """A snapshot of one cluster, as the coordinator's catalog shows it.

    Attributes:
        name: what gpmedic calls the cluster.
        segments: every row, the coordinator's and the standby's too.
        replication: gp_stat_replication; None where this generation has none or it could not be read.
        standby_look: None where `replication` tells it, where there is no standby, or where gpstate was not understood.
    """

    name: str
    version: Version
    segments: tuple[Segment, ...]
    replication: tuple[Replication, ...] | None = None
    standby_look: StandbyLook | None = None

    @property
    def coordinator(self) -> Segment:
        return next(s for s in self.segments if s.content == COORDINATOR_CONTENT and s.role is Role.PRIMARY)

    @property
    def standby(self) -> Segment | None:
        return next((s for s in self.segments if s.content == COORDINATOR_CONTENT and s.role is Role.MIRROR), None)

    @cached_property
    def pairs(self) -> tuple[SegmentPair, ...]:
        """The segment pairs by content; without the coordinator, whose mode means nothing."""
        members: dict[int, list[Segment]] = {content: [] for content in self.contents}
        for segment in self.segments:
            if segment.content in members:
                members[segment.content].append(segment)
        found = (_pair(content, own) for content, own in members.items())
        return tuple(pair for pair in found if pair is not None)

    @cached_property
    def contents(self) -> tuple[int, ...]:
        """Every content in order, without the coordinator's."""
        return tuple(sorted({s.content for s in self.segments if s.content != COORDINATOR_CONTENT}))

    @cached_property
    def odd_contents(self) -> tuple[int, ...]:
        """Contents that are no pair: without a primary, with two, or with more than one mirror."""
        return tuple(sorted(set(self.contents) - {pair.content for pair in self.pairs}))

    @property
    def mirrored(self) -> bool:
        return any(pair.mirror is not None for pair in self.pairs)

    @property
    def acting_primaries(self) -> tuple[Segment, ...]:
        return tuple(pair.primary for pair in self.pairs)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name, the coordinator's first, the others in order."""
        first = self.coordinator.hostname
        return (first, *sorted({s.hostname for s in self.segments} - {first}))

    def segment(self, dbid: int) -> Segment:
        """The segment with this dbid; KeyError where there is none."""
        return self._by_dbid[dbid]

    @cached_property
    def _by_dbid(self) -> dict[int, Segment]:
        return {s.dbid: s for s in reversed(self.segments)}


def _pair(content: int, own: Sequence[Segment]) -> SegmentPair | None:
    primaries = [s for s in own if s.role is Role.PRIMARY]
    mirrors = [s for s in own if s.role is Role.MIRROR]
    if len(primaries) != 1 or len(mirrors) > 1:
        return None
    return SegmentPair(content, primaries[0], mirrors[0] if mirrors else None)
