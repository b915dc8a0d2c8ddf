"""Everything that a stand-in for a Greenplum utility may print: what the engine knows of a practice cluster.

Stand-ins are pure: they render `Facts` and options into lines and an exit code. The engine gathers `Facts` live
(`Control.facts()`); a test may build them from a recorded snapshot instead. `to_json` and `from_json` are inverse.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from gpmedic.cluster import COORDINATOR_CONTENT, Generation, Mode, Role, Status

T = TypeVar("T")


class Release(StrEnum):
    """Which Greenplum a practice cluster looks like."""

    V4_3 = "4.3"
    V6 = "6"
    V7 = "7"

    @property
    def generation(self) -> Generation:
        return Generation.FILEREP if self is Release.V4_3 else Generation.WAL

    @property
    def data_directory_variable(self) -> str:
        return "COORDINATOR_DATA_DIRECTORY" if self is Release.V7 else "MASTER_DATA_DIRECTORY"


class Answer(StrEnum):
    """What a segment's port says to a connection."""

    ACCEPTS = "accepts"  # a primary: sessions are accepted
    RECOVERS = "recovers"  # a mirror or standby: alive, in recovery
    STARTING = "starting"  # "the database system is starting up"
    REFUSED = "refused"  # nobody listens
    STRANGER = "stranger"  # something listens that is not this segment
    UNREACHABLE = "unreachable"  # the host is down


class SshState(StrEnum):
    """How ssh of a host behaves."""

    NORMAL = "normal"
    BANNER = "banner"  # answers, with noise before the output
    REFUSED = "refused"
    SILENT = "silent"  # accepts the connection and never says a word
    CUT = "cut"  # the connection is lost in the middle of a command's output
    WRONG_KEY = "wrong_key"  # the host key has changed


class CopyKind(StrEnum):
    """How a segment is being copied from its acting primary."""

    INCREMENTAL = "incremental"  # pg_rewind, or 4.3's change log
    FULL = "full"  # pg_basebackup, or 4.3's full resynchronization


@dataclass(frozen=True, slots=True)
class Copying:
    """A recovery at work on one segment: in 6 and 7 pg_rewind or pg_basebackup, in 4.3 a resynchronization.

    Attributes:
        done, total: bytes; `total` 0 while it is not yet known.
        started: seconds since the epoch.
        message: the last line that the program printed about its progress, without carriage returns.
    """

    kind: CopyKind
    done: int
    total: int
    started: float
    message: str = ""

    @property
    def percent(self) -> int:
        """0 to 100; 0 while the total is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else 0


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """One row of gp_segment_configuration, and what is true of that instance.

    Attributes:
        pid: its postmaster's process id, None where none lives.
        stale_pid_file: a postmaster.pid lies in the data directory although no postmaster lives.
        stale_pid: the process id in that file.
        datadir_mode: permission bits, e.g. 0o700; None where the directory is missing.
        standby_signal: the data directory says that it is a mirror's (recovery.conf in 6, standby.signal in 7).
        write_location: the acting primary's current WAL position as PostgreSQL prints it, None without an answer.
        change_tracking_bytes: 4.3 only, size of the change log of a primary in change tracking.
        copying: the recovery at work whose target is this segment.
    """

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
    pid: int | None = None
    answer: Answer = Answer.REFUSED
    stale_pid_file: bool = False
    stale_pid: int = 0
    datadir_exists: bool = True
    datadir_mode: int | None = None
    standby_signal: bool = False
    write_location: str | None = None
    change_tracking_bytes: int | None = None
    copying: Copying | None = None

    @property
    def in_preferred_role(self) -> bool:
        return self.role is self.preferred_role


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host of the lab, whether a segment lives on it or not."""

    name: str
    reachable: bool = True
    ssh: SshState = SshState.NORMAL
    ssh_port: int = 0


@dataclass(frozen=True, slots=True)
class ReplicationFacts:
    """One row of the acting primary's pg_stat_replication (content -1: the coordinator's)."""

    content: int
    pid: int
    application_name: str
    state: str
    sync_state: str
    sent: str | None
    written: str | None
    flushed: str | None
    replayed: str | None
    backend_start: str = ""


@dataclass(frozen=True, slots=True)
class LockFacts:
    """gprecoverseg's lock in the coordinator's data directory."""

    pid: int
    alive: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment of a practice cluster.

    Attributes:
        server_version: the text of `SELECT version()`.
        utility_version: what `postgres --gp-version` prints ("postgres (Greenplum Database) 6.24.3 build ...").
        segments: in catalog order (by dbid); empty while the coordinator's catalog has never been read.
        replication: live rows of every acting primary that answers; empty in 4.3.
        lock: None where no lock lies there.
        faults: what is broken on purpose and concerns stand-ins, by name of `Fault` -> its target ("" where none).
    """

    name: str
    release: Release
    server_version: str
    utility_version: str
    user: str
    segments: tuple[SegmentFacts, ...]
    hosts: tuple[HostFacts, ...]
    replication: tuple[ReplicationFacts, ...] = ()
    lock: LockFacts | None = None
    faults: tuple[tuple[str, str], ...] = ()
    now: float = 0.0

    def segment(self, dbid: int) -> SegmentFacts:
        """The segment with this dbid; KeyError where there is none."""
        for segment in self.segments:
            if segment.dbid == dbid:
                return segment
        raise KeyError(dbid)

    def host(self, name: str) -> HostFacts:
        """The host of that name; KeyError where there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def peer(self, segment: SegmentFacts) -> SegmentFacts | None:
        """The other instance of the same content."""
        return next((s for s in self.segments if s.content == segment.content and s.dbid != segment.dbid), None)

    def fault(self, name: str) -> str | None:
        """The target of a fault in force, None where it is not."""
        return dict(self.faults).get(name)

    @property
    def coordinator(self) -> SegmentFacts:
        return next(s for s in self.segments if s.content == COORDINATOR_CONTENT and s.role is Role.PRIMARY)

    @property
    def standby(self) -> SegmentFacts | None:
        return next((s for s in self.segments if s.content == COORDINATOR_CONTENT and s.role is Role.MIRROR), None)

    @property
    def data_segments(self) -> tuple[SegmentFacts, ...]:
        """Every primary and mirror, without coordinator and standby."""
        return tuple(s for s in self.segments if s.content != COORDINATOR_CONTENT)

    @property
    def mirrored(self) -> bool:
        return any(s.preferred_role is Role.MIRROR for s in self.data_segments)

    @property
    def database_up(self) -> bool:
        return self.coordinator.answer is Answer.ACCEPTS

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """The inverse of `to_json`; KeyError, TypeError or ValueError where the text is something else."""
        return decode(cls, json.loads(text))


@lru_cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def decode(kind: type[T], value: Any) -> T:
    """JSON data -> the dataclass `kind`, by the types of its fields."""
    return typing.cast(T, _decode(kind, value))


def _decode(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        inner = next(k for k in typing.get_args(kind) if k is not types.NoneType)
        return None if value is None else _decode(inner, value)
    if origin is tuple:
        kinds = typing.get_args(kind)
        repeated = kinds[1:] == (Ellipsis,)
        return tuple(_decode(kinds[0] if repeated else kinds[i], item) for i, item in enumerate(value))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        return typing.cast(Any, kind)(**{name: _decode(hints[name], item) for name, item in value.items()})
    return value
