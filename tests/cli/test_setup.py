"""`gpmedic setup`: saved is what was tried, by its owner alone, and never twice."""

import os
import re
import subprocess
import sys
import termios
import time
import tomllib
from pathlib import Path

import pytest

from gpmedic.access.known_hosts import read
from gpmedic.policy import Automation
from gpmedic.practice import PracticeCluster
from gpmedic.settings import ClusterSettings
from tests.access.conftest import Lab
from tests.cli.conftest import Cli
from tests.cli.terminal import IN_A_TERMINAL, read_until


def accesses(cluster: PracticeCluster) -> list[str]:
    """All but GPHOME and data directory, which are to be found out."""
    database, ssh = cluster.settings.database, cluster.settings.ssh
    return [
        *("--db-host", database.host, "--db-port", str(database.port), "--password-file", str(database.password_file)),
        *("--ssh-port", str(ssh.port), "--identity-file", str(ssh.identity_file)),
    ]


def known(cluster: PracticeCluster) -> list[str]:
    return ["--known-hosts", str(cluster.settings.ssh.known_hosts)]


def test_an_unknown_host_key_is_never_accepted_without_a_person(lab: Lab, tmp_path: Path) -> None:
    gpmedic, strangers = Cli(tmp_path / "clusters"), tmp_path / "strangers"
    ssh = lab.settings()
    run = gpmedic(
        *("setup", "sales", "--db-host", ssh.host, "--db-port", "9", "--ssh-port", str(ssh.port)),
        *("--identity-file", str(ssh.identity_file), "--known-hosts", str(strangers)),
    )
    assert run.returncode == 1, run.stdout + run.stderr
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAIL")]
    assert [line.partition(":")[0] for line in failed] == ["FAIL  database session", "FAIL  ssh login"]
    assert all(" Next: " in line for line in failed)
    assert "SHA256:" in run.stdout
    assert run.stdout.endswith("Nothing was saved.\n")
    assert not strangers.exists()
    assert not gpmedic.clusters.exists()


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "No name was given"),
        (("../sales", "--db-host", "mdw"), "cannot be the name of a cluster"),
        (("sales",), "database: Field required"),
        (("sales", "--from", "/nowhere.toml"), "There is no file /nowhere.toml"),
        (("sales", "--db-host", "mdw", "--slack-channel", "#dba", "--approver", "U0ANNA"), "slack.channel"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    run = Cli(tmp_path / "clusters")("setup", *arguments)
    assert run.returncode == 2, run.stdout
    assert told in run.stderr
    assert " Next: " in run.stderr
    assert not (tmp_path / "clusters").exists()


@pytest.mark.chaos
def test_a_cluster_is_registered_from_flags_and_only_what_is_said_anew_changes_it(
    cluster: PracticeCluster, tmp_path: Path
) -> None:
    gpmedic = Cli(tmp_path / "clusters")
    run = gpmedic("setup", "sales", *accesses(cluster), *known(cluster))
    assert run.returncode == 0, run.stdout + run.stderr
    path = gpmedic.clusters / "sales.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    settings = ClusterSettings.model_validate(tomllib.loads(path.read_text()))
    assert settings.greenplum == cluster.settings.greenplum, "database and host were asked"
    assert settings.policy.automation is Automation.OBSERVE_ONLY
    assert gpmedic("status", "sales").returncode == 0

    path.write_text("# mine\n" + path.read_text())
    written = path.read_text()
    again = gpmedic("setup", "sales")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "says so already" in again.stdout
    assert path.read_text() == written

    changed = gpmedic("setup", "sales", "--automation", "with_approval")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert path.read_text() == written.replace("observe_only", "with_approval")
    assert [file.name for file in gpmedic.clusters.iterdir()] == ["sales.toml"]


@pytest.mark.chaos
def test_what_worked_stays_when_a_change_does_not_work(cluster: PracticeCluster, clusters: Path) -> None:
    before = (clusters / "practice.toml").read_text()
    run = Cli(clusters)("setup", "practice", "--data-directory", "/nowhere")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAIL  coordinator data directory" in run.stdout
    assert (clusters / "practice.toml").read_text() == before


@pytest.mark.chaos
def test_a_file_is_taken_over_under_another_name(cluster: PracticeCluster, tmp_path: Path) -> None:
    gpmedic = Cli(tmp_path / "clusters")
    run = gpmedic("setup", "sales", "--from", str(cluster.folder / "cluster.toml"))
    assert run.returncode == 0, run.stdout + run.stderr
    settings = ClusterSettings.model_validate(tomllib.loads((gpmedic.clusters / "sales.toml").read_text()))
    assert settings == cluster.settings.model_copy(update={"name": "sales"})


@pytest.mark.chaos
@pytest.mark.parametrize("trusted", [True, False])
def test_in_a_terminal_it_asks_for_everything_shows_no_password_and_asks_about_the_host_key(
    cluster: PracticeCluster, tmp_path: Path, *, trusted: bool
) -> None:
    database, ssh = cluster.settings.database, cluster.settings.ssh
    assert database.password_file is not None
    password = database.password_file.read_text().strip().rpartition(":")[2]
    strangers, clusters = tmp_path / "strangers", tmp_path / "clusters"
    answers = (
        (b"Name of the cluster", "sales"),
        (b"Host of the coordinator", database.host),
        (b"Its port", str(database.port)),
        (b"User of the database", ""),
        (b"Its password", password),
        (b"Host for ssh", ""),
        (b"Its ssh port", str(ssh.port)),
        (b"User for ssh", ""),
        (b"Private key", str(ssh.identity_file)),
        (b"Slack channel", ""),
        (b"Is SHA256:", "y" if trusted else "n"),
    )
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, "setup", "--known-hosts", str(strangers)],
        env={**os.environ, "GPMEDIC_CLUSTERS": str(clusters), "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        for question, answer in answers:
            seen = read_until(ours, question, 20)
            assert question in seen, (shown + seen).decode()
            shown += seen
            while answer == password and termios.tcgetattr(ours)[3] & termios.ECHO:
                time.sleep(0.01)  # what is typed before the terminal is told to be silent would be seen
            os.write(ours, answer.encode() + b"\n")
        shown += read_until(ours, b"\x04", 30)
        code = process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert password.encode() not in shown
    if not trusted:
        assert code == 1
        assert not strangers.exists()
        assert not clusters.exists()
        return
    assert code == 0, shown.decode()
    assert read(strangers).keys(ssh.host, ssh.port), "the key was remembered for this host"
    path = clusters / "sales.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    saved = ClusterSettings.model_validate(tomllib.loads(path.read_text()))
    assert saved.database.password is not None
    assert saved.database.password.get_secret_value() == password
    assert not re.search(r"(?m)^password_file", path.read_text())
