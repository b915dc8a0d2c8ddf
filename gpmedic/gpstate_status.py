"""`gpstate -s`: everything about the coordinator and about every segment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpmedic.cluster import Role
from gpmedic.errors import UnreadableOutput
from gpmedic.gpstate_rows import Resynchronization, number, resynchronization, size
from gpmedic.gpstate_table import UTILITY, blocks_between_rules, body
from gpmedic.utility_log import Record, integer, labelled


@dataclass(frozen=True, slots=True)
class CoordinatorStatus:
    """What -s says of the coordinator; `standby_state` is in gpstate's words, None where there is no standby."""

    host: str
    port: int
    datadir: str
    pid: int | None
    current_role: str
    standby_host: str | None
    standby_state: str | None


@dataclass(frozen=True, slots=True)
class SegmentStatus:
    """What -s says of one segment; None where it says nothing or "Unknown".

    Attributes:
        role, preferred_role: None on a cluster without mirrors.
        mirror_status: in gpstate's words: Synchronized, Streaming, Change Tracking, Not In Sync ...
        bytes_to_send: what the primary must still send to its mirror; the other two are the mirror's own.
        pid: None where no process was found or its host was not reached.
        up_in_configuration: the catalog's opinion; `status` is gpstate's own, "Up" where all is well.
        error: why the host could not be asked.
    """

    host: str
    address: str
    datadir: str
    port: int
    up_in_configuration: bool
    status: str
    role: Role | None = None
    preferred_role: Role | None = None
    mirror_status: str | None = None
    recovery_start: str | None = None
    write_location: str | None = None
    sent_location: str | None = None
    flush_location: str | None = None
    replay_location: str | None = None
    bytes_to_send: int | None = None
    bytes_to_flush: int | None = None
    bytes_to_replay: int | None = None
    change_tracking_bytes: int | None = None
    resynchronization: Resynchronization | None = None
    pid: int | None = None
    error: str | None = None

    @property
    def is_up(self) -> bool:
        return self.up_in_configuration and self.status == "Up"


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `gpstate -s` found. Compare with the catalog: output cut off between two pairs looks complete."""

    coordinator: CoordinatorStatus | None = None
    segments: tuple[SegmentStatus, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str | None = None


_TITLES = {"-Master Configuration & Status", "-Coordinator Configuration & Status"}
_SEGMENTS = "Segment Instance Status Report"
_NO_STANDBY = re.compile(r"No (?:master|coordinator) standby configured|No standby (?:master|coordinator) configured")
_EXPANSION = "Cluster Expansion"
_CATEGORIES = {
    "Segment Info",
    "Mirroring Info",
    "Error Getting Segment Status",
    "Change Tracking Info",
    "Resynchronization Info",
    "Replication Info",
    "Status",
}
_RESYNC = (
    "Resynchronization mode",
    "Estimated resync progress with mirror",
    "Total resync objects",
    "Objects to resync",
    "Data synchronized",
    "Estimated total data to synchronize",
    "Estimated resync end time",
)
_LABELS = {
    "Hostname",
    "Address",
    "Datadir",
    "Port",
    "Current role",
    "Preferred role",
    "Mirror status",
    "Mirror recovery start",
    "Error Getting Segment Status",
    "Current write location",
    "WAL Sent Location",
    "WAL Flush Location",
    "WAL Replay Location",
    "Bytes remaining to send to mirror",
    "Bytes received but remain to flush",
    "Bytes received but remain to replay",
    "WAL sync remaining bytes",
    "Change tracking data size",
    *_RESYNC,
    "PID",
    "Configuration reports status as",
    "Segment status",
    "Database status",
}
_ROLES = {"Primary": Role.PRIMARY, "Mirror": Role.MIRROR}


def parse_status(text: str) -> StatusReport:
    """Read the whole output of `gpstate -s`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off within a pair, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return StatusReport(failure=frame.failure)
    parts = blocks_between_rules(frame.records)
    last = frame.records[-1]
    if len(parts) < 4 or (last.message.startswith("---") and not _is_expansion(parts[-1])):
        raise last.unreadable()
    title, coordinator, heading, *blocks = parts
    if title[0].message not in _TITLES or len(title) > 1 or [r.message for r in heading] != [_SEGMENTS]:
        raise title[0].unreadable()
    segments = tuple(_segment(block) for block in blocks if not _is_expansion(block))
    roles = [segment.role for segment in segments]
    if roles.count(Role.PRIMARY) != roles.count(Role.MIRROR):  # a pair is printed together, primary first or not
        raise last.unreadable()
    return StatusReport(_coordinator(coordinator), segments, frame.warnings)


