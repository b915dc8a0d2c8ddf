"""The runbook's page for a content of which neither copy serves: compare them, restart, then recover as usual."""

from prefect import flow

from flows import rebalance, recover_segment
from flows.journal import Journal
from flows.page import follow
from flows.program import run_as_program
from flows.restart import restart
from flows.run_name import after_its_cluster
from gpmedic.plan import Action
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings
from tasks.detect import Seen


@flow(name="recover-double-fault", flow_run_name=after_its_cluster)
def recover_double_fault(cluster: ClusterName) -> RecoveryReport:
    """Restart the database where primary and mirror are both down, then recover, wait, rebalance and prove."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    if seen.plan(settings).step(Action.RESTART) is not None:
        seen = restart(settings, journal, seen)
    if seen.diagnosis.healthy:  # both died at once and came back equal, as in 4.3 (T29)
        return rebalance.prove(settings, journal)
    return recover_segment.page(settings, journal, seen)


if __name__ == "__main__":
    run_as_program(recover_double_fault, report_text)
