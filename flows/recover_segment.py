"""The runbook's page for a mirror that is down and a primary that has failed over: incremental recovery in place."""

from prefect import flow

from flows import rebalance
from flows.journal import Journal
from flows.page import ask, follow, observe
from flows.program import run_as_program
from flows.recover_full import copy_over
from flows.run_name import after_its_cluster
from gpmedic.conditions import Scenario
from gpmedic.plan import Action
from gpmedic.precheck import require
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.ruled_out import by_checks, by_logs, still_runs
from gpmedic.settings import ClusterName, ClusterSettings
from tasks.collect_evidence import before, collect_evidence
from tasks.detect import Seen
from tasks.notify import Level, Phase, tell
from tasks.precheck import precheck
from tasks.recover import IncrementalFailed
from tasks.recover import recover as gprecoverseg
from tasks.rule_out import rule_out
from tasks.wait_for_sync import DownAgain, wait_for_sync


@flow(name="recover-segment", flow_run_name=after_its_cluster)
def recover_segment(cluster: ClusterName) -> RecoveryReport:
    """Recover every segment that is marked down, wait until it has caught up, rebalance where roles are switched."""
    return follow(page, cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    if seen.plan(settings).step(Action.RECOVER) is not None:  # refuses here what gpmedic does not act on
        _recover(settings, journal, seen)
    _wait(settings, journal)
    seen = observe(settings, journal)
    if seen.diagnosis.scenario is Scenario.REBALANCE:
        return rebalance.page(settings, journal, seen)
    return rebalance.prove(settings, journal)


def _wait(settings: ClusterSettings, journal: Journal) -> None:
    """Until every mirror has caught up; where the log of one says that it never will, a copy over it is proposed."""
    try:
        wait_for_sync(settings)
    except DownAgain as error:
        if not error.in_vain:
            raise
        tell(Phase.SYNCHRONIZE, error.message, Level.WARNING)
        _recover(settings, journal, observe(settings, journal))
        wait_for_sync(settings)


def _recover(settings: ClusterSettings, journal: Journal, seen: Seen) -> None:
    """Incrementally what can be; for the rest a copy over it is proposed, and never what has failed already."""
    if ruled_out := rule_out(settings, seen):
        seen = copy_over(settings, journal, ruled_out)
    while (step := (plan := seen.plan(settings)).step(Action.RECOVER)) is not None:
        evidence = collect_evidence(settings, seen, before(Action.RECOVER))
        checked = precheck(settings, seen)
        told = [(mirror, cause) for mirror, cause in evidence.causes if mirror.dbid in step.dbids]
        in_vain = by_logs(told, settings.policy.recovery_type)
        if not (still_runs(checked.checks) or len(in_vain) == len(step.dbids)):
            in_vain = ()  # it harms nothing that they are tried again with the others, which need not wait for a copy
        if ruled_out := (*by_checks(checked.checks), *in_vain):
            seen = copy_over(settings, journal, ruled_out)
            continue
        journal.planned(plan, checked.checks)
        require(checked.checks)
        approval = ask(settings, journal, Action.RECOVER, evidence, plan, plan_of=lambda s: s.plan(settings))
        if approval is not None:
            try:
                gprecoverseg(settings, approval, checked)
            except IncrementalFailed as failed:
                tell(Phase.RECOVER, str(failed), Level.WARNING)
                copy_over(settings, journal, failed.ruled_out)
        return


if __name__ == "__main__":
    run_as_program(recover_segment, report_text)
