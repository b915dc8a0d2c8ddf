"""A full copy of mirrors whose incremental recovery has failed: never by itself, and of no more than those."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Generation, Mode, Segment
from gpmedic.copies import Comparison, Current
from gpmedic.diagnosis import Diagnosis, ProbeState
from gpmedic.errors import UnsafeState
from gpmedic.gprecoverseg import Outcome, RecoverReport, RecoveryType, recover_argv
from gpmedic.plan import Action, Plan, fingerprint, make_plan
from gpmedic.recovery_config import Dialect, RecoveryConfig, RecoveryLine, render
from gpmedic.settings import PolicySettings
from gpmedic.steps import Disruption, HostFile, Step

_SYSTEM_FILESPACE: Final = "pg_system"
_TRIED: Final = frozenset({Outcome.RECOVERED, Outcome.SOME_FAILED})


@dataclass(frozen=True, slots=True)
class FullCopy:
    """What a full copy is asked for.

    Attributes:
        dbids: the mirrors whose incremental recovery has failed.
        why: in words, for the person who approves it.
        folder: on the coordinator's host, for the recovery configuration file.
        comparisons: of both copies of each content; no part of the fingerprint.
    """

    dbids: tuple[int, ...]
    why: str
    folder: str
    comparisons: tuple[Comparison, ...] = field(default=(), compare=False)


def named_as_failed(report: RecoverReport, cluster: Cluster) -> tuple[int, ...]:
    """The mirrors of which gprecoverseg of 6 and 7 says that pg_rewind (or rsync) has failed."""
    failed = {(f.host, f.port) for f in report.failed if f.type not in {None, RecoveryType.FULL}}
    return tuple(s.dbid for s in _mirrors(cluster) if {(s.hostname, s.port), (s.address, s.port)} & failed)


def still_tracked(report: RecoverReport, cluster: Cluster) -> tuple[int, ...]:
    """The mirrors of 4.3 that are down, their primaries in change tracking, after a run that has tried.

    4.3 does not say that it has failed. A run that was skipped, refused or cut off proves nothing.
    """
    if report.outcome not in _TRIED or cluster.version.generation is not Generation.FILEREP:
        return ()
    tracking = {p.content for p in cluster.pairs if p.primary.mode is Mode.CHANGE_TRACKING}
    return tuple(s.dbid for s in _mirrors(cluster) if s.content in tracking and not s.is_up)


def _mirrors(cluster: Cluster) -> Iterator[Segment]:
    yield from (pair.mirror for pair in cluster.pairs if pair.mirror is not None)


def make_full_plan(diagnosis: Diagnosis, capabilities: Capabilities, policy: PolicySettings, wanted: FullCopy) -> Plan:
    """The runbook's plan with a full copy of the wanted mirrors in place of the incremental recovery.

    Raises:
        As make_plan; and UnsafeState where the only source of a copy is not up or does not answer.
    """
    plan, cluster = make_plan(diagnosis, capabilities, policy), diagnosis.cluster
    recover = plan.step(Action.RECOVER)
    if recover is None or cluster is None:
        return plan
    targets = [cluster.segment(dbid) for dbid in recover.dbids if dbid in wanted.dbids]
    if not targets:
        return plan
    answering = {p.dbid for p in diagnosis.probes if p.state is ProbeState.ANSWERS}
    for target in targets:
        source = _source(target, cluster)
        if not source.is_up or source.dbid not in answering:
            raise UnsafeState(
                f"{source} is the only source for {target} and does not answer; nothing was overwritten.",
                "Bring the acting primary back first: the copy that would be overwritten may be the last one.",
            )
    full = _full_step(targets, cluster, wanted)
    chosen = tuple(full if step.action is Action.RECOVER else step for step in plan.steps)
    return Plan(plan.cluster_name, plan.scenario, chosen, fingerprint(chosen, cluster))


def require_newer_source(comparisons: Sequence[Comparison]) -> None:
    """Return where no copy that would be overwritten may be newer than its source.

    Raises:
        UnsafeState: it may be.
    """
    doubtful = [c for c in comparisons if c.current in {Current.MIRROR, Current.UNKNOWN}]
    if doubtful:
        raise UnsafeState(
            f"A full copy might overwrite the newer copy: {'; '.join(map(str, doubtful))}. Nothing was overwritten.",
            "Compare the saved evidence of both copies; a person decides which one is kept.",
        )


def _full_step(targets: Sequence[Segment], cluster: Cluster, wanted: FullCopy) -> Step:
    generation = cluster.version.generation
    order = tuple(sorted(name for name, _ in targets[0].filespaces if name != _SYSTEM_FILESPACE))
    config = RecoveryConfig(tuple(RecoveryLine.in_place(s) for s in targets), order)
    text = render(config, Dialect.of(generation))
    path = f"{wanted.folder}/full-{hashlib.sha256(text.encode()).hexdigest()[:16]}.cfg"
    over = "; ".join(
        f"{' and '.join(_directories(s))} on {s.hostname} (dbid {s.dbid}, from {_source(s, cluster)})" for s in targets
    )
    effect = (
        f"OVERWRITES these directories with a full copy: {over}. What stands in them now is lost. Why: {wanted.why}."
        " Nothing else is recovered by it. Sessions go on; the copies load the acting primaries' disks and the network."
        f" {''.join(f'Compared: {c}. ' for c in wanted.comparisons)}"
    )
    dbids, contents = tuple(s.dbid for s in targets), tuple(s.content for s in targets)
    argv = recover_argv(generation, RecoveryType.FULL, path)
    return Step(
        Action.RECOVER_FULL, argv, dbids, contents, effect.strip(), Disruption.CHANGES, file=HostFile(path, text)
    )


def _directories(segment: Segment) -> tuple[str, ...]:
    return tuple(dict.fromkeys((segment.datadir, *(path for _, path in segment.filespaces))))


def _source(target: Segment, cluster: Cluster) -> Segment:
    return next(p.primary for p in cluster.pairs if p.content == target.content)
