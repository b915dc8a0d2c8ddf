"""A copy over mirrors for which less is ruled out, differential or full: never by itself, and of no more than those."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Generation, Mode, Segment
from gpmedic.copies import Comparison
from gpmedic.diagnosis import Diagnosis, ProbeState
from gpmedic.errors import UnsafeState
from gpmedic.gprecoverseg import Outcome, RecoverReport, RecoveryType, recover_argv
from gpmedic.plan import Action, Plan, fingerprint, make_plan
from gpmedic.recovery_config import Dialect, RecoveryConfig, RecoveryLine, render
from gpmedic.settings import PolicySettings
from gpmedic.steps import Disruption, HostFile, Step

_SYSTEM_FILESPACE: Final = "pg_system"
_TRIED: Final = frozenset({Outcome.RECOVERED, Outcome.SOME_FAILED})
ACTIONS: Final[Mapping[RecoveryType, Action]] = MappingProxyType(
    {RecoveryType.DIFFERENTIAL: Action.RECOVER_DIFFERENTIAL, RecoveryType.FULL: Action.RECOVER_FULL}
)


@dataclass(frozen=True, slots=True)
class CopyOver:
    """What a copy is asked for.

    Attributes:
        dbids: the mirrors for which less is ruled out.
        why: in words, for the person who approves it.
        folder: on the coordinator's host, for the recovery configuration file.
        kind: differential or full.
        waiting: those that may run and wait for WAL that is gone.
        comparisons: of both copies of each content; of them only what is overwritten is a part of the fingerprint.
    """

    dbids: tuple[int, ...]
    why: str
    folder: str
    kind: RecoveryType = RecoveryType.FULL
    waiting: tuple[int, ...] = ()
    comparisons: tuple[Comparison, ...] = field(default=(), compare=False)

    @property
    def action(self) -> Action:
        return ACTIONS[self.kind]

    def overwritten(self, comparison: Comparison) -> str:
        """What was found of the copy that is overwritten, of which a person approves the loss.

        Of one that may still run only that it is there: its control file changes by itself.
        """
        mirror = comparison.mirror
        if mirror is not None and mirror.segment.dbid in self.waiting:
            comparison = replace(comparison, mirror=replace(mirror, data=None))
        return comparison.mirror_found


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


def make_copy_plan(diagnosis: Diagnosis, capabilities: Capabilities, policy: PolicySettings, wanted: CopyOver) -> Plan:
    """The runbook's plan with a copy of the wanted mirrors in place of the incremental recovery.

    Raises:
        As make_plan; and UnsafeState where the only source of a copy is not up or does not answer, or where the copy
            would take more than the wanted mirrors.
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
    copy = _step(targets, recover.dbids, cluster, wanted)
    chosen = tuple(copy if step.action is Action.RECOVER else step for step in plan.steps)
    return Plan(plan.cluster_name, plan.scenario, chosen, fingerprint(chosen, cluster))


def require_newer_source(comparisons: Sequence[Comparison]) -> None:
    """Return where no copy that would be overwritten may be newer than its source.

    Raises:
        UnsafeState: it may be.
    """
    doubtful = [c for c in comparisons if c.mirror_may_be_newer]
    if doubtful:
        raise UnsafeState(
            f"A full copy might overwrite the newer copy: {'; '.join(map(str, doubtful))}. Nothing was overwritten.",
            "Compare the saved evidence of both copies; a person decides which one is kept.",
        )


def require_same_targets(shown: CopyOver, now: Sequence[Comparison]) -> None:
    """Return where the copies that will be overwritten are still those that were compared when a person was asked.

    Raises:
        UnsafeState: one is not, as where a file system was mounted meanwhile, or it may now be the newer one.
    """
    require_newer_source(now)
    before = {c.content: shown.overwritten(c) for c in shown.comparisons}
    changed = [c for c in now if shown.overwritten(c) != before.get(c.content)]
    if changed:
        raise UnsafeState(
            f"What a full copy would overwrite is not what was compared: {'; '.join(map(str, changed))}."
            " Nothing was overwritten.",
            "Run the flow again: it compares both copies anew.",
        )


