"""`gpmedic practice scale`: a catalog of any size to look at, and nothing left of it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.access.facts import gather
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.practice import PracticeError, folder_of
from gpmedic.practice.processes import of_cluster
from gpmedic.practice.scale import scale_cluster
from gpmedic.settings import load_cluster
from tests.practice.conftest import unique_name


@pytest.fixture
def scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    name = unique_name()
    program = str(Path(sys.executable).parent / "gpmedic")
    command = [program, "practice", "scale", name, "--segments", "40", "--hosts", "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert "40 segments in the catalog, 5 hosts" in process.stdout.readline()
        yield name, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_is_looked_at_like_any_cluster_until_it_is_ended(scale: tuple[str, "subprocess.Popen[str]"]) -> None:
    name, process = scale
    settings = load_cluster(name)
    assert settings.practice
    seen = observe(settings)
    assert seen.diagnosis.healthy
    assert len(seen.cluster.segments) == 41
    with Shell.connect(settings.ssh) as shell:
        facts = gather(settings, shell, seen.cluster)
    assert [f.host for f in facts if f.reachable] == ["mdw", *(f"sdw{n}" for n in range(1, 6))]
    with pytest.raises(PracticeError, match=f"runs in .*{name} already"), scale_cluster(name=name):
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not of_cluster(folder_of(name))
    assert not folder_of(name).exists()
    assert list(Path(os.environ["GPMEDIC_CLUSTERS"]).iterdir()) == []


def test_killed_it_leaves_no_process_and_its_name_is_free(scale: tuple[str, "subprocess.Popen[str]"]) -> None:
    name, process = scale
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while of_cluster(folder_of(name)):
        assert time.monotonic() < deadline, "a server lives on"
        time.sleep(0.1)
    with scale_cluster(name=name) as again:
        assert again.folder == folder_of(name)
    assert not folder_of(name).exists()
