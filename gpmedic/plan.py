"""From a diagnosis to the steps of the runbook, and the fingerprint that binds an approval to them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gpmedic import steps
from gpmedic.capabilities import Capabilities, Support
from gpmedic.cluster import COORDINATOR_CONTENT, Cluster
from gpmedic.conditions import Condition, Scenario
from gpmedic.diagnosis import Diagnosis, Finding, standby_fault
from gpmedic.errors import TooManyDown, UnknownVersion, UnsafeState
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.restart import RestartNotes, restart_step
from gpmedic.settings import PolicySettings
from gpmedic.steps import Action, Disruption, RunningQuery, Step
from gpmedic.sync import unsynchronized

__all__ = [
    "Action",
    "Disruption",
    "Plan",
    "RunningQuery",
    "Step",
    "failed_primaries",
    "fingerprint",
    "make_plan",
    "require_rebalance_allowed",
    "silent_contents",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps from the state that was seen to a healthy cluster.

    The fingerprint covers dbids, commands and every row of the state that the plan was made from, never a time. It
    is that of the whole plan: after a step the state is another one, and so is the plan made from it.
    """

    cluster_name: str
    scenario: Scenario
    steps: tuple[Step, ...]
    fingerprint: str

    @property
    def disruptive_steps(self) -> tuple[Step, ...]:
        """The steps that need an approval each."""
        return tuple(s for s in self.steps if s.disruption.needs_approval)

    def step(self, action: Action) -> Step | None:
        return next((s for s in self.steps if s.action is action), None)


def make_plan(
    diagnosis: Diagnosis,
    capabilities: Capabilities,
    policy: PolicySettings,
    running_queries: Sequence[RunningQuery] | None = None,
    restart: RestartNotes | None = None,
) -> Plan:
    """The runbook's steps for this diagnosis; a healthy cluster gets a plan without steps.

    Args:
        running_queries: named in the effect of a rebalance, None where nobody looked; no part of the fingerprint.
        restart: what a restart depends on, None where nobody looked at the hosts.

    Raises:
        UnsafeState: the state is not understood, too large a share of the primaries is down, FTS has yet to decide,
            or the scenario or the version is one that gpmedic does not act on.
    """
    cluster = diagnosis.cluster
    if cluster is None:
        raise _refusal(diagnosis.findings[0])
    if diagnosis.healthy:
        return Plan(cluster.name, Scenario.NONE, (), fingerprint((), cluster))
    _require_known_version(capabilities)
    _require_few_down(diagnosis, cluster, policy)
    if diagnosis.scenario not in _ACTED_ON:
        raise _refusal(diagnosis.findings[0])
    if diagnosis.scenario in _RESTARTED:
        for condition in _NOT_RESTARTED_OVER:
            if (finding := diagnosis.having(condition)) is not None:
                raise _refusal(finding)
    chosen = tuple(_steps(diagnosis, cluster, running_queries, restart, policy.recovery_type))
    if any(s.action is Action.RECOVER for s in chosen):
        _require_recovery_type(capabilities, policy)
    return Plan(cluster.name, diagnosis.scenario, chosen, fingerprint(chosen, cluster))


def fingerprint(steps: Sequence[Step], cluster: Cluster) -> str:
    """A short hex digest of what an approval covers: dbids, commands, and every row of the cluster; never a time."""
    covered = {
        "cluster": cluster.name,
        "steps": [_covered(s) for s in steps],
        "rows": sorted(
            [s.dbid, s.content, s.role, s.preferred_role, s.mode, s.status, s.hostname, s.address, s.port, s.datadir]
            for s in cluster.segments
        ),
    }
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()[:16]


def _covered(step: Step) -> list[object]:
    """What a step changes and rests on: its commands and, where there are any, its file, its places, what was found."""
    file = [] if step.file is None else [step.file.path, step.file.text]
    moves = [[m.content, m.dbid, m.old, m.new] for m in step.moves]
    more = [file, moves, step.afterwards] if file or moves or step.afterwards else []
    stops = [["stops", *step.stops]] if step.stops else []
    return [step.action, step.argv, step.dbids, step.contents, *more, *step.rests_on, *stops]


def require_rebalance_allowed(cluster: Cluster) -> None:
    """Return where every pair is synchronized and nothing is down.

    Raises:
        UnsafeState: on 6 and 7 `gprecoverseg -r` would then skip pairs, or recover others as a side effect (T3, T4).
    """
    down = [str(s) for s in cluster.segments if not s.is_up and s.content != COORDINATOR_CONTENT]
    lagging = [f"content {c}" for c in unsynchronized(cluster)]
    if down or lagging:
        what = "; ".join(filter(None, (_listed("down", down), _listed("not synchronized", lagging))))
        raise UnsafeState(
            f"The roles cannot be rebalanced now ({what}); nothing was touched.",
            "Recover what is down and wait until every pair is synchronized.",
        )


