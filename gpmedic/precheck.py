"""What must hold before an action: a pure judgement of facts that were gathered on the hosts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Final

from gpmedic.amounts import size
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Generation
from gpmedic.conditions import CONDITIONS, Condition
from gpmedic.diagnosis import standby_fault
from gpmedic.errors import FailedAgain, PrecheckFailed, UtilityBusy
from gpmedic.host_facts import DirectoryFacts, HostFacts, PidState, RunningProcess, UtilityLock
from gpmedic.plan import Action, Plan, Step
from gpmedic.precheck_directory import judge_orphans, judge_overwritten, judge_source, judge_target
from gpmedic.precheck_standby import judge_standby
from gpmedic.restart import judge_restart, needed_hosts
from gpmedic.settings import PolicySettings
from gpmedic.sync import replay_lag
from gpmedic.table import plain

__all__ = [
    "Check",
    "CheckName",
    "DirectoryFacts",
    "HostFacts",
    "PidState",
    "RunningProcess",
    "UtilityLock",
    "Verdict",
    "judge",
    "judge_utilities",
    "require",
]

CLOCK_TOLERANCE: Final = 5.0  # seconds


def judge(
    plan: Plan, cluster: Cluster, facts: Sequence[HostFacts], policy: PolicySettings | None = None
) -> tuple[Check, ...]:
    """Every check that the next disruptive step of the plan needs, host by host; none where no step disrupts.

    Args:
        facts: one for each host of the cluster; a host of the step without facts fails its check.
        policy: the defaults where it is not given.
    """
    if not plan.disruptive_steps:
        return ()
    step = plan.disruptive_steps[0]
    by_host = {f.host: f for f in facts}
    coordinator = cluster.coordinator.hostname
    concerned = {coordinator, *(s.hostname for s in cluster.segments if s.content in step.contents)}
    if step.action is Action.RESTART:
        concerned = set(needed_hosts(cluster, step))
    checks = [*judge_utilities(coordinator, by_host.get(coordinator))]
    for host in cluster.hosts:
        checks += _judge_host(host, by_host.get(host), _Needed.YES if host in concerned else _Needed.NO)
    checks = [_or_lost(c, step, cluster) for c in checks]
    checks += _judge_versions(cluster, by_host)
    checks += judge_orphans(facts)
    if step.action in _IN_PLACE:
        checks += _judge_directories(step, cluster, by_host, policy or PolicySettings())
    if step.action is Action.REBALANCE and cluster.version.generation is Generation.WAL:
        checks += _judge_lag(step.contents, cluster, policy or PolicySettings())
    if step.action is Action.REBALANCE and cluster.version.generation is Generation.FILEREP:
        checks += _judge_mirrors_run(step.contents, cluster, by_host)
    if step.action is Action.RESTART:
        checks += judge_restart(step.contents, cluster, by_host, policy or PolicySettings())
    if step.action is Action.RESTORE_STANDBY:
        checks += judge_standby(cluster, facts, policy or PolicySettings())
    else:
        checks.append(_judge_standby(cluster))
    return tuple(replace(c, detail=plain(c.detail)) for c in checks)  # what hosts and programs said stays on its line


def require(checks: Sequence[Check]) -> None:
    """Return where no check failed.

    Raises:
        UtilityBusy: nothing failed but that another of Greenplum's utilities is at work; it will pass.
        FailedAgain: a segment has failed before within `repeat_window`, whatever else failed.
        PrecheckFailed: anything else failed; every failed check is named.
    """
    failed = [c for c in checks if c.verdict is Verdict.FAIL]
    if not failed:
        return
    what = "; ".join(f"{c.name} ({c.target}): {c.detail}" for c in failed)
    message = f"{what}. Nothing was touched."
    actions = " ".join(dict.fromkeys(c.next_action for c in failed))
    if all(c.name is CheckName.NO_UTILITY_RUNNING for c in failed):
        raise UtilityBusy(message, actions)
    again = any(c.name is CheckName.NOT_REPEATED for c in failed)
    raise (FailedAgain if again else PrecheckFailed)(message, actions)


def judge_hosts(cluster: Cluster, facts: Sequence[HostFacts]) -> tuple[Check, ...]:
    """What must hold of every host, whatever is done there."""
    by_host = {f.host: f for f in facts}
    checks = [check for host in cluster.hosts for check in _judge_host(host, by_host.get(host), _Needed.YES)]
    checks += _judge_versions(cluster, by_host)
    return tuple(replace(c, detail=plain(c.detail)) for c in checks)


class _Needed(Enum):
    YES = "the step works on this host"
    NO = "the step leaves this host alone"


_IN_PLACE: Final = frozenset({Action.RECOVER, Action.RECOVER_DIFFERENTIAL, Action.RECOVER_FULL})


def _judge_directories(
    step: Step, cluster: Cluster, by_host: Mapping[str, HostFacts], policy: PolicySettings
) -> Iterator[Check]:
    judge_directory = judge_overwritten if step.action is Action.RECOVER_FULL else judge_target
    for dbid in step.dbids:
        target = cluster.segment(dbid)
        facts = by_host.get(target.hostname)
        if facts is not None and facts.reachable:  # else the host's own check has failed
            directory, ended = facts.directory(target.datadir), dbid in step.stops
            yield from judge_directory(target, directory, cluster.version, policy, stopped_first=ended)
        for source in (s for s in cluster.acting_primaries if s.content == target.content):
            source_facts = by_host.get(source.hostname)
            directory = source_facts.directory(source.datadir) if source_facts else None
            if directory is not None:
                yield from judge_source(source, directory, policy)


def judge_utilities(host: str, facts: HostFacts | None) -> Iterator[Check]:
    """Another run of a utility is found by its lock and by its process: exit codes hide it (T1, T22)."""
    if facts is None or not facts.reachable:
        return  # the host's own check has failed
    for lock in facts.locks:
        if lock.state in (PidState.STALE, PidState.REUSED, PidState.UNREADABLE):
            yield Check(
                CheckName.NO_STALE_LOCK,
                host,
                Verdict.FAIL,
                f"{lock.path} is left over from a {lock.utility} that no longer runs (pid {lock.pid or 'unknown'})",
                f"Make sure that no {lock.utility}, pg_basebackup or pg_rewind runs any more, then remove {lock.path}"
                " by hand: every run would end at once, with exit code 0.",
            )
    busy = [f"{lock.utility} (pid {lock.pid})" for lock in facts.locks if lock.state is PidState.ALIVE]
    named = {lock.pid for lock in facts.locks}
    busy += [f"{p.command} (pid {p.pid})" for p in facts.utilities if p.pid not in named]
    if busy:
        detail = f"{', '.join(busy)} is at work"
        action = "Wait until it has ended; never stop it, its remote workers would go on."
        yield Check(CheckName.NO_UTILITY_RUNNING, host, Verdict.FAIL, detail, action)
    else:
        yield Check(CheckName.NO_UTILITY_RUNNING, host, Verdict.PASS, "no lock is held and no other utility runs")


def _judge_host(host: str, facts: HostFacts | None, needed: _Needed) -> Iterator[Check]:
    bad = Verdict.FAIL if needed is _Needed.YES else Verdict.WARN
    if facts is None:
        detail, action = "nothing was found out about this host", "Gather the facts of every host again."
        yield Check(CheckName.HOST_REACHABLE, host, bad, detail, action)
        return
    if not facts.reachable:
        detail = f"not reachable from the coordinator: {facts.detail or 'no reason given'}"
        action = f"From the coordinator, as its user, try `ssh {host} true`; check power, network, sshd and keys."
        yield Check(CheckName.HOST_REACHABLE, host, bad, detail, action)
        return
    yield Check(CheckName.HOST_REACHABLE, host, Verdict.PASS, "answers the coordinator over ssh")
    if facts.noise:
        detail = f"`ssh {host} true` prints {facts.noise[:80]!r}"
        action = "Silence banner and profile of that account: the output of Greenplum's utilities is read from there."
        yield Check(CheckName.QUIET_SSH, host, bad, detail, action)
    else:
        yield Check(CheckName.QUIET_SSH, host, Verdict.PASS, "prints nothing of its own")
    if facts.clock_skew is not None and abs(facts.clock_skew) > CLOCK_TOLERANCE:
        detail = f"its clock is {facts.clock_skew:+.0f} s from the coordinator's"
        yield Check(CheckName.CLOCK, host, Verdict.WARN, detail, "Set the clocks: logs cannot be put in order.")


def _judge_mirrors_run(contents: Sequence[int], cluster: Cluster, by_host: Mapping[str, HostFacts]) -> Iterator[Check]:
    """A mirror by files answers nobody, FTS notices late that it has ended, and a rebalance stops the other copy."""
    for mirror in (p.mirror for p in cluster.pairs if p.content in contents and p.mirror is not None):
        host = by_host.get(mirror.hostname)
        if host is not None and host.runs(mirror.datadir):
            yield Check(CheckName.MIRROR_RUNS, str(mirror), Verdict.PASS, "its postmaster runs")
        else:
            action = "Wait until FTS has marked it down, then recover it first; never rebalance onto a dead mirror."
            yield Check(CheckName.MIRROR_RUNS, str(mirror), Verdict.FAIL, "no running postmaster was seen", action)


def _judge_lag(contents: Sequence[int], cluster: Cluster, policy: PolicySettings) -> Iterator[Check]:
    """A pair in sync may still have much to replay, and a promotion that outlasts its time limit is a PANIC."""
    lags, limit = replay_lag(cluster), policy.max_replay_lag_bytes
    for content in contents:
        lag, target = lags.get(content), f"content {content}"
        if lag is None:
            detail, action = "how much its mirror has yet to replay is not shown", "Read gp_stat_replication yourself."
            yield Check(CheckName.REPLAY_LAG, target, Verdict.FAIL, detail, action)
            continue
        detail = f"its mirror has {size(lag)} of WAL to replay, {size(limit)} allowed"
        if lag > limit:
            action = "Wait until it has replayed it, in a quiet window, then run the flow again."
            yield Check(CheckName.REPLAY_LAG, target, Verdict.FAIL, detail, action)
        else:
            yield Check(CheckName.REPLAY_LAG, target, Verdict.PASS, detail)


def _or_lost(check: Check, step: Step, cluster: Cluster) -> Check:
    """A host of segments that are to be recovered may never come back; that is for a person to say."""
    down = {s.hostname for s in cluster.segments if s.dbid in step.dbids}
    missing = check.name is CheckName.HOST_REACHABLE and check.verdict is Verdict.FAIL and check.target in down
    if step.action is not Action.RECOVER or not missing:
        return check
    spare = f"Where {check.target} is lost for good: gpmedic recover-to-spare, or a run of that flow."
    return replace(check, next_action=f"{check.next_action} {spare}")


def _judge_versions(cluster: Cluster, by_host: Mapping[str, HostFacts]) -> Iterator[Check]:
    coordinator = cluster.coordinator.hostname
    reference = by_host[coordinator].version if coordinator in by_host else ""
    for host in cluster.hosts:
        facts = by_host.get(host)
        if facts is None or not facts.reachable:
            continue
        if facts.version and facts.version == reference:
            yield Check(CheckName.SAME_VERSION, host, Verdict.PASS, facts.version[:80])
        elif not facts.version:
            detail, action = "postgres --gp-version told nothing", f"Check the Greenplum installation on {host}."
            yield Check(CheckName.SAME_VERSION, host, Verdict.FAIL, detail, action)
        elif reference:
            detail = f"{facts.version[:80]!r}, but {reference[:80]!r} on the coordinator"
            action = f"Install the coordinator's Greenplum version on {host}."
            yield Check(CheckName.SAME_VERSION, host, Verdict.FAIL, detail, action)


def _judge_standby(cluster: Cluster) -> Check:
    target = cluster.standby.hostname if cluster.standby else cluster.coordinator.hostname
    fault = standby_fault(cluster)
    known = cluster.replication is not None or cluster.standby_look is not None
    if cluster.standby is not None and cluster.standby.is_up and not known:  # T24
        detail = f"whether {cluster.standby} follows is not known: the catalog does not show it"
        action = "Look with gpstate -f: `Status could not be determined` or `No entries found` means that it is down."
        return Check(CheckName.STANDBY, target, Verdict.WARN, detail, action)
    if fault is None:
        detail = "follows" if cluster.standby else "none is configured"
        return Check(CheckName.STANDBY, target, Verdict.PASS, detail)
    return Check(CheckName.STANDBY, target, Verdict.WARN, fault, CONDITIONS[Condition.STANDBY_DOWN].next_action)
