"""What can be broken in a practice cluster, and which target each fault wants."""

from enum import StrEnum


class Fault(StrEnum):
    """Every fault; in brackets the target that it wants."""

    KILL_PRIMARY = "kill_primary"  # (content) the acting primary's processes die
    KILL_MIRROR = "kill_mirror"  # (content)
    KILL_BOTH = "kill_both"  # (content) a double fault
    KILL_STANDBY = "kill_standby"
    KILL_COORDINATOR = "kill_coordinator"
    HOST_DOWN = "host_down"  # (host) its power fails; healed, it is back without its servers running
    DATADIR_REMOVED = "datadir_removed"  # (dbid) killed and its data directory deleted
    DATADIR_MODE = "datadir_mode"  # (dbid) mode 0755, with which PostgreSQL does not start (T26)
    DISK_FULL = "disk_full"  # (host) df and full copies say so
    SLOW_RESYNC = "slow_resync"  # (seconds) a mirror needs so much longer to be in sync
    REWIND_FAILS = "rewind_fails"  # (dbid) its WAL is gone, so pg_rewind fails and only a full copy helps
    FLAPPING = "flapping"  # (content) its mirror dies whenever it is in sync again
    LOCK_HELD = "lock_held"  # gprecoverseg's lock, held by a process that lives
    LOCK_STALE = "lock_stale"  # the same, of a process that is dead
    GPRECOVERSEG_HANGS = "gprecoverseg_hangs"
    REPLICATION_ROW_MISSING = "replication_row_missing"  # (content)
    SSH_REFUSED = "ssh_refused"  # (host)
    SSH_SILENT = "ssh_silent"  # (host)
    SSH_BANNER = "ssh_banner"  # (host) noise before every output
    SSH_CUT = "ssh_cut"  # (host) connections are lost in the middle of the output
    SSH_WRONG_KEY = "ssh_wrong_key"  # (host) another host key


_WANTS: dict[str, tuple[Fault, ...]] = {
    "content": (
        Fault.KILL_PRIMARY,
        Fault.KILL_MIRROR,
        Fault.KILL_BOTH,
        Fault.FLAPPING,
        Fault.REPLICATION_ROW_MISSING,
    ),
    "host": (
        Fault.HOST_DOWN,
        Fault.DISK_FULL,
        Fault.SSH_REFUSED,
        Fault.SSH_SILENT,
        Fault.SSH_BANNER,
        Fault.SSH_CUT,
        Fault.SSH_WRONG_KEY,
    ),
    "dbid": (
        Fault.DATADIR_REMOVED,
        Fault.DATADIR_MODE,
        Fault.REWIND_FAILS,
    ),
    "seconds": (Fault.SLOW_RESYNC,),
}


def wanted_target(fault: Fault) -> str | None:
    """The name of the target that a fault wants: content, dbid, host, seconds or None."""
    return next((name for name, faults in _WANTS.items() if fault in faults), None)
