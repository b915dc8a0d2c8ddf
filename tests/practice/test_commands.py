"""`gpmedic practice ...` as a person uses it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gpmedic.practice import PracticeError, folder_of
from gpmedic.practice.commands import app
from gpmedic.practice.processes import of_cluster
from gpmedic.settings import load_cluster
from tests.practice.conftest import unique_name


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_up_break_status_heal_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
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
        with pytest.raises(PracticeError, match="needs a content"):
            _run("break", "kill_mirror", name)
    finally:
        _run("down", name)
    assert not of_cluster(folder_of(name))
    assert not folder_of(name).exists()
    assert list(tmp_path.glob("*.toml")) == []


def test_a_real_cluster_of_the_same_name_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    real = tmp_path / "production.toml"
    real.write_text('name = "production"\n')
    with pytest.raises(PracticeError, match="not a practice cluster's"):
        _run("up", "production")
    assert real.read_text() == 'name = "production"\n'
    assert not folder_of("production").exists()


def test_taking_down_what_is_not_there_says_so() -> None:
    with pytest.raises(PracticeError, match="no practice cluster"):
        _run("down", unique_name())
