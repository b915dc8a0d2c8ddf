"""`gpmedic doctor`: each access that fails is one line with the next action, and hides no other."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from blocks.greenplum import GreenplumCluster, save_cluster
from flows.local_server import local_server
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import Automation
from tests.cli.conftest import Cli

pytestmark = pytest.mark.chaos
PATIENCE = 240
"""Seconds for a command that asks a Prefect server too, on a busy machine."""


def failed(run: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """Access and line of what has failed."""
    assert run.returncode == 1, run.stdout + run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("FAIL")]
    assert all(" Next: " in line for line in lines)
    assert f"{len(lines)} to fix." in run.stdout
    return {line.removeprefix("FAIL").strip().partition(":")[0]: line for line in lines}


def changed(clusters: Path, old: str, new: str) -> None:
    path = clusters / "practice.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "access", "told"),
    [
        ("password_file", "# password_file", "database session", "asks for a password"),
        ('greenplum"\n', 'nowhere"\n', "Greenplum's utilities", "There is no Greenplum at"),
        ("gpseg-1", "gpseg-7", "coordinator data directory", "is not the one in"),
        ("id_ed25519", "id_none", "ssh login", "cannot be read"),
        ('known_hosts"', 'pgpass"', "ssh login", "is not known"),
    ],
)
def test_a_wrong_setting_is_one_line(
    gpmedic: Cli, clusters: Path, *, old: str, new: str, access: str, told: str
) -> None:
    changed(clusters, old, new)
    found = failed(gpmedic("doctor"))
    assert list(found) == [access]
    assert told in found[access]


def test_a_file_that_is_not_valid_is_a_finding_and_no_cluster_an_error(gpmedic: Cli, clusters: Path) -> None:
    changed(clusters, "[ssh]", "[ssh]\nprot = 1")
    assert "gpmedic has no such setting" in failed(gpmedic("doctor", "practice"))["settings"]
    run = gpmedic("doctor", "nobody")
    assert run.returncode == 2
    assert "No cluster 'nobody' is registered" in run.stderr


def test_a_segment_host_that_does_not_answer_is_named(gpmedic: Cli, cluster: PracticeCluster) -> None:
    cluster.break_(Fault.SSH_REFUSED, host="sdw2")
    try:
        found = failed(gpmedic("doctor"))
    finally:
        cluster.heal()
    assert list(found) == ["ssh to every host"]
    assert "sdw2: not reachable from the coordinator" in found["ssh to every host"]


def test_a_prefect_server_that_does_not_answer_stops_only_what_needs_it(clusters: Path) -> None:
    run = Cli(clusters, "http://127.0.0.1:9/api")("doctor", "practice", "--json")
    assert run.returncode == 1
    checks = {check["access"]: check for check in json.loads(run.stdout)["checks"]}
    assert [a for a, check in checks.items() if check["verdict"] == "fail"] == ["Prefect server"]
    assert "does not answer" in checks["Prefect server"]["detail"]
    assert checks["worker"]["verdict"] is None


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its blocks are those of these tests alone."""
    with local_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def in_block(cluster: PracticeCluster, own_server: str) -> Iterator[str]:
    """The practice cluster, registered as a block that keeps its password; the password."""
    settings = cluster.settings
    assert settings.database.password_file is not None
    password = settings.database.password_file.read_text().strip().rpartition(":")[2]
    database = settings.database.model_copy(update={"password": SecretStr(password), "password_file": None})
    save_cluster(settings.model_copy(update={"name": "sales", "database": database}))
    yield password
    GreenplumCluster.delete("sales")


def test_clusters_in_blocks_are_examined_too_and_no_secret_is_shown(
    clusters: Path, tmp_path: Path, own_server: str, in_block: str
) -> None:
    alone = Cli(tmp_path / "nothing", own_server)("doctor", "sales", "--json", timeout=PATIENCE)
    assert alone.returncode == 1, alone.stderr  # nothing is deployed there
    checks = {check["access"]: check for check in json.loads(alone.stdout)["checks"]}
    assert checks["settings"]["detail"] == "Block greenplum-cluster/sales is valid."
    assert checks["secrets on this machine"]["verdict"] == "warn"
    assert checks["database session"]["verdict"] == "pass"
    both = Cli(clusters, own_server)("doctor", "--json", timeout=PATIENCE)
    assert [one["cluster"] for one in json.loads(both.stdout)] == ["practice", "sales"]
    unknown = Cli(tmp_path / "nothing", own_server)("doctor", "nobody", timeout=PATIENCE)
    assert unknown.returncode == 2
    assert "neither a file" in unknown.stderr
    for run in (alone, both, unknown):
        assert in_block not in run.stdout + run.stderr


def test_setup_changes_a_cluster_that_is_only_a_block_there_and_writes_no_file(
    tmp_path: Path, own_server: str, in_block: str
) -> None:
    gpmedic = Cli(tmp_path / "nothing", own_server)
    run = gpmedic("setup", "sales", timeout=PATIENCE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Its block says so already." in run.stdout
    changed = gpmedic("setup", "sales", "--automation", "observe_only", timeout=PATIENCE)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "Saved as block greenplum-cluster/sales." in changed.stdout
    assert not gpmedic.clusters.exists()
    block = GreenplumCluster.load("sales")
    assert block.policy.automation is Automation.OBSERVE_ONLY
    assert block.database_password.get_secret_value() == in_block, "what is not said anew stays"
    assert in_block not in run.stdout + run.stderr + changed.stdout + changed.stderr
