"""The runbook's entry: look, diagnose, and turn to the page that the diagnosis names."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from prefect import flow

from flows import rebalance, recover_double_fault, recover_mirrorless, recover_segment, restore_standby
from flows.health_check import announce_conditions
from flows.journal import Journal
from flows.page import Page, follow, settled
from flows.program import run_as_program
from flows.run_name import after_its_cluster
from gpmedic.conditions import Scenario
from gpmedic.form import form_field
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings, RepeatedFailure
from tasks.detect import Seen, detect
from tasks.notify import Phase, tell

PAGES: Mapping[Scenario, Page] = MappingProxyType(
    {
        Scenario.RECOVER_SEGMENTS: recover_segment.page,
        Scenario.WAIT: recover_segment.page,
        Scenario.REBALANCE: rebalance.page,
        Scenario.STANDBY: restore_standby.page,
        Scenario.DOUBLE_FAULT: recover_double_fault.page,
        Scenario.MIRRORLESS: recover_mirrorless.page,
    }
)


class RepeatedFailureChoice(StrEnum):
    """What is said of it for one run. (An optional RepeatedFailure would be a choice between types in the form.)"""

    AS_THE_POLICY_SAYS = "as the policy says"
    STOP = "stop"
    ASK = "ask"


_INSTEAD_OF_THE_POLICY: Mapping[RepeatedFailureChoice, RepeatedFailure | None] = MappingProxyType(
    {
        RepeatedFailureChoice.AS_THE_POLICY_SAYS: None,
        RepeatedFailureChoice.STOP: RepeatedFailure.STOP,
        RepeatedFailureChoice.ASK: RepeatedFailure.ASK,
    }
)
AfterRepeatedFailure = Annotated[
    RepeatedFailureChoice,
    form_field(
        "If a segment has failed again within the hour",
        "Leave it, and the cluster's policy decides. stop: the cause must be found first. ask: go on, and the question"
        " says so.",
    ),
]


@flow(name="recover", flow_run_name=after_its_cluster)
def recover(
    cluster: ClusterName, repeated_failure: AfterRepeatedFailure = RepeatedFailureChoice.AS_THE_POLICY_SAYS
) -> RecoveryReport:
    """Bring the cluster back to health as far as gpmedic does it; refuse the rest and say what to do instead.

    The page is called as a function: the approvals suspend this run, which a run inside a run could not.
    """
    return follow(page, cluster, _INSTEAD_OF_THE_POLICY[repeated_failure])


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """Look until FTS has decided; healthy: done; else the page of the scenario."""
    seen = settled(settings, journal, seen)
    if seen.diagnosis.healthy:
        if journal.adopted or (journal.before is not None and not journal.before.healthy):
            return rebalance.prove(settings, journal)
        tell(Phase.REPORT, "The cluster is healthy; there is nothing to do.")
        return Outcome.HEALTHY
    announce_conditions(seen.diagnosis)
    next_page = PAGES.get(seen.diagnosis.scenario)
    if next_page is None:
        seen.plan(settings)  # raises the refusal with its next action
        return Outcome.UNPROVEN
    outcome = next_page(settings, journal, seen)
    if outcome is Outcome.UNPROVEN and seen.diagnosis.scenario is not Scenario.STANDBY:
        seen = detect(settings)  # the segments came first: is the standby what is left?
        if seen.diagnosis.scenario is Scenario.STANDBY:
            return restore_standby.page(settings, journal, seen)
    return outcome


if __name__ == "__main__":
    run_as_program(recover, report_text)
