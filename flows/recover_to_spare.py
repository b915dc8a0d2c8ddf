"""The runbook's page for a host that is lost for good: its segments move to a spare host, by a full copy of each."""

from functools import partial
from typing import Annotated, Final

from prefect import flow

from flows import rebalance
from flows.journal import Journal
from flows.page import ask, follow, observe
from flows.program import run_as_program
from flows.run_name import after_its_cluster
from gpmedic.artifacts import Kind
from gpmedic.conditions import Scenario
from gpmedic.form import form_field
from gpmedic.plan import Action, Plan
from gpmedic.precheck import require
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings
from gpmedic.spare import SpareRequest
from tasks.collect_evidence import before, collect_evidence
from tasks.detect import Seen
from tasks.move_to_spare import move_to_spare, survey
from tasks.publish import keep_markdown
from tasks.wait_for_sync import wait_for_sync

_HOST: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,253}$"
LostHost = Annotated[
    str,
    form_field(
        "Lost host",
        "As the catalog names it, for example sdw1. Name it only if it is lost for good: what it stores is not used"
        " again.",
        pattern=_HOST,
    ),
]
SpareHost = Annotated[
    str,
    form_field(
        "Spare host",
        "As the coordinator's host reaches it, for example sdw5. Whether Greenplum and room enough are there is checked"
        " before anybody is asked.",
        pattern=_HOST,
    ),
]
RecoveryFile = Annotated[
    str,
    form_field(
        "Recovery file",
        "Leave it empty. Only where ports or directories shall differ on the spare: the text of a recovery"
        " configuration file of your own.",
        max_length=200_000,
    ),
]


@flow(name="recover-to-spare", flow_run_name=after_its_cluster)
def recover_to_spare(
    cluster: ClusterName, lost_host: LostHost, spare_host: SpareHost, recovery_file: RecoveryFile = ""
) -> RecoveryReport:
    """Move every segment of the lost host to the spare, wait until they have caught up, rebalance, prove."""
    request = SpareRequest(lost_host, spare_host, recovery_file or None)
    return follow(lambda settings, journal, seen: page(settings, journal, seen, request), cluster)


def page(settings: ClusterSettings, journal: Journal, seen: Seen, request: SpareRequest) -> Outcome:
    """The steps, after a first look; what an earlier run has done already is not done again."""
    surveyed = survey(settings, seen, request)  # refuses here what must not be moved
    plan = surveyed.plan(settings, seen)
    if plan.step(Action.MOVE_TO_SPARE) is not None:
        evidence = collect_evidence(settings, seen, before(Action.MOVE_TO_SPARE))
        journal.planned(plan, surveyed.checked.checks)
        require(surveyed.checked.checks)
        _keep_the_way_back(settings, plan)
        plan_of = partial(surveyed.plan, settings)
        approval = ask(settings, journal, Action.MOVE_TO_SPARE, evidence, plan, plan_of=plan_of)
        if approval is not None:
            move_to_spare(settings, approval, surveyed, request, plan)
    wait_for_sync(settings)
    seen = observe(settings, journal)
    if seen.diagnosis.scenario is Scenario.REBALANCE:
        return rebalance.page(settings, journal, seen)
    return rebalance.prove(settings, journal)


def _keep_the_way_back(settings: ClusterSettings, plan: Plan) -> None:
    step = plan.step(Action.MOVE_TO_SPARE)
    if step is not None:
        indented = "".join(f"    {line}\n" for line in step.way_back.splitlines())
        keep_markdown(Kind.MOVE_BACK, settings.name, f"# The file for the way back\n\n{indented}", "gprecoverseg -i")


if __name__ == "__main__":
    run_as_program(recover_to_spare, report_text)
