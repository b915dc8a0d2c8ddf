"""`--json`: what is printed is what is documented."""

import json
from pathlib import Path

import pytest
from domain.test_times import report

from gpmedic.json_shapes import SHAPES, file_name, schema
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.recovery_json import recovery_json
from tests.cli.conftest import Cli
from tests.cli.documented import SCHEMAS, assert_documented


@pytest.mark.parametrize("command", SHAPES)
def test_the_documented_schema_is_that_of_the_shape(command: str) -> None:
    written = json.loads((SCHEMAS / file_name(command)).read_text())
    assert written == schema(command), "python -m gpmedic.json_shapes docs/schemas"


def test_no_schema_is_documented_for_what_is_not_printed() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == set(map(file_name, SHAPES))
    listed = (SCHEMAS.parent / "json.md").read_text()
    assert all(f"(schemas/{file_name(command)})" in listed for command in SHAPES)


def test_what_a_schema_does_not_know_is_found() -> None:
    for printed in ('{"cluster": "lab"}', '{"cluster": "lab", "brake": "on", "detail": "", "more": 1}'):
        with pytest.raises(AssertionError):
            assert_documented("brake show", printed)


def test_the_brake_is_documented(gpmedic: Cli) -> None:
    run = gpmedic("brake", "show", "--json")
    assert run.returncode == 0, run.stderr
    assert assert_documented("brake show", run.stdout)["brake"] == "off"


def test_a_practice_cluster_is_documented(gpmedic: Cli, cluster: PracticeCluster) -> None:
    cluster.break_(Fault.SLOW_RESYNC, seconds=1)
    run = gpmedic("practice", "status", cluster.name, "--json")
    cluster.break_(Fault.SLOW_RESYNC, seconds=0)
    shown = assert_documented("practice status", run.stdout)
    assert shown["faults"] == ["slow_resync 1"]
    assert {server["really"] for server in shown["servers"]} == {"accepts", "recovers"}


def test_the_report_of_a_recovery_is_documented() -> None:
    shown = assert_documented("recover", json.dumps(recovery_json(report())))
    assert (shown["outcome"], shown["times"]["synchronize"]) == ("recovered", 70)


@pytest.mark.chaos
def test_a_recovery_prints_its_report_alone_on_stdout(
    clusters: Path, cluster: PracticeCluster, prefect_server: str
) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(lambda facts: any(s.status == "d" for s in facts.segments))
    run = Cli(clusters, prefect_server)("recover", "--yes", "--json", timeout=110)
    assert run.returncode == 0, run.stderr
    assert assert_documented("recover", run.stdout)["outcome"] == "recovered"
    assert "Approved by the practice operator" in run.stderr
