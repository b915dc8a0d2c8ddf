"""gprecoverseg -p and -i on real servers: where they put segments, and what they do there without asking."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from gpmedic.gprecoverseg_reading import parse
from gpmedic.gprecoverseg_report import Outcome
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.layout import LOOPBACK
from tests.practice.conftest import down, healthy, in_sync, run, unique_name


@pytest.fixture(scope="module")
def cluster() -> Iterator[PracticeCluster]:
    """Every test leaves its mirrors where it found them."""
    with PracticeCluster(unique_name(), "6") as made:
        yield made


def place(segment: SegmentFacts) -> str:
    return f"{segment.address}|{segment.port}|{segment.datadir}"


def spare_place(cluster: PracticeCluster, segment: SegmentFacts, port: int) -> str:
    return f"sdw4|{port}|{cluster.folder}/hosts/sdw4/data/mirror/gpseg{segment.content}"


def move(cluster: PracticeCluster, old: str, new: str) -> tuple[int, str]:
    """What -i says of one line, and its exit code."""
    done = run(cluster, f"echo '{old} {new}' >~/move.cfg; gprecoverseg -i ~/move.cfg -a")
    return done.returncode, done.stdout


def other_port(facts: Facts) -> int:
    return max(s.port for s in facts.segments) + 1


@contextmanager
def a_stranger_listens() -> Iterator[int]:
    """On a port that the operating system chose."""
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        yield stranger.getsockname()[1]


def test_p_gives_failed_hosts_to_new_ones_by_name_and_ports_anew(cluster: PracticeCluster) -> None:
    """T9: whoever names the hosts in the order in which they were lost gets another one."""
    for content, dbid in ((0, 8), (4, 12)):  # first one of sdw2, then one of sdw1
        cluster.break_(Fault.KILL_MIRROR, content=content)
        cluster.wait_until(down(dbid))
    told = run(cluster, "gprecoverseg -p sdw4,sdw3 -o ~/places.cfg >/dev/null && cat ~/places.cfg").stdout
    moves = {failed: new.split("|") for failed, new in (line.split() for line in told.splitlines() if line[0] != "#")}
    facts = cluster.facts()
    first, second = (moves[place(facts.segment(dbid))] for dbid in (12, 8))
    assert (first[0], second[0]) == ("sdw4", "sdw3"), "sdw1 comes before sdw2"
    taken = {s.port for s in facts.segments}
    assert int(first[1]) == next(port for port in count(min(s.port for s in facts.data_segments)) if port not in taken)
    assert int(second[1]) > int(first[1])
    assert run(cluster, "gprecoverseg -a").returncode == 0
    cluster.wait_until(healthy)


@pytest.mark.chaos
def test_p_puts_a_mirror_beside_its_primary_and_i_takes_a_healthy_one_into_a_directory_that_is_not_empty(
    cluster: PracticeCluster,
) -> None:
    """T20: with a warning and code 0. T21: without a word."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    before = cluster.wait_until(down(8)).segment(8)
    kept = Path(before.datadir) / "somebody's file"
    kept.touch()
    done = run(cluster, "gprecoverseg -p sdw1 -a")
    assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.RECOVERED), done.stdout
    assert "[WARNING]:-Segment is being recovered to the same host as its primary: primary sdw1:" in done.stdout
    beside = cluster.wait_until(in_sync).segment(8)
    assert (beside.hostname, cluster.facts().segment(2).hostname) == ("sdw1", "sdw1")

    assert kept.exists(), "what lay in the old place lies there still"
    code, said = move(cluster, place(beside), place(before))
    assert code == 0, said
    assert f"[INFO]:-{beside.pid}: {beside.datadir}\n" in said, "it ran, and is stopped"
    assert "not empty" not in said
    assert not kept.exists(), "and is written over"
    facts = cluster.wait_until(healthy)
    assert place(facts.segment(8)) == place(before)


@pytest.mark.chaos
def test_after_a_failed_copy_the_catalog_shows_the_old_place_and_after_a_failed_start_the_new_one(
    cluster: PracticeCluster,
) -> None:
    """T21: of both it says the same, that it failed, with code 1."""
    cluster.break_(Fault.KILL_MIRROR, content=5)
    before = cluster.wait_until(down(13)).segment(13)

    cluster.break_(Fault.DISK_FULL, host="sdw4")
    code, said = move(cluster, place(before), spare_place(cluster, before, other_port(cluster.facts())))
    cluster.heal(Fault.DISK_FULL, host="sdw4")
    assert (code, parse(said).outcome) == (1, Outcome.SOME_FAILED), said
    assert "Failed to recover the following segments" in said
    assert place(cluster.facts().segment(13)) == place(before)

    with a_stranger_listens() as port:
        new = spare_place(cluster, before, port)
        code, said = move(cluster, place(before), new)
    assert (code, parse(said).outcome) == (1, Outcome.SOME_FAILED), said
    assert "Failed to start the following segments" in said
    assert place(cluster.facts().segment(13)) == new

    assert run(cluster, "gprecoverseg -a").returncode == 0, "which starts it where it is now"
    cluster.wait_until(healthy)
    assert move(cluster, new, place(before))[0] == 0
    cluster.wait_until(healthy)


@pytest.mark.chaos
def test_the_same_group_twice_is_a_full_copy_over_the_data_in_place(cluster: PracticeCluster) -> None:
    """T8: where one group is an incremental recovery, which leaves a stranger's file alone."""
    mark = Path(cluster.facts().segment(9).datadir) / "somebody's file"
    for groups, survives in ((1, True), (2, False)):
        cluster.break_(Fault.KILL_MIRROR, content=1)
        where = place(cluster.wait_until(down(9)).segment(9))
        mark.touch()
        code, said = move(cluster, where, where if groups == 2 else "")
        assert code == 0, said
        assert mark.exists() is survives
        cluster.wait_until(healthy)
