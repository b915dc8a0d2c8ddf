"""The runbook's page for a standby coordinator that does not follow: start it again on its data directory."""

from functools import partial

from prefect import flow

from flows import rebalance
from flows.journal import Journal
from flows.page import ask, follow
from flows.program import run_as_program
from flows.run_name import after_its_cluster
from gpmedic.errors import UnsafeState
from gpmedic.plan import Action, Plan
from gpmedic.precheck import require
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings
from tasks.collect_evidence import before, collect_evidence
from tasks.detect import Seen
from tasks.precheck import precheck
from tasks.restore_standby import restore_standby as gpinitstandby

_OF_THIS_PAGE = frozenset({Action.RESTORE_STANDBY, Action.VERIFY})


@flow(name="restore-standby", flow_run_name=after_its_cluster)
def restore_standby(cluster: ClusterName) -> RecoveryReport:
    """Where the standby coordinator alone is down: `gpinitstandby -a -n`, after a person's approval."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    plan = _plan(settings, seen)  # refuses here what gpmedic does not act on
    if plan.step(Action.RESTORE_STANDBY) is not None:
        evidence = collect_evidence(settings, seen, before(Action.RESTORE_STANDBY))
        checked = precheck(settings, seen)
        journal.planned(plan, checked.checks)
        require(checked.checks)
        plan_of = partial(_plan, settings)
        approval = ask(settings, journal, Action.RESTORE_STANDBY, evidence, plan, plan_of=plan_of)
        if approval is not None:
            gpinitstandby(settings, approval, checked)
    return rebalance.prove(settings, journal)


def _plan(settings: ClusterSettings, seen: Seen) -> Plan:
    """The plan, where the standby alone needs attention; where segments do, its turn comes later."""
    plan = seen.plan(settings)
    if any(step.action not in _OF_THIS_PAGE for step in plan.steps):
        raise UnsafeState(
            "Segments need attention, and come before the standby coordinator; nothing was touched.",
            f"Run the flow recover on {settings.name}: it does both.",
        )
    return plan


if __name__ == "__main__":
    run_as_program(restore_standby, report_text)
