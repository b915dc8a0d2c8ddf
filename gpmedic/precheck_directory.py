"""What must hold of the data directories that a recovery writes to and reads from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Generation, Segment, Version
from gpmedic.host_facts import DirectoryFacts, HostFacts, PidState
from gpmedic.settings import PolicySettings


def judge_target(
    segment: Segment,
    facts: DirectoryFacts | None,
    version: Version,
    policy: PolicySettings,
    *,
    stopped_first: bool = False,
) -> Iterator[Check]:
    """The directory of an instance that is to be recovered in place from what lies in it.

    Args:
        stopped_first: the instance may run; it is known to wait in vain, and the command stops it.
    """
    target = _target(segment)
    if facts is None:
        action = "Gather the facts of this host again."
        yield Check(CheckName.DATA_DIRECTORY, target, Verdict.FAIL, f"{segment.datadir} was not looked at", action)
        return
    yield presence(target, segment, facts)
    if facts.exists:
        yield directory_mode(target, segment, facts, Capabilities(version))
    yield space(target, facts, policy)
    postmaster = _postmaster(target, segment, facts)
    if stopped_first and facts.postmaster is PidState.ALIVE:
        detail = f"it is still running (pid {facts.postmaster_pid or 'unknown'}) and waits for WAL that is gone"
        postmaster = replace(postmaster, verdict=Verdict.WARN, detail=detail, next_action=_STOPPED_FIRST)
    yield postmaster
    if version.generation is Generation.WAL and facts.exists:
        yield _standby_marker(target, segment, facts)


def judge_overwritten(
    segment: Segment,
    facts: DirectoryFacts | None,
    version: Version,
    policy: PolicySettings,
    *,
    stopped_first: bool = False,
) -> Iterator[Check]:
    """The directory of an instance that is to be copied anew: what lies in it does not matter, and it may be gone."""
    for check in judge_target(segment, facts, version, policy, stopped_first=stopped_first):
        if check.name is CheckName.STANDBY_MARKER:
            continue
        yield check if check.lost is None else replace(check, verdict=Verdict.WARN, next_action=_IS_IT_MOUNTED)


def judge_source(segment: Segment, facts: DirectoryFacts, policy: PolicySettings) -> Iterator[Check]:
    """The directory of the acting primary: it keeps WAL for its mirror until that has caught up."""
    yield space(_target(segment), facts, policy)


def judge_orphans(hosts: Sequence[HostFacts]) -> Iterator[Check]:
    """Copies that outlived the run which had started them: a second one beside them corrupts the mirror."""
    orphans = [(h.host, d.path, p) for h in hosts for d in h.directories for p in d.orphans]
    for host, path, process in orphans:
        detail = f"pid {process.pid} ({process.command[:80]}) is still at work on {path}"
        action = "Let it end: it goes on recovering by itself. Never start a second recovery beside it, nor kill it."
        yield Check(CheckName.NO_ORPHANS, host, Verdict.FAIL, detail, action)
    if not orphans:
        detail = "no pg_basebackup, pg_rewind or rsync works on a data directory"
        yield Check(CheckName.NO_ORPHANS, "every host that answers", Verdict.PASS, detail)


def _target(segment: Segment) -> str:
    return f"dbid {segment.dbid} on {segment.hostname}"


def presence(target: str, segment: Segment, facts: DirectoryFacts) -> Check:
    """Whether the directory is there, can be written to, and holds an instance."""
    if not facts.exists and not facts.parent:  # a full copy would fill the file system below, and hide under the mount
        detail = f"{facts.path} does not exist, nor does the folder that it lies in"
        action = f"Mount the file system that is missing on {segment.hostname}, or make that folder; then run it again."
        return Check(CheckName.DATA_DIRECTORY, target, Verdict.FAIL, detail, action)
    lost = None if facts.exists else f"{facts.path} does not exist"
    if facts.exists and facts.writable and not facts.control_file:
        lost = f"{facts.path} has no pg_control: it is empty, or a full copy into it was cut off"
    if lost is not None:
        action = (
            "Mount the file system that is missing; where the data is lost, only a full copy (gprecoverseg -F) brings"
            " this segment back, with an approval of its own."
        )
        return Check(CheckName.DATA_DIRECTORY, target, Verdict.FAIL, lost, action, segment.dbid)
    if not facts.writable:
        detail = f"{facts.path} cannot be written to"
        action = f"Check owner, mount options and file system of {facts.path} on {segment.hostname}."
        return Check(CheckName.DATA_DIRECTORY, target, Verdict.FAIL, detail, action)
    return Check(CheckName.DATA_DIRECTORY, target, Verdict.PASS, f"{facts.path} is there and writable")


_IS_IT_MOUNTED: Final = "Say no where only its file system is not mounted, mount it, and run the flow again."


def directory_mode(target: str, segment: Segment, facts: DirectoryFacts, capabilities: Capabilities) -> Check:
    """With another mode the instance never starts, not even after a full copy (T26)."""
    allowed = (0o700, 0o750) if capabilities.group_may_read_datadir else (0o700,)
    if facts.mode in allowed:
        return Check(CheckName.DIRECTORY_MODE, target, Verdict.PASS, f"mode {facts.mode:04o}")
    seen = "mode unknown" if facts.mode is None else f"mode {facts.mode:04o}"
    action = f"On {segment.hostname}, after finding out who changed it: chmod 0700 {segment.datadir}"
    return Check(CheckName.DIRECTORY_MODE, target, Verdict.FAIL, f"{seen}; it would never start", action)


def space(target: str, facts: DirectoryFacts, policy: PolicySettings) -> Check:
    """Whether enough of its file system is free."""
    limit = policy.free_space_percent
    if facts.free_percent is None:
        action = f"Look at the file system of {facts.path} yourself (df)."
        return Check(CheckName.DISK_SPACE, target, Verdict.WARN, "free space could not be told", action)
    detail = f"{facts.free_percent:.0f} % free, {limit} % wanted"
    if facts.free_percent < limit:
        action = "Make room or use another host; never delete WAL by hand."
        return Check(CheckName.DISK_SPACE, target, Verdict.FAIL, detail, action)
    return Check(CheckName.DISK_SPACE, target, Verdict.PASS, detail)


def _postmaster(target: str, segment: Segment, facts: DirectoryFacts) -> Check:
    verdict, seen, action = _POSTMASTER[facts.postmaster]
    values = {"pid": facts.postmaster_pid or "unknown", "path": facts.path, "host": segment.hostname}
    return Check(CheckName.POSTMASTER, target, verdict, seen.format(**values), action.format(**values))


_STOPPED_FIRST: Final = "gprecoverseg stops it before it copies over it."
_POSTMASTER: Final[Mapping[PidState, tuple[Verdict, str, str]]] = MappingProxyType(
    {
        PidState.NO_FILE: (Verdict.PASS, "it is not running", ""),
        PidState.STALE: (Verdict.PASS, "its pid file is stale (pid {pid} is gone), as after a crash", ""),
        PidState.ALIVE: (
            Verdict.FAIL,
            "it is still running (pid {pid}) although the catalog says that it is down",
            "Read its log: where it hangs or was cut off, stop it on {host} with `pg_ctl -D {path} stop -m fast`; where"
            " it is starting, wait.",
        ),
        PidState.REUSED: (
            Verdict.WARN,
            "its pid file names pid {pid}, which now belongs to another program",
            "If the start is refused for it, remove {path}/postmaster.pid on {host} after a look at that process.",
        ),
        PidState.UNREADABLE: (
            Verdict.FAIL,
            "its pid file cannot be read",
            "Look at {path}/postmaster.pid on {host} and make sure that no postmaster runs there.",
        ),
    }
)


def _standby_marker(target: str, segment: Segment, facts: DirectoryFacts) -> Check:
    """With a marker in the target, incremental recovery skips pg_rewind and starts it as it is (T14).

    A mirror has one as long as it is a mirror and needs no rewind, nor does a former primary that pg_rewind has made
    one: its control file says that it was in recovery. One that was last a primary holds what its mirror never got.
    """
    if not facts.standby_markers:
        return Check(CheckName.STANDBY_MARKER, target, Verdict.PASS, "no recovery.conf or standby.signal lies there")
    found = ", ".join(facts.standby_markers)
    diverged = facts.cluster_state in _OF_A_PRIMARY and not facts.backup_label
    if not diverged and (segment.in_preferred_role or facts.cluster_state in _OF_A_STANDBY):
        detail = f"{found} lies there, as in every mirror: it streams on without pg_rewind"
        return Check(CheckName.STANDBY_MARKER, target, Verdict.PASS, detail)
    skipped = f"{found} lies in a former primary: pg_rewind will be skipped, and it is started with what it has"
    if diverged:
        detail = f"{skipped}; its control file says {facts.cluster_state!r}: it ran as a primary last and has diverged"
        action = (
            f"Find out who laid it there; move it out of {facts.path} on {segment.hostname}, so that pg_rewind runs, or"
            " have the segment copied in full (gprecoverseg -F), with an approval of its own."
        )
        return Check(CheckName.STANDBY_MARKER, target, Verdict.FAIL, detail, action)
    action = (
        "Whether it has diverged could not be told. After the recovery read the mirror's log; if it does not follow, it"
        " has, and needs a full copy."
    )
    return Check(CheckName.STANDBY_MARKER, target, Verdict.WARN, skipped, action)


_OF_A_STANDBY: Final = frozenset({"in archive recovery", "shut down in recovery"})
"""pg_controldata's words; pg_rewind too leaves the first, before it writes the marker."""
_OF_A_PRIMARY: Final = frozenset({"in production", "shutting down", "shut down", "in crash recovery"})
"""A primary that was shut down with nothing left to send is called diverged too; pg_rewind then finds nothing to do."""
