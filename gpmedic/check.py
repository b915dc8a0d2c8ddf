"""One thing that was checked before an action, and what to do where it does not hold."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  # no password
    WARN = "warn"
    FAIL = "fail"


class CheckName(StrEnum):
    HOST_REACHABLE = "host reachable"
    QUIET_SSH = "quiet ssh"
    SAME_VERSION = "same Greenplum version"
    CLOCK = "clock"
    DATA_DIRECTORY = "data directory"
    DIRECTORY_MODE = "data directory mode"
    DISK_SPACE = "disk space"
    POSTMASTER = "postmaster not running"
    NO_ORPHANS = "no orphan recovery process"
    STANDBY_MARKER = "pg_rewind will run"
    NO_STALE_LOCK = "no stale lock"
    NO_UTILITY_RUNNING = "no other utility running"
    STANDBY = "standby coordinator"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        target: the host, or the segment ("dbid 3 on sdw1").
        next_action: what to do about it; empty only where it passed.
    """

    name: CheckName
    target: str
    verdict: Verdict
    detail: str
    next_action: str = ""