def _step(targets: Sequence[Segment], down: Sequence[int], cluster: Cluster, wanted: CopyOver) -> Step:
    dbids, contents = tuple(s.dbid for s in targets), tuple(s.content for s in targets)
    stops = tuple(dbid for dbid in dbids if dbid in wanted.waiting)
    rests_on = tuple(map(wanted.overwritten, wanted.comparisons))
    effect = " ".join(_effect(targets, [*{*down} - {*dbids}], stops, cluster, wanted))
    generation, dialect = cluster.version.generation, Dialect.of_version(cluster.version)
    if not _takes_a_file(cluster, wanted):
        if set(dbids) != set(down):
            raise UnsafeState(
                "gprecoverseg --differential of this version takes every segment that is down, and others than dbid"
                f" {', '.join(map(str, dbids))} are; nothing was touched.",
                "Run the flow again: it looks anew at what is down.",
            )
        argv = recover_argv(generation, wanted.kind)
        return Step(wanted.action, argv, dbids, contents, effect, Disruption.CHANGES, rests_on=rests_on, stops=stops)
    order = tuple(sorted(name for name, _ in targets[0].filespaces if name != _SYSTEM_FILESPACE))
    letter = wanted.kind if dialect is Dialect.TYPED else None
    text = render(RecoveryConfig(tuple(RecoveryLine.in_place(s, letter) for s in targets), order), dialect)
    path = f"{wanted.folder}/{wanted.kind.value}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.cfg"
    # The D of a line cannot be said on the command line beside a file; an F is said twice.
    option = wanted.kind if wanted.kind is RecoveryType.FULL else RecoveryType.INCREMENTAL
    argv = recover_argv(generation, option, path)
    file = HostFile(path, text)
    return Step(
        wanted.action, argv, dbids, contents, effect, Disruption.CHANGES, file=file, rests_on=rests_on, stops=stops
    )


def _takes_a_file(cluster: Cluster, wanted: CopyOver) -> bool:
    """Whether it can be limited to some mirrors: without types in its file gprecoverseg copies differentially by an
    option alone, and beside a file takes no such option."""
    return wanted.kind is not RecoveryType.DIFFERENTIAL or Dialect.of_version(cluster.version) is Dialect.TYPED


def _effect(
    targets: Sequence[Segment], others: Sequence[int], stops: Sequence[int], cluster: Cluster, wanted: CopyOver
) -> Iterator[str]:
    """Sentence by sentence, as each is looked up where it is said in another language."""
    over = "; ".join(
        f"{' and '.join(s.directories)} on {s.hostname} (dbid {s.dbid}, from {_source(s, cluster)})" for s in targets
    )
    yield f"OVERWRITES these directories with a {wanted.kind.value} copy: {over}."
    yield _LOSES[wanted.kind]
    yield f"Why: {wanted.why}."
    if _takes_a_file(cluster, wanted):
        yield "Nothing else is recovered by it."
    else:
        yield "gprecoverseg -a has no narrower scope: a segment that goes down before it starts is copied over too."
    yield "Sessions go on; the copies load the acting primaries' disks and the network."
    yield (
        "Where a recovery had failed for a cause that is removed by now (a full disk, ssh, pg_hba.conf), say no and run"
        " gprecoverseg -a by hand: gpmedic never repeats one that has failed."
    )
    yield from (f"Compared: {c}." for c in wanted.comparisons)
    if stops:
        yield (
            f"What still runs of dbid {', '.join(map(str, stops))} waits in vain, and gprecoverseg tries to stop it"
            " first: better stop it yourself before you say yes."
        )
    if others:
        yield f"Recovered only after it: dbid {', '.join(map(str, sorted(others)))}."


_LOSES: Final[Mapping[RecoveryType, str]] = MappingProxyType(
    {
        RecoveryType.DIFFERENTIAL: "Every file that differs from the acting primary's is lost.",
        RecoveryType.FULL: "What stands in them now is lost.",
    }
)


def _source(target: Segment, cluster: Cluster) -> Segment:
    return next(p.primary for p in cluster.pairs if p.content == target.content)
