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
    SAME_PACKAGES = "same packages"
    CLOCK = "clock"
    DATA_DIRECTORY = "data directory"
    DIRECTORY_MODE = "data directory mode"
    DISK_SPACE = "disk space"
    POSTMASTER = "postmaster not running"
    NO_ORPHANS = "no orphan recovery process"
    STANDBY_MARKER = "pg_rewind will run"
    NO_STALE_LOCK = "no stale lock"
    NO_UTILITY_RUNNING = "no other utility running"
    NO_EXPANSION = "no unfinished expansion"
    REPLAY_LAG = "replay lag"
    MIRROR_RUNS = "mirror runs"
    NOT_NEWER = "not newer than its source"
    STARTS_AS_STANDBY = "starts as a standby"
    STANDBY = "standby coordinator"
    TWO_HOSTS = "copies on two hosts"
    SAME_USER = "same user"
    SSH_BETWEEN = "ssh between hosts"
    PORTS_FREE = "ports free"
    NOT_REPEATED = "no repeated failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        target: the host, or the segment ("dbid 3 on sdw1").
        next_action: what to do about it; empty only where it passed.
        lost: the dbid of the instance whose data are proven to be gone: only a full copy brings it back.
    """

    name: CheckName
    target: str
    verdict: Verdict
    detail: str
    next_action: str = ""
    lost: int | None = None
