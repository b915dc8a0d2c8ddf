"""What can be broken in a practice cluster: one row a fault, with the target that it wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Fault(StrEnum):
    KILL_PRIMARY = "kill_primary"
    KILL_MIRROR = "kill_mirror"
    KILL_BOTH = "kill_both"
    KILL_STANDBY = "kill_standby"
    KILL_COORDINATOR = "kill_coordinator"
    HOST_DOWN = "host_down"
    DATADIR_REMOVED = "datadir_removed"
    DATADIR_MODE = "datadir_mode"
    DISK_FULL = "disk_full"
    SLOW_RESYNC = "slow_resync"
    REWIND_FAILS = "rewind_fails"
    FLAPPING = "flapping"
    LOCK_HELD = "lock_held"
    LOCK_STALE = "lock_stale"
    GPRECOVERSEG_HANGS = "gprecoverseg_hangs"
    REPLICATION_ROW_MISSING = "replication_row_missing"
    REPLICATION_REFUSED = "replication_refused"
    UTILITY_LIES = "utility_lies"
    SSH_REFUSED = "ssh_refused"
    SSH_SILENT = "ssh_silent"
    SSH_BANNER = "ssh_banner"
    SSH_CUT = "ssh_cut"
    SSH_WRONG_KEY = "ssh_wrong_key"


class Lie(StrEnum):
    """A utility and what it says, whatever it has done."""

    GPRECOVERSEG_SAYS_DONE = "gprecoverseg-says-done"  # and did nothing: exit code 0 (T3, T23)
    GPRECOVERSEG_SAYS_LOCKED = "gprecoverseg-says-locked"  # and nobody holds the lock: exit code 0 (T1)
    GPRECOVERSEG_SAYS_FAILED = "gprecoverseg-says-failed"  # with a Python error, and did everything: exit code 1 (T30)
    GPSTART_SAYS_DONE = "gpstart-says-done"
    GPINITSTANDBY_SAYS_DONE = "gpinitstandby-says-done"


@dataclass(frozen=True, slots=True)
class FaultFacts:
    """One row of the table.

    Attributes:
        target: what it wants: content, dbid, host, lie, seconds or None.
        meaning: a few words, so that name, target and meaning fit into a line of a terminal.
    """

    target: str | None
    meaning: str


FAULTS: Mapping[Fault, FaultFacts] = MappingProxyType(
    {
        Fault.KILL_PRIMARY: FaultFacts("content", "the acting primary dies"),
        Fault.KILL_MIRROR: FaultFacts("content", "the mirror dies"),
        Fault.KILL_BOTH: FaultFacts("content", "both copies die: a double fault"),
        Fault.KILL_STANDBY: FaultFacts(None, "the standby coordinator dies"),
        Fault.KILL_COORDINATOR: FaultFacts(None, "the coordinator dies"),
        Fault.HOST_DOWN: FaultFacts("host", "its power fails, its servers die"),
        Fault.DATADIR_REMOVED: FaultFacts("dbid", "killed, its data directory deleted"),
        # PostgreSQL does not start on it (T26).
        Fault.DATADIR_MODE: FaultFacts("dbid", "data directory of mode 0755"),
        Fault.DISK_FULL: FaultFacts("host", "df and full copies say so"),
        Fault.SLOW_RESYNC: FaultFacts("seconds", "mirrors need longer to catch up"),
        Fault.REWIND_FAILS: FaultFacts("dbid", "its WAL is gone, pg_rewind fails"),
        Fault.FLAPPING: FaultFacts("content", "its mirror dies whenever in sync"),
        Fault.LOCK_HELD: FaultFacts(None, "gprecoverseg's lock, its owner alive"),
        Fault.LOCK_STALE: FaultFacts(None, "gprecoverseg's lock, its owner dead"),
        Fault.GPRECOVERSEG_HANGS: FaultFacts(None, "gprecoverseg does not end"),
        Fault.REPLICATION_ROW_MISSING: FaultFacts("content", "no row in gp_stat_replication"),
        Fault.REPLICATION_REFUSED: FaultFacts("content", "its primary's pg_hba.conf lets no mirror in"),
        Fault.UTILITY_LIES: FaultFacts("lie", "words and exit code of another end"),
        Fault.SSH_REFUSED: FaultFacts("host", "its ssh refuses connections"),
        Fault.SSH_SILENT: FaultFacts("host", "its ssh accepts and says nothing"),
        Fault.SSH_BANNER: FaultFacts("host", "noise before every output"),
        Fault.SSH_CUT: FaultFacts("host", "connections are lost in mid-output"),
        Fault.SSH_WRONG_KEY: FaultFacts("host", "its host key has changed"),
    }
)


def wanted_target(fault: Fault) -> str | None:
    """The name of the target that a fault wants: content, dbid, host, lie, seconds or None."""
    return FAULTS[fault].target
