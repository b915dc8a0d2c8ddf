"""What follows where an incremental recovery is ruled out: a copy over those mirrors, each kind after its own yes."""

from collections.abc import Sequence
from dataclasses import replace

from flows.journal import Journal
from flows.page import ask, observe
from gpmedic.full_copy import CopyOver, require_newer_source
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.plan import Plan
from gpmedic.precheck import require
from gpmedic.ruled_out import RuledOut, merged, next_kind
from gpmedic.settings import ClusterSettings
from tasks.collect_evidence import before, collect_evidence
from tasks.compare_copies import compare_contents
from tasks.detect import Seen
from tasks.notify import Level, Phase, tell
from tasks.precheck import precheck
from tasks.recover import IncrementalFailed
from tasks.recover_full import copy_plan, folder_of
from tasks.recover_full import recover_full as gprecoverseg_f


def copy_over(settings: ClusterSettings, journal: Journal, ruled_out: Sequence[RuledOut]) -> Seen:
    """Copy over these mirrors, differentially where gprecoverseg knows that and it has not failed, else in full.

    Returns:
        What the cluster looks like then.

    Raises:
        UnsafeState: the source does not answer, or the copy to be overwritten may be the newer one.
        NotApproved: nobody said yes; the mirrors stay down.
    """
    seen, open_ = observe(settings, journal), merged(ruled_out)
    while following := next_kind(open_, seen.observation.cluster, seen.observation.capabilities):
        kind, mirrors = following
        dbids, why = tuple(r.dbid for r in mirrors), "; ".join(r.why for r in mirrors)
        tell(Phase.RECOVER, f"{why[:1].upper()}{why[1:]}. What is left is a {kind.value} copy.", Level.WARNING)
        try:
            _copy(settings, journal, seen, CopyOver(dbids, why, folder_of(settings), kind))
            open_ = tuple(r for r in open_ if r.dbid not in dbids)  # one that goes down again is another incident
        except IncrementalFailed as failed:
            if kind is RecoveryType.FULL:
                raise
            tell(Phase.RECOVER, str(failed), Level.WARNING)
            open_ = merged((*open_, *failed.ruled_out))
        seen = observe(settings, journal)
    return seen


def _copy(settings: ClusterSettings, journal: Journal, seen: Seen, wanted: CopyOver) -> None:
    """Evidence, comparison, checks, an approval of its own, the copy."""
    evidence = collect_evidence(settings, seen, before(wanted.action))
    contents = tuple(s.content for s in seen.observation.cluster.segments if s.dbid in wanted.dbids)
    comparisons = compare_contents(settings, seen, contents)
    journal.comparisons = (*(c for c in journal.comparisons if c.content not in contents), *comparisons)
    require_newer_source(comparisons)
    waiting = tuple(mirror.dbid for mirror, told in evidence.causes if told.cause.rules_out)
    wanted = replace(wanted, comparisons=comparisons, waiting=waiting)

    def plan_of(seen: Seen) -> Plan:
        return copy_plan(settings, seen, wanted)

    plan = plan_of(seen)
    checked = precheck(settings, seen, plan)
    journal.planned(plan, checked.checks)
    require(checked.checks)
    approval = ask(settings, journal, wanted.action, evidence, plan, plan_of=plan_of)
    if approval is not None:
        gprecoverseg_f(settings, approval, checked, wanted)
