"""The questions of `gpmedic recover`, answered by a person at a real terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpmedic.cluster import Mode, Status
from gpmedic.practice import Facts, Fault, PracticeCluster
from tests.cli.terminal import IN_A_TERMINAL, read_until
from tests.people import by_hand

MIRROR = 8  # of content 0
DO_IT, WHY_NOT = b" [y/N]: ", b" for no reason): "
A_WHILE = 60.0  # some seconds on an idle machine


def recover(
    clusters: Path, prefect_server: str, *answers: tuple[bytes, bytes | Callable[[], bytes]]
) -> tuple[int, str]:
    """Exit code and screen of a recovery at which a person waits for these words, and types (or does) what follows."""
    ours, its = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, "recover"],
        env={
            **os.environ,
            "GPMEDIC_CLUSTERS": str(clusters),
            "PREFECT_API_URL": prefect_server,
            "TERM": "dumb",
            "COLUMNS": "400",
        },
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    shown = b""
    try:
        for words, answer in answers:
            shown += read_until(ours, words, A_WHILE)
            os.write(ours, answer if isinstance(answer, bytes) else answer())
        shown += read_until(ours, b"no such words", A_WHILE)
        return run.wait(A_WHILE), shown.decode()
    finally:
        run.kill()
        run.wait()
        os.close(ours)


def rows(facts: Facts) -> list[object]:
    return [(s.dbid, s.role, s.mode, s.status, s.pid) for s in facts.segments]


@pytest.fixture
def before(cluster: PracticeCluster) -> Iterator[Facts]:
    """A mirror is down, which a person recovers by hand where the test does not."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    yield cluster.wait_until(lambda facts: facts.segment(MIRROR).status is Status.DOWN)
    if cluster.facts().segment(MIRROR).status is Status.DOWN:
        by_hand(cluster, "gprecoverseg", "-a")
        cluster.wait_until(in_sync)


def in_sync(facts: Facts) -> bool:
    return all(s.mode is Mode.SYNCHRONIZED for s in facts.data_segments)


def test_no_leaves_the_cluster_as_it_is_with_its_reason(
    clusters: Path, cluster: PracticeCluster, before: Facts, prefect_server: str
) -> None:
    code, shown = recover(clusters, prefect_server, (DO_IT, b"n\n"), (WHY_NOT, b"the backup still runs\n"))
    last = shown.strip().splitlines()[-1]
    assert code == 2, shown
    assert last.startswith("gpmedic: ")
    assert "the backup still runs" in last
    assert " Next: " in last
    assert "Traceback" not in shown
    assert rows(cluster.facts()) == rows(before)


def primary_fails_over(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(lambda facts: facts.segment(4).status is Status.DOWN)


@pytest.mark.chaos
@pytest.mark.usefixtures("before")
def test_a_no_after_a_step_that_has_run_shows_what_was_done(
    clusters: Path, cluster: PracticeCluster, prefect_server: str
) -> None:
    primary_fails_over(cluster)
    answers = ((DO_IT, b"y\n"), (DO_IT, b"n\n"), (WHY_NOT, b"office hours\n"))
    code, shown = recover(clusters, prefect_server, *answers)
    assert code == 2, shown
    assert " approved " in shown
    assert "Time line" in shown
    assert "said no to rebalance (office hours)" in shown.strip().splitlines()[-1]
    code, shown = recover(clusters, prefect_server, (DO_IT, b"y\n"))
    assert code == 0, shown


@pytest.mark.chaos
@pytest.mark.usefixtures("before")
def test_yes_recovers_the_cluster(clusters: Path, cluster: PracticeCluster, prefect_server: str) -> None:
    code, shown = recover(clusters, prefect_server, (DO_IT, b"y\n"))
    assert code == 0, shown
    assert "recovered and proven healthy" in shown
    after = cluster.facts()
    assert after.segment(MIRROR).status is Status.UP
    assert in_sync(after)


@pytest.mark.usefixtures("before")
def test_what_is_answered_elsewhere_frees_the_terminal_for_the_next_question(
    clusters: Path, cluster: PracticeCluster, prefect_server: str
) -> None:
    primary_fails_over(cluster)

    def from_another_terminal() -> bytes:
        done = subprocess.run(
            [sys.executable, "-c", "from gpmedic.cli import main; main()", "approve", "--yes"],
            env={**os.environ, "GPMEDIC_CLUSTERS": str(clusters), "PREFECT_API_URL": prefect_server},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return b""

    code, shown = recover(clusters, prefect_server, (DO_IT, from_another_terminal), (DO_IT, b"y\n"))
    assert code == 0, shown
    assert shown.count("Do it?") == 2
    assert "waits for no answer any more" in shown
