"""deployments/prefect.yaml names flows that exist, with parameters that they take."""

import importlib
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.schedules import IntervalSchedule

from flows.deployments import Row, environment, read_deployments
from flows.health_check import health_check

FILE = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
ROWS = read_deployments()
FOR_A_PERSON_TO_NAME = {"recover-to-spare": {"lost_host": "sdw1", "spare_host": "sdw4"}}
"""What nothing may suggest."""
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: str(d["name"]))
def test_a_deployment_names_a_flow_by_its_importable_name_and_gives_parameters_that_it_accepts(
    deployment: dict[str, Any],
) -> None:
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]
    given = deployment["parameters"] | FOR_A_PERSON_TO_NAME.get(deployment["name"], {})
    assert flow.validate_parameters(given).items() >= given.items()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_form_that_starts_a_run_says_of_every_field_what_it_is_and_shows_no_type_to_choose(row: Row) -> None:
    made = row.of_all(("sales",), by_workers=False)
    schema = made._parameter_openapi_schema.model_dump()
    for name, shown in schema["properties"].items():
        assert shown["title"][0].isupper(), name
        assert shown["description"], name
        assert "anyOf" not in shown, f"{name}: Prefect's page asks for one of several types"
    assert set(schema["required"]) - made.parameters.keys() == FOR_A_PERSON_TO_NAME.get(row.name, {}).keys()
    assert made.parameters.keys() <= schema["properties"].keys()


def test_only_the_health_check_which_waits_for_nobody_has_a_limit_that_would_crash_a_run_that_waits() -> None:
    assert [d["name"] for d in DEPLOYMENTS if "concurrency_limit" in d] == ["health-check"]


def test_the_server_of_the_lock_file_gives_a_deployment_with_a_schedule_its_runs(prefect_server: str) -> None:
    every_minute = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(minutes=1)), active=True)
    with get_client(sync_client=True) as client:
        flow = client.create_flow(health_check)
        deployment = client.create_deployment(flow, "scheduled", schedules=[every_minute])
        try:
            for _ in range(20):
                url = f"{prefect_server}/deployments/{deployment}/schedule"
                asked = httpx.post(url, json={"min_runs": 3}, timeout=30)
                if asked.status_code != 503:  # SQLite is busy
                    break
                time.sleep(1)
            assert asked.status_code == 200, asked.text
            runs = client.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])))
            assert len(runs) >= 3
        finally:
            client.delete_deployment(deployment)


def test_a_cluster_name_that_is_a_path_is_refused_before_anything_is_read() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.health_check import health_check

    with pytest.raises(ParameterTypeError):
        health_check.validate_parameters({"cluster": "../../etc/passwd"})


def test_the_doctor_knows_every_page_and_each_run_speaks_more_often_than_the_automation_waits() -> None:
    from flows.deployed import DEAD_AFTER, HEARTBEAT_TAG, PAGES
    from tasks.find_runs import TAG

    assert {one["name"] for one in DEPLOYMENTS} == {page.name for page in PAGES} | {"health-check", "drill"}
    for one in DEPLOYMENTS:
        # The automation crashes runs with this tag that give no sign of life so often.
        assert one["tags"][:2] == [TAG, HEARTBEAT_TAG]
    environment_of_runs = environment(read_deployments())
    assert int(environment_of_runs["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) * 3 < DEAD_AFTER.seconds
    # A run goes on for so long without a server, and has yet to be heard when that is back.
    tries = range(1, 1 + int(environment_of_runs["PREFECT_CLIENT_MAX_RETRIES"]))
    assert sum(2**number for number in tries) * 2 < DEAD_AFTER.seconds
