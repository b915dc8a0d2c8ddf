"""Practice clusters for the tests: real ones, each under a name of its own, so that tests may run side by side."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpmedic.access.environment import prelude
from gpmedic.cluster import Mode, Status
from gpmedic.practice import PracticeCluster
from gpmedic.practice.facts import Facts


def unique_name() -> str:
    return f"t{os.getpid()}-{uuid.uuid4().hex[:8]}"


@dataclass
class Host:
    """A shell on a host of the lab, as its sshd would give it: the same environment and PATH."""

    cluster: PracticeCluster
    name: str = "mdw"

    def run(self, script: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        folder = self.cluster.folder
        environment = {
            "USER": "gpadmin",
            "HOME": str(folder / "hosts" / self.name),
            "PATH": f"{folder}/greenplum/bin:{folder}/system/bin:/usr/bin:/bin",
            "GPMEDIC_PRACTICE_HOST": self.name,
            "GPMEDIC_PRACTICE_CLUSTER": str(folder),
        }
        return subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=folder / "hosts" / self.name,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sql(self, statement: str) -> list[str]:
        done = self.run("psql -X -A -t -v ON_ERROR_STOP=1 -d postgres -f -", stdin=statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def six(healthy_six: PracticeCluster) -> PracticeCluster:
    return healthy_six


@pytest.fixture(scope="module")
def mdw(six: PracticeCluster) -> Host:
    return Host(six)


@pytest.fixture
def start() -> Iterator[Callable[..., PracticeCluster]]:
    """Starts clusters that are the test's own; arguments as PracticeCluster's after the name."""
    started: list[PracticeCluster] = []

    def begin(*arguments: str, **options: object) -> PracticeCluster:
        cluster = PracticeCluster(unique_name(), *arguments, **options)  # type: ignore[arg-type]
        started.append(cluster)
        return cluster.up()

    yield begin
    for cluster in started:
        cluster.down()


def data_directory(cluster: PracticeCluster, dbid: int) -> Path:
    return Path(cluster.facts().segment(dbid).datadir)


def run(cluster: PracticeCluster, command: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    settings = cluster.settings
    before = prelude(settings.greenplum, settings.database.port)
    return Host(cluster).run(f"{before}{command}", stdin)


def healthy(facts: Facts) -> bool:
    return all(
        s.status is Status.UP and s.mode is Mode.SYNCHRONIZED and s.in_preferred_role for s in facts.data_segments
    )


def down(dbid: int) -> Callable[[Facts], bool]:
    return lambda facts: facts.segment(dbid).status is Status.DOWN


def in_sync(facts: Facts) -> bool:
    return all(s.status is Status.UP and s.mode is Mode.SYNCHRONIZED for s in facts.data_segments)
