"""The runbook's entry: look, diagnose, and turn to the page that the diagnosis names."""

import sys
import time
from collections.abc import Mapping
from types import MappingProxyType

from prefect import flow

from flows import rebalance, recover_segment
from flows.health_check import announce_conditions
from flows.journal import Journal
from flows.page import Page, follow, observe
from gpmedic.conditions import Scenario
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterName, ClusterSettings, RepeatedFailure
from tasks.detect import Seen
from tasks.notify import Phase, tell

FTS_DECISION_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 2.0

PAGES: Mapping[Scenario, Page] = MappingProxyType(
    {
        Scenario.RECOVER_SEGMENTS: recover_segment.page,
        Scenario.WAIT: recover_segment.page,
        Scenario.REBALANCE: rebalance.page,
    }
)


@flow(name="recover")
def recover(cluster: ClusterName, repeated_failure: RepeatedFailure | None = None) -> RecoveryReport:
    """Bring the cluster back to health as far as gpmedic does it; refuse the rest and say what to do instead.

    The page is called as a function: the approvals suspend this run, which a run inside a run could not.
    """
    return follow(page, cluster, repeated_failure)


def page(settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """Look until FTS has decided; healthy: done; else the page of the scenario."""
    seen = _settled(settings, journal, seen)
    if seen.diagnosis.healthy:
        if journal.before is not None and not journal.before.healthy:
            return rebalance.prove(settings, journal)
        tell(Phase.REPORT, "The cluster is healthy; there is nothing to do.")
        return Outcome.HEALTHY
    announce_conditions(seen.diagnosis)
    next_page = PAGES.get(seen.diagnosis.scenario)
    if next_page is None:
        seen.plan(settings)  # raises the refusal with its next action
        return Outcome.UNPROVEN
    return next_page(settings, journal, seen)


def _settled(settings: ClusterSettings, journal: Journal, seen: Seen) -> Seen:
    """The first look after which FTS has nothing left to decide, or the last one within its time."""
    deadline = time.monotonic() + FTS_DECISION_SECONDS
    while seen.diagnosis.scenario is Scenario.LOOK_AGAIN and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_SECONDS)
        seen = observe(settings, journal)
    return seen


if __name__ == "__main__":
    print(report_text(recover(sys.argv[1])))