def failed_primaries(diagnosis: Diagnosis) -> tuple[int, ...]:
    """The contents whose preferred or acting primary has failed."""
    return tuple(sorted({c for f in diagnosis.findings if f.condition in _PRIMARY_FAILED for c in f.contents}))


_RESTARTED: Final = frozenset({Scenario.DOUBLE_FAULT, Scenario.MIRRORLESS})
# What a restart of everything would make worse: gpstop does not end what hangs, and leaves the rest stopped; a replay
# that is cut off begins again, and gpstart gives up on it; FTS has yet to decide; nobody looked, or understands it.
_NOT_RESTARTED_OVER: Final = (
    Condition.PRIMARY_HANGS,
    Condition.UNKNOWN_STATE,
    Condition.PRIMARY_STARTING,
    Condition.FAILOVER_PENDING,
    Condition.NOT_PROBED,
)
_ACTED_ON: Final = frozenset(
    {Scenario.STANDBY, Scenario.RECOVER_SEGMENTS, Scenario.WAIT, Scenario.REBALANCE, *_RESTARTED}
)
_SILENT: Final = frozenset({Condition.DOUBLE_FAULT, Condition.MIRRORLESS_PRIMARY_DOWN})
_PRIMARY_FAILED: Final = frozenset(
    {
        Condition.FAILED_OVER,
        Condition.FAILOVER_PENDING,
        Condition.PRIMARY_HANGS,
        Condition.DOUBLE_FAULT,
        Condition.MIRRORLESS_PRIMARY_DOWN,
    }
)


def _require_known_version(capabilities: Capabilities) -> None:
    if capabilities.support is Support.OBSERVES:
        raise UnknownVersion(
            f"{capabilities.version} is only observed: its utilities have not been proven; nothing was touched.",
            "Follow the vendor's recovery procedure for this version by hand.",
        )


def _require_recovery_type(capabilities: Capabilities, policy: PolicySettings) -> None:
    if policy.recovery_type is RecoveryType.DIFFERENTIAL and not capabilities.has_differential_recovery:
        raise UnsafeState(
            f"policy.recovery_type is differential, but `gprecoverseg --help` of {capabilities.version} knows no"
            " --differential; nothing was touched.",
            "Set policy.recovery_type = 'incremental' in the cluster's file or block.",
        )


def _require_few_down(diagnosis: Diagnosis, cluster: Cluster, policy: PolicySettings) -> None:
    failed = failed_primaries(diagnosis)
    share = 100 * len(failed) / max(1, len(cluster.contents))
    if share > policy.max_down_percent:
        raise TooManyDown(
            f"{len(failed)} of {len(cluster.contents)} primaries have failed ({share:.0f} %, limit"
            f" {policy.max_down_percent} %): suspect the network rather than the segments; nothing was touched.",
            "Check the network between the coordinator and the segment hosts first; then look again. Where it works and"
            " all of them are really down, raise policy.max_down_percent until they are recovered.",
        )


def _refusal(finding: Finding) -> UnsafeState:
    return UnsafeState(
        f"{finding.sentence} gpmedic does not act on this; nothing was touched.",
        finding.facts.next_action,
    )


def silent_contents(diagnosis: Diagnosis) -> tuple[int, ...]:
    """The contents of which no copy serves, and none can take over without a restart."""
    return tuple(sorted({c for f in diagnosis.findings if f.condition in _SILENT for c in f.contents}))


def _steps(
    diagnosis: Diagnosis,
    cluster: Cluster,
    running_queries: Sequence[RunningQuery] | None,
    restart: RestartNotes | None,
    kind: RecoveryType,
) -> Iterator[Step]:
    if diagnosis.scenario in _RESTARTED:  # what is down after it is known only then, and is another plan
        contents = silent_contents(diagnosis)
        yield restart_step(cluster, contents, restart, running_queries)
        if mirrored := tuple(p.content for p in cluster.pairs if p.content in contents and p.mirror is not None):
            yield steps.wait(cluster, mirrored)
        yield steps.verify(cluster)
        return
    generation = cluster.version.generation
    down = [p.mirror for p in cluster.pairs if p.mirror is not None and not p.mirror.is_up]
    switched = [p for p in cluster.pairs if not p.balanced]
    if down:
        yield steps.recover(generation, down, kind)
    if lagging := unsynchronized(cluster):
        yield steps.wait(cluster, lagging)
    if switched:
        if diagnosis.scenario is Scenario.REBALANCE:
            require_rebalance_allowed(cluster)
        yield steps.rebalance(generation, switched, running_queries)
        yield steps.wait(cluster, tuple(p.content for p in switched))
    if cluster.standby is not None and standby_fault(cluster) is not None:  # the last: only the segments serve queries
        yield steps.restore_standby(cluster.standby)
    yield steps.verify(cluster)


def _listed(word: str, items: Sequence[str]) -> str:
    return f"{word}: {', '.join(items)}" if items else ""
