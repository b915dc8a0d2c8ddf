"""`gpmedic status` and `gpmedic plan`: exit codes, words and JSON."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.local_server import free_port
from gpmedic.cluster import Mode, Status
from gpmedic.doctor import Access
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Verb
from tests.cli.conftest import Cli
from tests.cli.documented import assert_documented


def test_a_healthy_cluster_has_exit_code_0_and_no_finding(gpmedic: Cli) -> None:
    run = gpmedic("status", "--json")
    assert run.returncode == 0, run.stderr
    shown = assert_documented("status", run.stdout)
    assert shown["findings"] == []
    assert len(shown["segments"]) == 14


def test_the_cluster_of_a_drill_is_not_meant_where_none_is_named(gpmedic: Cli, clusters: Path) -> None:
    (clusters / "drill-4711.toml").write_text('name = "drill-4711"\n')
    run = gpmedic("status")
    assert run.returncode == 0, run.stderr
    (clusters / "practice.toml").unlink()
    run = gpmedic("status")
    assert run.returncode == 2
    assert "drill-4711" in run.stderr
    assert "Name the one" in run.stderr


def test_a_healthy_cluster_has_an_empty_plan(gpmedic: Cli) -> None:
    run = gpmedic("plan", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["steps"] == []


def test_status_imports_neither_prefect_nor_prometheus(clusters: Path) -> None:
    watch = (
        "import os, sys; os.environ['GPMEDIC_CLUSTERS'] = sys.argv.pop(1)\n"
        "from gpmedic.cli import main\n"
        "try: main()\n"
        "finally: print({'prefect', 'prometheus_client'} & sys.modules.keys(), file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", watch, str(clusters), "status"], capture_output=True, text=True, check=True
    )
    assert run.stderr.strip() == "set()"


def test_a_mirror_that_is_down_has_exit_code_1_and_a_plan_to_recover_it(
    gpmedic: Cli, clusters: Path, mirror_down: int
) -> None:
    run = Cli(clusters)("status")
    assert run.returncode == 1, run.stderr
    assert "Mirror down" in run.stdout
    assert f"dbid {mirror_down}" in run.stdout
    assert "\x1b" not in run.stdout, "piped output is plain text"

    run = gpmedic("plan", "--json")
    assert run.returncode == 1, run.stderr
    steps = assert_documented("plan", run.stdout)["steps"]
    assert [step["action"] for step in steps] == ["recover", "wait_for_sync", "verify"]
    assert steps[0]["argv"] == ["gprecoverseg", "-a"]
    assert steps[0]["dbids"] == [mirror_down]


@pytest.mark.usefixtures("mirror_down")
def test_every_cluster_stands_in_one_list_the_worst_first_and_one_that_cannot_be_reached_hides_no_other(
    gpmedic: Cli, clusters: Path
) -> None:
    text = (clusters / "practice.toml").read_text()
    gone = re.sub(r"(\[ssh\]\nhost = \S+\nport = )\d+", rf"\g<1>{free_port()}", text)
    (clusters / "away.toml").write_text(gone.replace('name = "practice"', 'name = "away"', 1))
    (clusters / "broken.toml").write_text("name =")
    (clusters / "drill-4711.toml").write_text('name = "drill-4711"\n')
    run = gpmedic("status", "--all", "--json")
    assert run.returncode == 2, run.stdout + run.stderr
    shown = assert_documented("status --all", run.stdout)
    assert [one["cluster"] for one in shown] == ["away", "broken", "practice"]
    assert all(one["next_action"] for one in shown[:2])
    assert [f["condition"] for f in shown[2]["findings"]] == ["mirror_down"]
    for name in ("away", "broken"):
        (clusters / f"{name}.toml").unlink()
    run = gpmedic("status", "--all")
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(r"^practice  .*ACTION NEEDED  Mirror down: ", run.stdout, re.MULTILINE)
    assert gpmedic("status", "--all", "practice").returncode == 2


@pytest.mark.chaos
@pytest.mark.usefixtures("mirror_down")
def test_what_refuses_a_recovery_is_said_once(clusters: Path, prefect_server: str) -> None:
    path = clusters / "practice.toml"
    path.write_text(path.read_text().replace("[policy]\n", "[policy]\nfree_space_percent = 100\n"))
    run = Cli(clusters, prefect_server)("recover", "--yes")
    assert run.returncode == 2, run.stdout + run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    said = run.stderr.removeprefix("gpmedic: ").partition(" Next: ")[0].strip()
    assert "disk space" in said
    assert "precheck: " in run.stdout
    assert said not in run.stdout


@pytest.mark.parametrize("command", ["recover", "drill"])
def test_the_help_names_every_exit_code_on_a_line_of_its_own(command: str, gpmedic: Cli) -> None:
    shown = gpmedic(command, "--help").stdout
    for code in ("Exit code 0:", "1:", "2:", "130:"):
        assert re.search(rf"^\s*{code} \w", shown, re.MULTILINE), shown


@pytest.fixture
def mirror_down(cluster: PracticeCluster) -> Iterator[int]:
    """The dbid of a mirror that is down during the test and back after it."""
    mirror = 8
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(lambda facts: facts.segment(mirror).status is Status.DOWN)
    yield mirror
    cluster.control.call(Verb.START_SEGMENT, dbid=mirror)
    cluster.wait_until(lambda facts: all(s.mode is Mode.SYNCHRONIZED for s in facts.data_segments))


def test_doctor_finds_nothing_to_fix_and_leaves_nothing_behind(clusters: Path, cluster: PracticeCluster) -> None:
    home = cluster.folder / "hosts" / "mdw"
    before = sorted(home.rglob("*"))
    run = Cli(clusters)("doctor", "--json", timeout=110)  # it imports Prefect, which takes long on a busy machine
    assert run.returncode == 0, run.stdout + run.stderr
    (shown,) = assert_documented("doctor", run.stdout)
    assert shown["fine"] is True
    verdicts = {check["access"]: check["verdict"] for check in shown["checks"]}
    assert list(verdicts) == list(Access)
    of_the_cluster = list(verdicts)[: list(Access).index(Access.PREFECT)]
    assert {verdicts[access] for access in of_the_cluster} == {"pass"}
    assert verdicts["Prefect server"] is None, "none is configured"
    trials = [path for path in sorted(home.rglob("*")) if path not in before and "trial" in path.name]
    assert trials == []
