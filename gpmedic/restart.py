"""The restart of a whole database: the one step of a double fault and of a dead primary without mirror."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Generation
from gpmedic.copies import Comparison
from gpmedic.diagnosis import standby_fault
from gpmedic.errors import UnsafeState
from gpmedic.gpstop import Standby, start_argv, stop_argv
from gpmedic.host_facts import DirectoryFacts, HostFacts, PidState
from gpmedic.precheck_directory import directory_mode, presence, space
from gpmedic.settings import PolicySettings
from gpmedic.steps import Action, Disruption, RunningQuery, Step, named_contents, named_queries


@dataclass(frozen=True, slots=True)
class RestartNotes:
    """What was found on the hosts that a restart depends on.

    Attributes:
        comparisons: of the contents that do not answer, for the person who approves it.
        standby: SKIP where it is known not to follow; UNREAD where gpstart could not read its control file either, and
            would start nothing (T13).
    """

    comparisons: tuple[Comparison, ...] = ()
    standby: Standby = Standby.START


def restart_notes(cluster: Cluster, facts: Sequence[HostFacts], comparisons: Sequence[Comparison]) -> RestartNotes:
    """The notes from the facts of every host."""
    by_host = {f.host: f for f in facts}
    return RestartNotes(tuple(comparisons), _standby(cluster, by_host))


def _standby(cluster: Cluster, by_host: Mapping[str, HostFacts]) -> Standby:
    if cluster.standby is None:
        return Standby.START
    host = by_host.get(cluster.standby.hostname)
    directory = host.directory(cluster.standby.datadir) if host is not None and host.reachable else None
    if directory is None or not directory.exists or not directory.control_file:
        return Standby.UNREAD
    follows = standby_fault(cluster) is None and directory.postmaster is PidState.ALIVE
    return Standby.START if follows else Standby.SKIP


def restart_step(
    cluster: Cluster, contents: tuple[int, ...], notes: RestartNotes | None, queries: Sequence[RunningQuery] | None
) -> Step:
    """The step, with both of its commands; it changes every instance."""
    known = Standby.START if standby_fault(cluster) is None else Standby.SKIP
    standby = known if notes is None else notes.standby
    effect = (
        "Stops the whole database and starts it again, as one job on the coordinator's host that goes on without"
        " gpmedic: every session ends, every running query is cancelled and every open transaction is rolled back; the"
        " database is away for minutes, longer where an instance is slow (gpstop waits up to 600 s for each, gpstart"
        " 1800 s)."
        f" {named_contents(contents).capitalize()} must start, and so must every other: a content of which no copy"
        " starts leaves the whole database stopped. Between the two commands it is proven"
        " that no postmaster is left of what must start; while one is, nothing is started. What is down afterwards is"
        f" recovered with approvals of its own. {_LEFT_OUT[standby]}{_compared(notes)}{named_queries(queries)}"
    )
    return Step(
        Action.RESTART,
        stop_argv(),
        tuple(sorted(s.dbid for s in cluster.segments)),
        contents,
        effect,
        Disruption.INTERRUPTS,
        afterwards=start_argv(standby),
        rests_on=() if notes is None else tuple(c.covered for c in notes.comparisons),
    )


_LEFT_OUT: Final[Mapping[Standby, str]] = MappingProxyType(
    {
        Standby.START: "",
        Standby.SKIP: "The standby is known not to follow and is left out (-y). ",
        Standby.UNREAD: "The standby cannot be read, so that nobody sees whether it was promoted, and gpstart is told"
        " not to look (-S) and to leave it out (-y): approve this only where it is certain that no coordinator runs"
        " there. ",
    }
)


def _compared(notes: RestartNotes | None) -> str:
    if notes is None or not notes.comparisons:
        return ""
    return f"Compared: {'; '.join(map(str, notes.comparisons))}. "


def needed_hosts(cluster: Cluster, step: Step) -> frozenset[str]:
    """The hosts without which the step's start fails: those of coordinator and acting primaries, that of the standby
    where gpstart looks at it (T13); in 4.3 all of them (T32)."""
    needed = {cluster.segment(dbid).hostname for dbid in must_end(cluster)}
    if cluster.standby is not None and step.afterwards != start_argv(Standby.UNREAD):
        needed.add(cluster.standby.hostname)
    return frozenset(needed)


def must_end(cluster: Cluster) -> frozenset[int]:
    """The dbids whose postmasters must have ended before the start: those that it cannot do without.

    A mirror that does not end, as where its disk hangs, keeps nobody from starting its primary; in 4.3, where the two
    go through their states together, it may.
    """
    if cluster.version.generation is Generation.FILEREP:
        return frozenset(s.dbid for s in cluster.segments)
    return frozenset(s.dbid for s in (cluster.coordinator, *cluster.acting_primaries))


def require_serving_copies(comparisons: Sequence[Comparison]) -> None:
    """Return where the copy that would serve after a restart holds every commit, for each content.

    Raises:
        UnsafeState: the other copy is the current one, or which one is cannot be told.
    """
    doubtful = [c for c in comparisons if c.mirror_may_be_newer]
    if doubtful:
        raise UnsafeState(
            f"A restart would serve a copy that is not proven to be the current one: {'; '.join(map(str, doubtful))}."
            " Nothing was touched.",
            "Compare the saved evidence of both copies, bring the host of the acting primary back where it is missing,"
            " and have Greenplum's support decide which copy serves; never a full copy before that.",
        )


def judge_restart(
    contents: Sequence[int], cluster: Cluster, by_host: Mapping[str, HostFacts], policy: PolicySettings
) -> Iterator[Check]:
    """Whether coordinator and every acting primary could start: one that cannot leaves all of it stopped (T28)."""
    coordinator = by_host.get(cluster.coordinator.hostname)
    if coordinator is not None and coordinator.unfinished_expansion:
        path = coordinator.unfinished_expansion
        detail = f"{path} is there: gpstart starts nothing while the setup of an expansion is not done or undone"
        action = "Find out who expands this cluster; finish that, or gpexpand --rollback; then run the flow again."
        yield Check(CheckName.NO_EXPANSION, coordinator.host, Verdict.FAIL, detail, action)
    for primary in (cluster.coordinator, *cluster.acting_primaries):
        facts = by_host.get(primary.hostname)
        if facts is None or not facts.reachable:
            continue  # the host's own check has failed
        target = f"dbid {primary.dbid} on {primary.hostname}"
        directory = facts.directory(primary.datadir)
        if directory is None:
            action = "Gather the facts of this host again."
            detail = f"{primary.datadir} was not looked at"
            yield Check(CheckName.DATA_DIRECTORY, target, Verdict.FAIL, detail, action)
            continue
        yield presence(target, primary, directory)
        if not directory.exists:
            continue
        yield directory_mode(target, primary, directory, Capabilities(cluster.version))
        yield space(target, directory, policy)
        if primary.content in contents:
            yield _marker(target, cluster, directory)


def _marker(target: str, cluster: Cluster, directory: DirectoryFacts) -> Check:
    """A mirror that the catalog made primary starts as a mirror, and waits until FTS promotes it."""
    if cluster.version.generation is not Generation.WAL or not directory.standby_markers:
        return Check(CheckName.STANDBY_MARKER, target, Verdict.PASS, "it starts as a primary")
    detail = f"{', '.join(directory.standby_markers)} lies there: it was never promoted and starts as a mirror"
    action = "After the start FTS has to promote it; where it does not, look at its log and never remove that file."
    return Check(CheckName.STANDBY_MARKER, target, Verdict.WARN, detail, action)
