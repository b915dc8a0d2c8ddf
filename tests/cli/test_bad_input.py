"""What is wrong with a login, a host or a file is one line with the next action, exit code 2, and touches nothing."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from gpmedic.practice import Fault, PracticeCluster
from tests.access.conftest import Lab
from tests.cli.conftest import Cli
from tests.postgres_server import PASSWORD, PostgresServer

Change = Callable[[dict[str, dict[str, object]], Path], None]


def other_key(settings: dict[str, dict[str, object]], folder: Path) -> None:
    key = folder / "another_key"
    key.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh"))
    key.chmod(0o600)
    settings["ssh"]["identity_file"] = str(key)


def unknown_host_key(settings: dict[str, dict[str, object]], folder: Path) -> None:
    empty = folder / "known_hosts"
    empty.touch()
    settings["ssh"]["known_hosts"] = str(empty)


def known_hosts_in_a_folder(settings: dict[str, dict[str, object]], folder: Path) -> None:
    settings["ssh"]["known_hosts"] = str(folder)


def other_password(settings: dict[str, dict[str, object]], folder: Path) -> None:
    settings["database"].pop("password_file", None)
    settings["database"]["password"] = "tr0ub4dor"


def setting(section: str, name: str, value: object) -> Change:
    def change(settings: dict[str, dict[str, object]], folder: Path) -> None:
        settings[section][name] = value

    return change


WRONG_SETTINGS: dict[str, tuple[Change, str]] = {
    "a host name that nobody knows": (setting("ssh", "host", "mdw.invalid"), r"mdw\.invalid"),
    "a key that the host does not accept": (other_key, r"key"),
    "a host whose key is not known": (unknown_host_key, r"known"),
    "a folder instead of a known_hosts": (known_hosts_in_a_folder, r"known hosts .*Is a directory"),
    "a port where nobody listens": (setting("ssh", "port", 1), r"refuse"),
    "a user who is not Greenplum's": (setting("ssh", "user", "operator"), r"operator"),
    "a wrong database password": (other_password, r"password"),
    "a database host that nobody knows": (setting("database", "host", "mdw.invalid"), r"mdw\.invalid"),
    "a GPHOME that is none": (setting("greenplum", "home", "/nonexistent"), r"/nonexistent"),
}


def toml(settings: dict[str, dict[str, object]]) -> str:
    plain = [f"{k} = {literal(v)}" for k, v in settings.items() if not isinstance(v, dict)]
    for section, values in settings.items():
        if isinstance(values, dict):
            plain += [f"[{section}]", *(f"{k} = {literal(v)}" for k, v in values.items())]
    return "\n".join(plain)


def literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value}"'


def assert_one_line_with_the_next_action(run: "subprocess.CompletedProcess[str]", pattern: str) -> None:
    assert run.returncode == 2, run.stdout + run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert run.stderr.startswith("gpmedic: ")
    assert re.search(pattern, run.stderr), run.stderr
    assert re.search(r" Next: \S", run.stderr), run.stderr
    assert "tr0ub4dor" not in run.stderr


@pytest.fixture(autouse=True)
def untouched(cluster: PracticeCluster) -> Iterator[None]:
    before = [(s.dbid, s.role, s.mode, s.status, s.pid) for s in cluster.facts().segments]
    yield
    assert [(s.dbid, s.role, s.mode, s.status, s.pid) for s in cluster.facts().segments] == before


@pytest.mark.parametrize("case", WRONG_SETTINGS)
def test_a_wrong_setting_is_one_line_with_the_next_action(
    case: str, gpmedic: Cli, clusters: Path, tmp_path: Path
) -> None:
    change, pattern = WRONG_SETTINGS[case]
    path = clusters / "practice.toml"
    settings = tomllib.loads(path.read_text())
    change(settings, tmp_path)
    path.write_text(toml(settings))
    assert_one_line_with_the_next_action(gpmedic("status"), pattern)


def test_a_database_port_where_nobody_listens_is_an_outage_that_says_where_the_coordinator_listens(
    gpmedic: Cli, clusters: Path
) -> None:
    path = clusters / "practice.toml"
    settings = tomllib.loads(path.read_text())
    settings["database"]["port"] = 1
    path.write_text(toml(settings))
    run = gpmedic("status")
    assert run.returncode == 1, "a pooler that is down looks alike, and health checks must go on"
    said = " ".join(run.stdout.split())
    assert re.search(r"Coordinator unreachable: .*lives and listens on port \d+\. Next: Correct database\.port", said)


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        (Fault.SSH_WRONG_KEY, r"HAS CHANGED"),
        (Fault.SSH_REFUSED, r"refuse"),
        (Fault.SSH_SILENT, r"silent|answer|nothing|banner"),
    ],
)
def test_a_host_that_cannot_be_trusted_or_reached_is_one_line(
    fault: Fault, pattern: str, gpmedic: Cli, cluster: PracticeCluster, clusters: Path
) -> None:
    path = clusters / "practice.toml"
    settings = tomllib.loads(path.read_text())
    settings["ssh"]["connect_timeout"] = 2
    path.write_text(toml(settings))
    cluster.break_(fault, host="mdw")
    try:
        assert_one_line_with_the_next_action(gpmedic("status"), pattern)
    finally:
        cluster.heal(fault, host="mdw")


def test_a_database_that_is_not_greenplum_is_named(gpmedic: Cli, clusters: Path, server: PostgresServer) -> None:
    path = clusters / "practice.toml"
    settings = tomllib.loads(path.read_text())
    settings["database"] = {"host": "127.0.0.1", "port": server.port, "password": PASSWORD}
    path.write_text(toml(settings))
    assert_one_line_with_the_next_action(gpmedic("status"), r"not .*Greenplum|neither")


def test_a_login_as_somebody_who_does_not_own_greenplum_is_named(gpmedic: Cli, clusters: Path, lab: Lab) -> None:
    logs_in_on(lab, clusters / "practice.toml", user="operator")
    assert_one_line_with_the_next_action(gpmedic("status"), r"'operator', but .* runs as 'gpadmin'")


def test_a_host_without_gpstate_on_its_path_is_named(gpmedic: Cli, clusters: Path, lab: Lab) -> None:
    home = lab.folder / "half-installed"
    home.mkdir()
    (home / "greenplum_path.sh").write_text(f"GPHOME={home}; export GPHOME\n")
    (lab.home() / "bin").mkdir()
    (lab.home() / "bin" / "psql").symlink_to("/bin/true")
    logs_in_on(lab, clusters / "practice.toml", home=home)
    assert_one_line_with_the_next_action(gpmedic("status"), r"gpstate is not on the PATH of gpadmin@")


def logs_in_on(lab: Lab, path: Path, user: str = "gpadmin", home: Path | None = None) -> None:
    settings = tomllib.loads(path.read_text())
    settings["ssh"] = {**lab.settings(user=user).model_dump(), "known_hosts": str(lab.known_hosts)}
    settings["ssh"]["identity_file"] = str(lab.identity)
    if home is not None:
        settings["greenplum"]["home"] = str(home)
    path.write_text(toml(settings))


def test_a_cluster_that_is_not_registered_names_those_that_are(gpmedic: Cli) -> None:
    assert_one_line_with_the_next_action(gpmedic("status", "nosuch"), r"nosuch.*practice")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_loop(path: Path) -> None:
    path.symlink_to(path)  # root too cannot read it


def latin_1(path: Path) -> None:
    path.write_bytes('name = "practice"  # für die Übung\n'.encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "pattern"),
    [(a_folder, r"Is a directory"), (a_loop, r"symbolic links"), (latin_1, r"not UTF-8")],
)
def test_a_settings_file_that_cannot_be_read_is_refused(
    make: Callable[[Path], None], pattern: str, gpmedic: Cli, clusters: Path
) -> None:
    path = clusters / "practice.toml"
    path.unlink()
    make(path)
    assert_one_line_with_the_next_action(gpmedic("status"), rf"practice\.toml .*{pattern}")


def test_a_settings_file_with_an_unknown_word_is_refused(gpmedic: Cli, clusters: Path) -> None:
    (clusters / "practice.toml").write_text('name = "practice"\nnosuch = 1\n')
    assert_one_line_with_the_next_action(gpmedic("status"), r"practice\.toml")


def test_a_file_with_the_name_of_another_cluster_is_refused(gpmedic: Cli, clusters: Path) -> None:
    (clusters / "practice.toml").rename(clusters / "sales.toml")
    assert_one_line_with_the_next_action(gpmedic("status"), r"sales\.toml.*'practice'")


def test_nobody_is_there_to_approve_without_a_terminal(gpmedic: Cli) -> None:
    assert_one_line_with_the_next_action(gpmedic("recover"), r"terminal")


def test_a_prefect_server_that_does_not_answer_is_named(clusters: Path) -> None:
    run = Cli(clusters, "http://anna:tr0ub4dor@127.0.0.1:9/api")("recover", "--yes")
    assert_one_line_with_the_next_action(run, r"Prefect server at http://\*\*\*@127\.0\.0\.1:9/api does not answer")


def test_yes_is_refused_for_a_cluster_that_is_not_a_practice_cluster(gpmedic: Cli, clusters: Path) -> None:
    path = clusters / "practice.toml"
    path.write_text(path.read_text().replace("practice = true", "practice = false"))
    assert_one_line_with_the_next_action(gpmedic("recover", "--yes"), r"--yes")


def test_yes_is_refused_where_only_the_file_says_practice(gpmedic: Cli, clusters: Path, server: PostgresServer) -> None:
    path = clusters / "practice.toml"
    settings = tomllib.loads(path.read_text())
    settings["database"] = {"host": "127.0.0.1", "port": server.port, "password": PASSWORD}
    path.write_text(toml(settings))
    assert_one_line_with_the_next_action(gpmedic("recover", "--yes"), r"--yes")


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_a_name_that_leads_out_of_the_folder_is_refused(command: str, gpmedic: Cli) -> None:
    assert_one_line_with_the_next_action(gpmedic("practice", command, "../x"), r"\.\./x")


def test_a_drill_that_does_not_exist_names_those_that_do(gpmedic: Cli) -> None:
    assert_one_line_with_the_next_action(gpmedic("drill", "nosuch"), r"primary-down")


A_BUG = (
    "from gpmedic.cli import app, main\n"
    "@app.command()\n"
    "def buggy():\n"
    "    raise KeyError(\"password = 'tr0ub4dor'\")\n"
    "main()"
)


def buggy(home: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", A_BUG, "buggy"],
        env={**os.environ, "HOME": home},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bug_of_gpmedic_is_one_line_and_its_traceback_is_kept_without_secrets(tmp_path: Path) -> None:
    runs = [buggy(str(tmp_path)) for _ in range(2)]
    for run in runs:
        assert_one_line_with_the_next_action(run, r"bug of gpmedic .*left as it was")
    (kept,) = (tmp_path / ".local" / "state" / "gpmedic").iterdir()  # a monitor does not fill the disk with one bug
    assert str(kept) in runs[0].stderr
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "Traceback" in kept.read_text()
    assert "KeyError" in kept.read_text()
    assert "tr0ub4dor" not in kept.read_text()


def test_a_bug_is_one_line_where_nothing_can_be_kept() -> None:
    assert_one_line_with_the_next_action(buggy("/dev/null"), r"bug of gpmedic .*could not be kept")
