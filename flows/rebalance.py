"""The runbook's last page: give every segment its preferred role again, and prove that the cluster is healthy."""

from functools import partial

from prefect import flow

from flows.journal import Journal
from flows.page import ask, follow
from flows.program import run_as_program
from flows.run_name import after_its_cluster
from gpmedic.errors import UnsafeState
from gpmedic.plan import Action, Plan, RunningQuery, require_rebalance_allowed
from gpmedic.precheck import require
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings
from gpmedic.verify import proven
from tasks.collect_evidence import before, collect_evidence
from tasks.detect import Seen
from tasks.precheck import precheck
from tasks.rebalance import rebalance as gprecoverseg_r
from tasks.rebalance import running_queries
from tasks.verify import verify
from tasks.wait_for_sync import wait_for_sync


@flow(name="rebalance", flow_run_name=after_its_cluster)
def rebalance(cluster: ClusterName) -> RecoveryReport:
    """Where every pair is synchronized and roles are switched: `gprecoverseg -r`, after a person's approval."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    if seen.plan(settings).step(Action.RECOVER) is not None:
        raise UnsafeState(
            "Segments are down: recover them before the roles are rebalanced; nothing was touched.",
            f"Run the flow recover on {settings.name}.",
        )
    if _plan(settings, seen).step(Action.REBALANCE) is not None:
        evidence = collect_evidence(settings, seen, before(Action.REBALANCE))
        checked = precheck(settings, seen)
        journal.planned(seen.plan(settings), checked.checks)
        require(checked.checks)
        plan = seen.plan(settings, running_queries(settings))
        approval = ask(settings, journal, Action.REBALANCE, evidence, plan, plan_of=partial(_plan_now, settings))
        if approval is not None:
            gprecoverseg_r(settings, approval, checked)
    wait_for_sync(settings)
    return prove(settings, journal)


def _plan_now(settings: ClusterSettings, seen: Seen) -> Plan:
    return _plan(settings, seen, running_queries(settings))


def _plan(settings: ClusterSettings, seen: Seen, queries: tuple[RunningQuery, ...] | None = None) -> Plan:
    """The plan, where its rebalance may begin at once.

    The plan of a cluster with segments down or catching up has a rebalance too, at its end: that one is for later.
    """
    plan = seen.plan(settings, queries)
    if plan.step(Action.REBALANCE) is not None:
        require_rebalance_allowed(seen.observation.cluster)
    return plan


def prove(settings: ClusterSettings, journal: Journal) -> Outcome:
    """The proof set; what was healthy from the beginning needed nothing."""
    journal.after, journal.proofs = verify(settings)
    return Outcome.RECOVERED if proven(journal.proofs) else Outcome.UNPROVEN


if __name__ == "__main__":
    run_as_program(rebalance, report_text)
