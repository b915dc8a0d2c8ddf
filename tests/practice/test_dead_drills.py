"""A drill that was killed could not take away what it had made: the next command of practice does."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.practice import Mirrors, PracticeCluster, folder_of
from gpmedic.practice.dead_drills import forget_dead_drills, temporary_folder
from gpmedic.practice.layout import MARK
from gpmedic.practice.postgres import BASE_VARIABLE, base_folder


def pid_of_the_dead() -> int:
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of registered clusters; temporary files lie beside it, and the clusters' own in a base of their own.

    In the base that all tests share, a drill of another test would take a cluster away that just starts here.
    """
    temporary, registered = tmp_path / "tmp", tmp_path / "clusters"
    temporary.mkdir()
    registered.mkdir()
    base = Path(tempfile.mkdtemp(dir=base_folder()))  # PostgreSQL's user could not reach one below tmp_path
    monkeypatch.setenv(BASE_VARIABLE, str(base))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(registered))
    yield registered
    shutil.rmtree(base)


def left_by(pid: int, clusters: Path) -> list[Path]:
    """What a drill makes: its cluster's folder, its registration, its Prefect server's folder."""
    name = f"drill-{pid}"
    folder, prefect = folder_of(name), Path(tempfile.mkdtemp(prefix=temporary_folder(pid)))
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    (prefect / "prefect.db").touch()
    registered = clusters / f"{name}.toml"
    registered.write_text(f'name = "{name}"\npractice = true\n')
    return [folder, prefect, registered]


def test_what_a_killed_drill_left_is_deleted_and_what_a_living_one_needs_is_not(clusters: Path) -> None:
    dead, living = left_by(pid_of_the_dead(), clusters), left_by(os.getpid(), clusters)
    forget_dead_drills()
    assert not [path for path in dead if path.exists()]
    assert all(path.exists() for path in living)


def test_what_no_drill_has_made_is_left_alone(clusters: Path) -> None:
    pid = pid_of_the_dead()
    real = clusters / f"drill-{pid}.toml"
    others = [clusters / "drill-down.toml", clusters / f"drill-{pid}x.toml", clusters / "practice.toml"]
    real.write_text(f'name = "drill-{pid}"\n')
    for other in others:
        other.write_text("practice = true\n")
    folder = Path(tempfile.mkdtemp(prefix="gpmedic-drill-"))
    forget_dead_drills()
    assert all(path.exists() for path in (real, folder, *others))


def test_a_cluster_that_is_up_keeps_its_registration_though_its_drill_is_gone(clusters: Path) -> None:
    with PracticeCluster(f"drill-{pid_of_the_dead()}", mirrors=Mirrors.NO) as cluster:
        registered = cluster.register()
        forget_dead_drills()
        assert registered.exists()
        assert cluster.facts().segments
    forget_dead_drills()
    assert not registered.exists()
