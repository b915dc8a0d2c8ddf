"""What follows an incremental recovery that has failed: a full copy of those mirrors, and only after a person's yes."""

from flows.journal import Journal
from flows.page import ask, observe
from gpmedic.full_copy import FullCopy, require_newer_source
from gpmedic.plan import Action, Plan
from gpmedic.precheck import require
from gpmedic.settings import ClusterSettings
from tasks.collect_evidence import before, collect_evidence
from tasks.compare_copies import compare_contents
from tasks.detect import Seen
from tasks.precheck import precheck
from tasks.recover import IncrementalFailed
from tasks.recover_full import folder_of, full_plan
from tasks.recover_full import recover_full as gprecoverseg_f


def recover_full(settings: ClusterSettings, journal: Journal, failed: IncrementalFailed) -> None:
    """Evidence, comparison, checks, an approval of its own, the copy.

    Raises:
        UnsafeState: the source does not answer, or the copy to be overwritten may be the newer one.
        NotApproved: nobody said yes; the mirrors stay down.
    """
    seen = observe(settings, journal)
    evidence = collect_evidence(settings, seen, before(Action.RECOVER_FULL))
    contents = tuple(s.content for s in seen.observation.cluster.segments if s.dbid in failed.dbids)
    comparisons = compare_contents(settings, seen, contents)
    journal.comparisons = (*(c for c in journal.comparisons if c.content not in contents), *comparisons)
    require_newer_source(comparisons)
    wanted = FullCopy(failed.dbids, failed.why, folder_of(settings), comparisons)

    def plan_of(seen: Seen) -> Plan:
        return full_plan(settings, seen, wanted)

    plan = plan_of(seen)
    checked = precheck(settings, seen, plan)
    journal.planned(plan, checked.checks)
    require(checked.checks)
    approval = ask(settings, journal, Action.RECOVER_FULL, evidence, plan, plan_of=plan_of)
    if approval is not None:
        gprecoverseg_f(settings, approval, checked, wanted)
