"""The runbook's page for a dead primary that has no mirror: wait for its host, restart, prove."""

from prefect import flow

from flows import rebalance, recover_segment
from flows.journal import Journal
from flows.page import follow, observe
from flows.program import run_as_program
from flows.restart import restart
from flows.run_name import after_its_cluster
from gpmedic.plan import Action
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings
from tasks.await_hosts import await_hosts
from tasks.detect import Seen


@flow(name="recover-mirrorless", flow_run_name=after_its_cluster)
def recover_mirrorless(cluster: ClusterName) -> RecoveryReport:
    """Bring a primary without mirror back by a restart of the database, once its host answers."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    if seen.plan(settings).step(Action.RESTART) is not None:
        if await_hosts(settings, seen):  # somebody may have started the instance with the host
            seen = observe(settings, journal)
        if seen.plan(settings).step(Action.RESTART) is not None:
            seen = restart(settings, journal, seen)
    if seen.diagnosis.healthy:
        return rebalance.prove(settings, journal)
    return recover_segment.page(settings, journal, seen)  # where some contents have mirrors


if __name__ == "__main__":
    run_as_program(recover_mirrorless, report_text)