def _is_expansion(block: Sequence[Record]) -> bool:
    pair = labelled(block[0])
    return len(block) == 1 and pair is not None and pair[0] == _EXPANSION


def _values(block: Sequence[Record]) -> dict[str, str]:
    values: dict[str, str] = {}
    for record in block:
        pair = labelled(record)
        if pair is None:
            raise record.unreadable()
        if pair[0] in values:
            raise record.unreadable()
        values[pair[0]] = pair[1]
    return values


def _coordinator(block: Sequence[Record]) -> CoordinatorStatus:
    values = {
        label.replace("Master", "Coordinator").replace("master", "coordinator"): v
        for label, v in _values(block).items()
    }
    try:
        standby = values.get("Coordinator standby") or values["Standby coordinator"]
        pid = values.get("Coordinator postgres process ID")
        return CoordinatorStatus(
            host=values["Coordinator host"],
            port=integer(values["Coordinator port"]),
            datadir=values["Coordinator data directory"],
            pid=None if pid is None else integer(pid),
            current_role=values["Coordinator current role"],
            standby_host=None if _NO_STANDBY.fullmatch(standby) else standby,
            standby_state=values.get("Standby coordinator state"),
        )
    except (KeyError, ValueError):
        raise block[0].unreadable() from None


def _segment(block: Sequence[Record]) -> SegmentStatus:
    values = _values([r for r in block if r.message.strip() not in _CATEGORIES])
    unknown = values.keys() - _LABELS
    if unknown:
        raise UnreadableOutput(UTILITY, min(unknown))
    try:
        return _built(values)
    except (KeyError, ValueError):
        raise block[-1].unreadable() from None


def _built(values: dict[str, str]) -> SegmentStatus:
    status = values["Segment status"] if "Segment status" in values else values["Database status"]
    resync = resynchronization([values[label] for label in _RESYNC]) if _RESYNC[0] in values else None
    pid = values.get("PID", "Not found")
    return SegmentStatus(
        host=values["Hostname"],
        address=values["Address"],
        datadir=values["Datadir"],
        port=integer(values["Port"]),
        up_in_configuration={"Up": True, "Down": False}[values["Configuration reports status as"]],
        status=status,
        role=_ROLES[values["Current role"]] if "Current role" in values else None,
        preferred_role=_ROLES[values["Preferred role"]] if "Preferred role" in values else None,
        mirror_status=values.get("Mirror status"),
        recovery_start=values.get("Mirror recovery start"),
        write_location=_known(values, "Current write location"),
        sent_location=_known(values, "WAL Sent Location"),
        flush_location=_known(values, "WAL Flush Location"),
        replay_location=_known(values, "WAL Replay Location"),
        bytes_to_send=number(values.get("Bytes remaining to send to mirror", "")),
        bytes_to_flush=number(values.get("Bytes received but remain to flush", "")),
        bytes_to_replay=number(values.get("Bytes received but remain to replay", "")),
        change_tracking_bytes=size(values.get("Change tracking data size", "")),
        resynchronization=resync,
        pid=None if pid == "Not found" else integer(pid),
        error=values.get("Error Getting Segment Status"),
    )


def _known(values: dict[str, str], label: str) -> str | None:
    value = values.get(label)
    return None if value == "Unknown" else value
