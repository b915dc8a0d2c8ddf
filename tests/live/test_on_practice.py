"""The live tests themselves, on a practice cluster that is described as a live one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.errors import Refused
from gpmedic.practice import PracticeCluster
from tests.live import test_live as scenarios
from tests.live.live_cluster import load

KILL = 'kill = "ssh {host} kill -9 $(ssh {host} head -1 {datadir}/postmaster.pid)"'


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"live-{os.getpid()}", "6") as cluster:
        yield cluster


def test_a_file_that_does_not_say_expendable_is_refused(practice: PracticeCluster, tmp_path: Path) -> None:
    file = described(practice, tmp_path, "")
    with pytest.raises(Refused, match="expendable = true"):
        load(file)


@pytest.mark.chaos
def test_a_mirror_is_killed_and_recovered_as_on_a_real_cluster(
    practice: PracticeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str
) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    practice.register()
    live = load(described(practice, tmp_path, "expendable = true\n"))
    live.write_rows(100)
    scenarios.test_a_mirror_that_was_killed_is_recovered(live)
    live.drop_rows()


def described(practice: PracticeCluster, folder: Path, head: str) -> Path:
    settings = (practice.folder / "cluster.toml").read_text().replace("[", "[cluster.")
    text = f"{head}content = 2\n\n[faults]\n{KILL}\n\n[cluster]\n{settings}"
    file = folder / "live.toml.example"
    file.write_text(text)
    return file
