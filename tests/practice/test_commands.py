"""`gpmedic practice ...` as a person uses it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gpmedic.practice import Fault, Mirrors, PracticeCluster, PracticeError, folder_of
from gpmedic.practice.choose import running
from gpmedic.practice.commands import app
from gpmedic.practice.fault import FAULTS
from gpmedic.practice.postgres import BASE_VARIABLE
from gpmedic.practice.processes import of_cluster
from gpmedic.settings import load_cluster
from tests.practice.conftest import unique_name

WRONG_TARGETS = {
    "break kill_primary --content 99": r"no content 99.*Choose one of: 0, 1, 2, 3, 4, 5\.",
    "break flapping --content 99": r"no content 99.*Choose one of: 0, 1, 2, 3, 4, 5\.",
    "break host_down --host sdw9": r"no host 'sdw9'.*Choose one of: mdw, smdw, sdw1, sdw2, sdw3, sdw4\.",
    "break datadir_removed --dbid 99": r"no dbid 99.*Choose one of: 1, 2, 3, .*, 14\.",
    "heal ssh_banner --host sdw9": r"no host 'sdw9'.*Choose one of: mdw,",
}


@pytest.fixture
def alone() -> Iterator[Path]:
    """A place for practice clusters in which no other test has any; PostgreSQL's user must be able to cross it."""
    with tempfile.TemporaryDirectory(prefix="gpmedic-alone-", dir=os.environ.get(BASE_VARIABLE)) as folder:
        yield Path(folder)


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_up_break_status_heal_down(tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    monkeypatch.setenv(BASE_VARIABLE, str(alone))
    name = unique_name()
    try:
        assert "It is up after" in _run("up", name, "-g", "6")
        assert load_cluster(name).practice
        assert "Killed dbid 8" in _run("break", "kill_mirror", name, "--content", "0")
        assert "refused" in _run("status", name)
        _run("break", "ssh_banner", name, "--host", "sdw1")
        assert "ssh of sdw1: banner" in _run("status", name)
        with pytest.raises(PracticeError, match="does not take --host"):
            _run("break", "kill_mirror", name, "--host", "sdw1")
        with pytest.raises(PracticeError, match=r"needs a content.*\(0, 1, 2, 3, 4, 5\)"):
            _run("break", "kill_mirror", name)
        for target, valid in WRONG_TARGETS.items():
            with pytest.raises(PracticeError, match=valid):
                _run(*target.split(), name)
        assert "ssh of sdw1: normal" in _run("heal", "ssh_banner", "--host", "sdw1")
        assert "ssh of sdw1" not in _run("status"), "the only one that is up"
    finally:
        _run("down", name)
    assert not of_cluster(folder_of(name))
    assert not folder_of(name).exists()
    assert list(tmp_path.glob("*.toml")) == []
    assert "down already; nothing to do" in _run("down", name)


def test_a_real_cluster_of_the_same_name_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    real = tmp_path / "production.toml"
    real.write_text('name = "production"\n')
    with pytest.raises(PracticeError, match="not a practice cluster's"):
        _run("up", "production")
    assert real.read_text() == 'name = "production"\n'
    assert not folder_of("production").exists()


@pytest.mark.chaos
def test_of_several_practice_clusters_one_must_be_named(
    alone: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., PracticeCluster]
) -> None:
    monkeypatch.setenv(BASE_VARIABLE, str(alone))
    with pytest.raises(PracticeError, match=r"No practice cluster is up\..*practice up"):
        _run("status")
    assert "is down already" in _run("down")
    first = start("6", mirrors=Mirrors.NO)
    with PracticeCluster(f"drill-{unique_name()}", mirrors=Mirrors.NO):
        assert running() == (first.name,)
    second = start("6", mirrors=Mirrors.NO)
    for command in (["status"], ["break", "kill_standby"], ["heal"], ["down"]):
        with pytest.raises(PracticeError, match=", ".join(sorted([first.name, second.name])) + r"\..*Name the one"):
            _run(*command)


def test_taking_down_never_forgets_a_real_cluster_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    real = tmp_path / "production.toml"
    real.write_text('name = "production"\n')
    with pytest.raises(PracticeError, match="not a practice cluster's"):
        _run("down", "production")
    assert real.exists()


def test_the_help_of_break_has_one_unbroken_line_for_each_fault() -> None:
    shown = CliRunner().invoke(app, ["break", "--help"], env={"COLUMNS": "80"}).output
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for fault, facts in FAULTS.items():
        target = f" --{facts.target}" if facts.target else ""
        assert f"{fault}{target} {facts.meaning}" in lines
    assert set(FAULTS) == set(Fault)


def test_a_fault_that_does_not_exist_names_those_that_do() -> None:
    for command in ("break", "heal"):
        with pytest.raises(PracticeError, match=r"no fault 'nosuch'.*kill_primary, kill_mirror"):
            _run(command, "nosuch")
