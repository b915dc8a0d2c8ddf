"""The restart that the pages of a double fault and of a primary without mirror share."""

from flows.journal import Journal
from flows.page import ask, observe, settled
from gpmedic.artifacts import Kind
from gpmedic.copies import Comparison
from gpmedic.errors import Unrecoverable
from gpmedic.handoff import handoff_markdown
from gpmedic.plan import Action, Plan
from gpmedic.precheck import require
from gpmedic.restart import require_serving_copies
from gpmedic.settings import ClusterSettings
from tasks.collect_evidence import before, collect_evidence
from tasks.compare_copies import compare_copies
from tasks.detect import Seen
from tasks.precheck import precheck
from tasks.publish import publish_markdown
from tasks.rebalance import running_queries
from tasks.restart import restart as gpstop_and_gpstart


def restart(settings: ClusterSettings, journal: Journal, seen: Seen) -> Seen:
    """Evidence, comparison, checks, one approval, the restart; what the cluster looks like when FTS has settled.

    Raises:
        Unrecoverable: every copy of a content is lost; nothing was touched.
        UnsafeState: the copy that would serve is not proven to be the current one; nothing was touched.
    """
    evidence = collect_evidence(settings, seen, before(Action.RESTART))
    notes = compare_copies(settings, seen)
    journal.comparisons = notes.comparisons
    if lost := [c for c in notes.comparisons if c.lost]:
        raise _hand_off(settings, seen, lost)
    require_serving_copies(notes.comparisons)

    def plan_of(seen: Seen) -> Plan:
        return seen.plan(settings, running_queries(settings), notes)

    def plan_now(seen: Seen) -> Plan:
        nonlocal notes
        notes = compare_copies(settings, seen)  # a person may take an hour, and disks come and go
        journal.comparisons = notes.comparisons or journal.comparisons
        require_serving_copies(notes.comparisons)
        return plan_of(seen)

    plan = plan_of(seen)
    checked = precheck(settings, seen, plan)
    journal.planned(plan, checked.checks)
    require(checked.checks)
    approval = ask(settings, journal, Action.RESTART, evidence, plan, plan_of=plan_now)
    if approval is not None:
        gpstop_and_gpstart(settings, approval, checked, notes)
    return settled(settings, journal, observe(settings, journal))


def _hand_off(settings: ClusterSettings, seen: Seen, lost: list[Comparison]) -> Unrecoverable:
    page = handoff_markdown(seen.observation.cluster, lost, settings.language)
    publish_markdown(Kind.HANDOFF, settings.name, page, f"What a restore of {settings.name} needs")
    contents = ", ".join(str(c.content) for c in lost)
    where = "; ".join(
        f"{copy.segment} {copy.segment.datadir}: {copy.presence.value}" for c in lost for copy in c.copies
    )
    return Unrecoverable(
        f"Every copy of content {contents} is lost ({where}). Nothing was touched.",
        "See first that the file systems of these directories are mounted. If they are: read the hand-off page; only a"
        " restore from a backup brings this data back; leave what is left of the disks.",
    )
