"""What was found on the hosts before an action: gathered by access, judged by precheck."""

from dataclasses import dataclass
from enum import StrEnum


class PidState(StrEnum):
    """What became of the process whose number a pid file or lock names."""

    NO_FILE = "no_file"
    ALIVE = "alive"  # it runs and is what the file says: this postmaster, this utility
    STALE = "stale"  # no such process
    REUSED = "reused"  # the number now belongs to another program
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """One segment's data directory, as seen on its own host.

    Attributes:
        mode: permission bits, such as 0o700; None where the directory does not exist.
        free_percent: of its file system (or of the nearest existing parent); None where it could not be told.
        standby_markers: those of recovery.conf, standby.signal and recovery.signal that lie in it (T14).
        cluster_state: pg_controldata's "Database cluster state"; read only where a marker lies, else empty.
        backup_label: it is a base backup that was never started, whose control file is that of its source.
        postmaster: the state of the pid in postmaster.pid.
        orphans: pg_basebackup, pg_rewind and rsync processes that name this directory.
        control_file: whether global/pg_control lies in it; a full copy that was cut off has none yet.
        parent: whether the folder that it lies in is there; where it is not, a file system is not mounted.
    """

    path: str
    exists: bool
    writable: bool
    mode: int | None = None
    free_percent: float | None = None
    standby_markers: tuple[str, ...] = ()
    cluster_state: str = ""
    backup_label: bool = False
    postmaster: PidState = PidState.NO_FILE
    postmaster_pid: int | None = None
    orphans: tuple[RunningProcess, ...] = ()
    control_file: bool = True
    parent: bool = True


@dataclass(frozen=True, slots=True)
class UtilityLock:
    """A lock of one of Greenplum's utilities, such as gprecoverseg.lock."""

    utility: str
    path: str
    state: PidState
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host, as the coordinator's host sees it over ssh.

    Attributes:
        reachable: ssh from the coordinator's host ran a command there.
        detail: why not, one line.
        noise: what `ssh host true` printed although it should print nothing (T12).
        version: what `postgres --gp-version` printed there; empty where it could not be told.
        packages: what gppkg has installed there, by file name; None where it keeps no archive there.
        clock_skew: seconds by which its clock is ahead of the coordinator's; None where not measured.
        directories: the data directories that were looked at.
        locks: of utilities; on the coordinator's host only.
        utilities: other Greenplum utilities at work (gpstop, gpstart, gpexpand ...); coordinator's host only.
        unfinished_expansion: gpexpand's file that keeps gpstart from starting anything; coordinator's host only.
    """

    host: str
    reachable: bool
    detail: str = ""
    noise: str = ""
    version: str = ""
    packages: frozenset[str] | None = None
    clock_skew: float | None = None
    directories: tuple[DirectoryFacts, ...] = ()
    locks: tuple[UtilityLock, ...] = ()
    utilities: tuple[RunningProcess, ...] = ()
    unfinished_expansion: str = ""

    def runs(self, path: str) -> bool:
        """Whether a postmaster was seen to run on this directory."""
        directory = self.directory(path)
        return directory is not None and directory.postmaster is PidState.ALIVE

    def directory(self, path: str) -> DirectoryFacts | None:
        return next((d for d in self.directories if d.path == path), None)
