"""deployments/prefect.yaml names flows that exist, with parameters that they take."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow

FILE = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: str(d["name"]))
def test_a_deployment_names_a_flow_by_its_importable_name_and_gives_parameters_that_it_accepts(
    deployment: dict[str, Any],
) -> None:
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]
    accepted = flow.validate_parameters(deployment["parameters"])
    assert accepted.items() >= deployment["parameters"].items()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: str(d["name"]))
def test_no_deployment_has_a_concurrency_limit_which_would_crash_a_run_that_waits_for_an_approval(
    deployment: dict[str, Any],
) -> None:
    assert "concurrency_limit" not in deployment


def test_a_cluster_name_that_is_a_path_is_refused_before_anything_is_read() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.health_check import health_check

    with pytest.raises(ParameterTypeError):
        health_check.validate_parameters({"cluster": "../../etc/passwd"})


def test_setup_deploys_the_same_pages() -> None:
    from flows.deployed import HEARTBEAT, HEARTBEAT_TAG, PAGES, TAG

    assert {one["name"] for one in DEPLOYMENTS} == {page.name for page in PAGES} | {"health-check"}
    for one in DEPLOYMENTS:
        # The automation crashes runs with this tag that give no sign of life so often.
        assert one["tags"] == [TAG, HEARTBEAT_TAG]
        environment = one["work_pool"]["job_variables"]["env"]
        assert environment == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT)}
