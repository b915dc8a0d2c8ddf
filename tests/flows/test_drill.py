"""The drill that is started on Prefect's page: a practice cluster of its own, and nothing of it stays."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from flows.deployments import read_deployments
from flows.drill import Approver, drill
from gpmedic.practice.drills import PRACTICE_OPERATOR, DrillName
from gpmedic.practice.layout import DRILL_PREFIX
from gpmedic.practice.practice_cluster import folder_of
from tasks.approve import Answer
from tests.artifacts import newest_page
from tests.people import give
from tests.worker import worked

# `make test` drills once, by the command line (tests/cli/test_drill.py), which shares all but the flow.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
CLUSTER = f"{DRILL_PREFIX}{os.getpid()}"


@pytest.fixture(autouse=True)
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where it is registered; empty before and after."""
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    yield tmp_path
    assert not list(tmp_path.iterdir())
    assert not folder_of(CLUSTER).exists()


def started(scenario: DrillName, approved_by: Approver) -> FlowRun:
    (row,) = (row for row in read_deployments() if row.name == "drill")
    row.of_all(("sales",), by_workers=False).apply()
    parameters = {"scenario": scenario.value, "approved_by": approved_by.value}
    return run_deployment("drill/drill", parameters=parameters, timeout=0, as_subflow=False)


def recoveries(of: FlowRun) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        children = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[of.id]))
        return client.read_flow_runs(flow_run_filter=children)


def test_a_drill_is_approved_by_the_practice_operator_and_counts_the_rows() -> None:
    run = worked(drill, started(DrillName.MIRROR_DOWN, Approver.PRACTICE_OPERATOR))
    assert run.state_name == "Completed", run.state
    assert PRACTICE_OPERATOR in newest_page("recovery", CLUSTER)
    page = newest_page("drill", "mirror-down")
    assert page.startswith("### Drill mirror-down: recovered and proven healthy; rows equal")


def test_a_drill_that_a_person_approves_waits_on_the_page_of_its_recovery_and_their_no_fails_it(
    clusters: Path,
) -> None:
    run = started(DrillName.MIRROR_DOWN, Approver.A_PERSON)
    with ThreadPoolExecutor(1) as worker:
        ended = worker.submit(copy_context().run, worked, drill, run)
        waiting: list[FlowRun] = []
        while not (waiting := [one for one in recoveries(run) if one.state_name == "Paused"]):
            assert not ended.done()
            time.sleep(0.2)
        assert not list(clusters.iterdir()), "the clusters of a drill are in no folder of real ones"
        give(waiting[0].id, Answer(decision="no", operator="boris", reason="only trying"))
        run = ended.result()
    assert run.state is not None
    assert run.state_name == "Failed"
    assert "boris said no to recover (only trying)" in (run.state.message or "")
