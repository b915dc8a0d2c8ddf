"""The command line as a person runs it: a process of its own, on a practice cluster."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpmedic.practice import PracticeCluster
from tests.access.conftest import lab, server
from tests.cli import forked

__all__ = ["lab", "server"]


@pytest.fixture(scope="module")
def cluster(healthy_six: PracticeCluster) -> PracticeCluster:
    return healthy_six


@pytest.fixture
def clusters(tmp_path: Path, cluster: PracticeCluster) -> Path:
    """A folder of clusters in which just the practice cluster is registered, as `practice`."""
    folder = tmp_path / "clusters"
    folder.mkdir()
    settings = (cluster.folder / "cluster.toml").read_text()
    (folder / "practice.toml").write_text(settings.replace(f'name = "{cluster.name}"', 'name = "practice"', 1))
    return folder


class Cli:
    """Runs `gpmedic ARGUMENTS` as a person does; without a terminal, as in a pipe."""

    def __init__(self, clusters: Path, prefect_server: str | None = None) -> None:
        self.clusters = clusters
        self._prefect = {"PREFECT_API_URL": prefect_server} if prefect_server else {}

    def __call__(self, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", "from gpmedic.cli import main; main()", *arguments],
            env={**os.environ, **self._prefect, "GPMEDIC_CLUSTERS": str(self.clusters)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


class ForkedCli(Cli):
    """The same for a command that runs no flow, for a small part of the cost; see `tests.cli.forked`."""

    def __call__(self, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        return forked.run(arguments, {**os.environ, "GPMEDIC_CLUSTERS": str(self.clusters)}, timeout)


@pytest.fixture
def gpmedic(clusters: Path) -> Cli:
    return ForkedCli(clusters)
