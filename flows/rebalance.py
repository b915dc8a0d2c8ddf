"""The runbook's last page: give every segment its preferred role again, and prove that the cluster is healthy."""

import sys

from prefect import flow

from flows.journal import Journal
from flows.page import ClusterName, ask, follow, observe
from gpmedic.plan import Action, Plan
from gpmedic.precheck import require
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterSettings
from gpmedic.verify import proven
from tasks.collect_evidence import collect_evidence
from tasks.detect import detect
from tasks.precheck import precheck
from tasks.rebalance import rebalance as gprecoverseg_r
from tasks.rebalance import running_queries
from tasks.run_utility import Started
from tasks.verify import verify
from tasks.wait_for_sync import wait_for_sync


@flow(name="rebalance")
def rebalance(cluster: ClusterName) -> RecoveryReport:
    """Where every pair is synchronized and roles are switched: `gprecoverseg -r`, after a person's approval."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal) -> Outcome:
    """The steps, beginning with a look."""
    seen = observe(settings, journal)
    if seen.plan(settings).step(Action.REBALANCE) is not None:
        collect_evidence(settings, seen)
        adopted = gprecoverseg_r(settings, approval=None)
        if adopted.started is not Started.ADOPTED:
            journal.checks = precheck(settings, seen)
            require(journal.checks)
            approval = ask(settings, journal, Action.REBALANCE, lambda: _plan(settings))
            if approval is not None:
                gprecoverseg_r(settings, approval)
    wait_for_sync(settings)
    return prove(settings, journal)


def _plan(settings: ClusterSettings) -> Plan:
    return detect(settings).plan(settings, running_queries(settings))


def prove(settings: ClusterSettings, journal: Journal) -> Outcome:
    """The proof set; what was healthy from the beginning needed nothing."""
    journal.after, journal.proofs = verify(settings)
    return Outcome.RECOVERED if proven(journal.proofs) else Outcome.UNPROVEN


if __name__ == "__main__":
    print(report_text(rebalance(sys.argv[1])))
