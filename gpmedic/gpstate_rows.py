"""The rows of gpstate's reports. Hosts are addresses; sizes are bytes unless the name says kB."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.utility_log import integer


@dataclass(frozen=True, slots=True)
class Location:
    """Where a segment listens: enough to find its row in the catalog."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SwitchedPair:
    """A pair whose copies have each other's preferred role; named by the roles that they have now."""

    primary: Location
    mirror: Location


@dataclass(frozen=True, slots=True)
class UnsynchronizedPair:
    """WAL only. Bytes that the mirror still lacks, and that it must still replay (7); None where nobody knows."""

    primary: Location
    mirror: Location
    remaining_bytes: int | None
    startup_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeTrackingPair:
    """Filerep only. What the primary has noted down for its mirror, in bytes as exactly as it is printed."""

    primary: Location
    mirror: Location
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Resynchronization:
    """Filerep only. The figures lie (T33): show them, never conclude from them.

    Attributes:
        percent, total_objects, objects_left, synced_bytes, total_bytes: None where not available.
        awaiting_config_change: all is copied, the catalog does not say so yet.
        end: the estimated end as printed, "" where there is none.
    """

    type: RecoveryType
    percent: float | None
    total_objects: int | None
    objects_left: int | None
    synced_bytes: int | None
    total_bytes: int | None
    awaiting_config_change: bool
    end: str


@dataclass(frozen=True, slots=True)
class ResynchronizingPair:
    """Filerep only."""

    primary: Location
    mirror: Location
    resynchronization: Resynchronization
    change_tracking_bytes: int | None


@dataclass(frozen=True, slots=True)
class DownSegment:
    """A segment that is down, or that gpstate could not ask; 4.3 leaves out mirrors of change tracking primaries.

    Attributes:
        up_in_configuration: True where the catalog does not know it yet, as in a double fault (T5).
        status: what gpstate saw, in its words.
    """

    segment: Location
    up_in_configuration: bool
    status: str


@dataclass(frozen=True, slots=True)
class SegmentInRecovery:
    """A segment that gprecoverseg works on, or has worked on: the row can be stale (T26). Sizes in kB."""

    segment: Location
    type: RecoveryType
    completed_kb: int | None
    total_kb: int | None
    percent: float | None
    stage: str | None = None


class MirrorStatus(StrEnum):
    PASSIVE = "Passive"
    ACTING_AS_PRIMARY = "Acting as Primary"
    FAILED = "Failed"


class DataStatus(StrEnum):
    SYNCHRONIZED = "Synchronized"
    NOT_IN_SYNC = "Not In Sync"
    CHANGE_TRACKING = "Change Tracking"
    RESYNCHRONIZING = "Resynchronizing"


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """A segment whose preferred role is mirror; `data_status` is None for a failed one."""

    segment: Location
    datadir: str
    status: MirrorStatus
    data_status: DataStatus | None


_UNITS = {"bytes": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_SIZE = re.compile(r"(?P<amount>[0-9]{1,18}(?:\.[0-9]{1,6})?) (?P<unit>bytes|kB|MB|GB|TB)")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?%")
_NOT_KNOWN = {"", "Unknown", "Not Available", "None"}
_AWAITING = "Sync complete; awaiting config change"


def number(cell: str) -> int | None:
    """None where the figure is not known; ValueError where it is no figure."""
    return None if cell in _NOT_KNOWN else integer(cell)


def size(cell: str) -> int | None:
    """Bytes of "6.33 MB", None where not known; ValueError where it is no size."""
    if cell in _NOT_KNOWN:
        return None
    match = _SIZE.fullmatch(cell)
    if match is None:
        raise ValueError(cell)
    return round(float(match["amount"]) * _UNITS[match["unit"]])


def percent(cell: str) -> float | None:
    """52.0 of "52%", None where not known; ValueError where it is no percentage."""
    if cell in _NOT_KNOWN:
        return None
    if _PERCENT.fullmatch(cell) is None:
        raise ValueError(cell)
    return float(cell.removesuffix("%"))


def resynchronization(cells: Sequence[str]) -> Resynchronization:
    """From the cells of -e or the values of -s, in the order of -e's columns; ValueError where one cannot be read."""
    mode, progress, total, left, synced, to_sync, end = cells
    awaiting = to_sync == _AWAITING
    return Resynchronization(
        RecoveryType(mode.lower()),
        percent(progress),
        number(total),
        number(left),
        size(synced),
        None if awaiting else size(to_sync),
        awaiting,
        end,
    )
