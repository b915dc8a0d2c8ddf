"""A pair fails over, is recovered and in sync again, and no row is lost: on real servers of every generation."""

from collections.abc import Callable, Iterator

import pytest

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice import Fault, Mirrors, PracticeCluster
from gpmedic.practice.control import Verb
from gpmedic.practice.facts import Answer, Facts
from tests.practice.conftest import unique_name

Start = Callable[..., PracticeCluster]


@pytest.fixture(scope="module")
def like6() -> Iterator[PracticeCluster]:
    """Shared by tests that each break another content."""
    with PracticeCluster(unique_name(), "6") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def like43() -> Iterator[PracticeCluster]:
    with PracticeCluster(unique_name(), "4.3") as cluster:
        yield cluster


def _in_sync(content: int) -> Callable[[Facts], bool]:
    def holds(facts: Facts) -> bool:
        pair = [s for s in facts.segments if s.content == content]
        return all(s.mode is Mode.SYNCHRONIZED and s.status is Status.UP for s in pair)

    return holds


def _fail_over(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(lambda f: f.segment(10).role is Role.PRIMARY and f.segment(10).answer is Answer.ACCEPTS)


@pytest.mark.parametrize("generation", ["6", pytest.param("7", marks=pytest.mark.chaos)])
def test_a_killed_primary_is_failed_over_and_recovered_without_losing_a_row(start: Start, generation: str) -> None:
    cluster = start(generation)
    cluster.write_rows(30)
    with cluster.writing_rows() as written:
        _fail_over(cluster)
        lost = cluster.facts().segment(4)
        assert (lost.role, lost.mode, lost.status) == (Role.MIRROR, Mode.NOT_IN_SYNC, Status.DOWN)
        assert "Done!" in cluster.control.call(Verb.REWIND, dbid=4)["output"]
        cluster.control.call(Verb.START_SEGMENT, dbid=4)
        facts = cluster.wait_until(_in_sync(2))
    assert written.rows > 0
    assert cluster.count_rows() == 30 + written.rows
    assert any(r.content == 2 and r.state == "streaming" for r in facts.replication)


@pytest.mark.chaos
def test_a_rebalance_by_hand_puts_every_role_back(like6: PracticeCluster) -> None:
    cluster = like6
    cluster.break_(Fault.KILL_PRIMARY, content=3)
    cluster.wait_until(lambda f: f.segment(11).role is Role.PRIMARY)
    for failed, other in ((5, 11), (11, 5)):
        cluster.control.call(Verb.STOP_SEGMENT, dbid=failed)
        cluster.wait_until(lambda f, d=other: f.segment(d).answer is Answer.ACCEPTS)  # type: ignore[misc]
        cluster.control.call(Verb.REWIND, dbid=failed)
        cluster.control.call(Verb.START_SEGMENT, dbid=failed)
        cluster.wait_until(_in_sync(3))
    assert all(s.in_preferred_role for s in cluster.facts().data_segments if s.content == 3)


def test_4_3_tracks_changes_and_shows_a_resynchronization(like43: PracticeCluster) -> None:
    cluster = like43
    cluster.break_(Fault.KILL_MIRROR, content=0)
    facts = cluster.wait_until(lambda f: f.segment(8).status is Status.DOWN)
    assert facts.segment(2).mode is Mode.CHANGE_TRACKING
    cluster.write_rows(60)
    facts = cluster.wait_until(lambda f: (f.segment(2).change_tracking_bytes or 0) > 0)
    cluster.control.call(Verb.START_SEGMENT, dbid=8)
    rows = [{"dbid": dbid, "mode": "r", "status": "u"} for dbid in (2, 8)]
    cluster.control.call(Verb.SET_ROWS, rows=rows, description="test")
    cluster.control.call(Verb.RESYNC, content=0, kind="incremental")
    facts = cluster.wait_until(lambda f: f.segment(8).copying is not None and f.segment(8).copying.done > 0)
    assert facts.segment(2).mode is Mode.RESYNCHRONIZING
    facts = cluster.wait_until(_in_sync(0))
    assert facts.segment(8).copying is None
    assert cluster.count_rows() == 60


def test_a_double_fault_of_6_leaves_the_acting_primary_up_and_is_only_logged(like6: PracticeCluster) -> None:
    cluster = like6
    cluster.break_(Fault.KILL_BOTH, content=1)
    cluster.wait_until(lambda f: f.segment(3).status is Status.DOWN)
    cluster.control.call(Verb.FTS_PROBE)
    facts = cluster.facts()
    assert (facts.segment(9).role, facts.segment(9).status) == (Role.PRIMARY, Status.UP)
    assert facts.segment(9).answer is Answer.REFUSED
    log = next((cluster.folder / "hosts" / "mdw").glob("data/master/*/pg_log/gpdb.csv")).read_text()
    assert log.count("FTS: double fault detected (content=1)") == 1


def test_a_double_fault_of_4_3_is_not_in_the_catalog_at_all(like43: PracticeCluster) -> None:
    cluster = like43
    cluster.break_(Fault.KILL_BOTH, content=1)
    cluster.control.call(Verb.FTS_PROBE)
    pair = [s for s in cluster.facts().segments if s.content == 1]
    assert {(s.mode, s.status, s.in_preferred_role) for s in pair} == {(Mode.SYNCHRONIZED, Status.UP, True)}
    assert {s.answer for s in pair} == {Answer.REFUSED}
    cluster.heal(Fault.KILL_BOTH, content=1)
    assert {s.answer for s in cluster.facts().segments if s.content == 1} == {Answer.ACCEPTS, Answer.RECOVERS}


def test_a_cluster_without_mirrors_never_marks_a_primary_down(start: Start) -> None:
    cluster = start("6", mirrors=Mirrors.NO)
    cluster.break_(Fault.KILL_PRIMARY, content=0)
    cluster.control.call(Verb.FTS_PROBE)
    facts = cluster.facts()
    assert not facts.mirrored
    assert (facts.segment(2).status, facts.segment(2).answer) == (Status.UP, Answer.REFUSED)
