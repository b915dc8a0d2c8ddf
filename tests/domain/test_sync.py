from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import (
    CONTENTS,
    V6,
    V7,
    V43,
    VERSIONS,
    healthy,
    mirror_down,
    mirrorless,
    resynchronizing,
    without_stream,
)
from gpmedic.cluster import Cluster, Version
from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.gpstate_rows import Resynchronization
from gpmedic.sync import (
    ContentProgress,
    Observation,
    Stall,
    SyncProgress,
    advance,
    check_stall,
    filerep_progress,
    observe_replication,
    regressed,
    synchronized,
    unsynchronized,
)
from gpmedic.wal import wal_position

MB = 1024 * 1024


def after(*observations: Observation) -> SyncProgress:
    progress = None
    for observation in observations:
        progress = advance(progress, observation)
    assert progress is not None
    return progress


def at(seconds: float, *contents: ContentProgress) -> Observation:
    return Observation(seconds, contents)


def left(
    remaining: int | None, position: int | None = None, content: int = 0, state: str = "catchup"
) -> ContentProgress:
    return ContentProgress(content, remaining=remaining, position=position, state=state)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("0/C060000", 0xC060000),
        ("1/0", 1 << 32),
        ("A/ff", (10 << 32) + 255),
        ("1A/10", (26 << 32) + 16),
        ("", None),
        ("0/", None),
        ("x/1", None),
    ],
)
def test_a_wal_position_is_a_number_of_bytes_or_nothing(text: str, position: int | None) -> None:
    assert wal_position(text) == position


def test_the_backlog_of_a_mirror_is_what_was_sent_and_not_replayed() -> None:
    cluster = resynchronizing(healthy(), 2)
    rows = [replace(r, sent="0/5000", replayed="0/4000", state="catchup") for r in cluster.replication or ()]
    observation = observe_replication(replace(cluster, replication=tuple(rows)), 7.0)
    assert observation == Observation(7.0, (ContentProgress(2, 0x1000, None, 0x4000, "catchup"),))


@pytest.mark.parametrize(
    ("sent", "replayed", "remaining"), [("0/4000", "0/5000", 0), (None, "0/1", None), ("0/1", "?", None)]
)
def test_positions_that_make_no_backlog_are_no_bytes_below_zero(
    sent: str, replayed: str, remaining: int | None
) -> None:
    cluster = resynchronizing(healthy(), 2)
    rows = [replace(r, sent=sent, replayed=replayed) for r in cluster.replication or ()]
    assert observe_replication(replace(cluster, replication=tuple(rows)), 0).contents[0].remaining == remaining


def test_a_content_without_a_stream_or_of_4_3_is_named_without_bytes() -> None:
    for cluster in (without_stream(resynchronizing(healthy(), 2), 2), resynchronizing(healthy(V43), 2)):
        assert observe_replication(cluster, 7.0).contents == (ContentProgress(2),)


def test_a_full_copy_is_not_taken_for_a_mirror_that_replays() -> None:
    cluster = resynchronizing(healthy(), 2)
    rows = [replace(r, application_name="pg_basebackup") if r.content == 2 else r for r in cluster.replication or ()]
    assert observe_replication(replace(cluster, replication=tuple(rows)), 0).contents == (ContentProgress(2),)


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_cluster_is_synchronized_when_every_pair_is(version: Version) -> None:
    assert synchronized(healthy(version))
    for cluster in (resynchronizing(healthy(version), 3), mirror_down(healthy(version), 3)):
        assert not synchronized(cluster)
        assert unsynchronized(cluster) == (3,)


def test_a_pair_without_a_stream_is_not_synchronized_whatever_the_catalog_says() -> None:
    assert not synchronized(without_stream(healthy(), 3))
    assert synchronized(without_stream(healthy(), -1))  # the standby is no pair


def test_a_cluster_without_mirrors_has_nothing_to_wait_for() -> None:
    assert synchronized(mirrorless())


def test_rate_percent_and_time_left_follow_from_two_observations() -> None:
    progress = after(at(0, left(100 * MB, 0)), at(10, left(60 * MB, 40 * MB)))
    assert progress.percent == pytest.approx(40)
    assert progress.rate == pytest.approx(4 * MB)
    assert progress.eta == pytest.approx(15)
    assert progress.describe() == "content 0 catching up, 40 %, 60.0 MB to go, 4.0 MB/s, about 15 s left"


def test_the_bytes_of_all_contents_are_added() -> None:
    progress = after(
        at(0, left(6 * MB, content=0), left(4 * MB, content=1)), at(1, left(2 * MB), left(3 * MB, content=1))
    )
    assert (progress.remaining, progress.percent) == (5 * MB, pytest.approx(50))
    assert progress.describe().startswith("contents 0, 1 catching up")


def test_a_backlog_that_grows_has_a_rate_but_no_time_left() -> None:
    progress = after(at(0, left(10 * MB, 0)), at(10, left(20 * MB, 5 * MB)))
    assert progress.rate == pytest.approx(0.5 * MB)
    assert progress.eta is None
    assert progress.percent == pytest.approx(0)


def test_the_rate_follows_a_change_of_speed_without_jumping_to_it() -> None:
    steady = [at(float(n), left(None, n * MB)) for n in range(5)]
    progress = after(*steady, at(5.0, left(None, 14 * MB)))
    assert progress.rate == pytest.approx(0.3 * 10 * MB + 0.7 * MB)


def test_a_position_that_falls_back_is_no_negative_rate() -> None:
    assert after(at(0, left(None, 5 * MB)), at(1, left(None, 0))).rate == 0


def test_the_stall_is_raised_at_its_second_and_not_before() -> None:
    progress = after(at(0, left(5)), at(300, left(5)))
    check_stall(progress, 300.1)
    with pytest.raises(Stall, match="for 5 min 0 s"):
        check_stall(progress, 300)


def test_one_observation_tells_no_rate() -> None:
    progress = after(at(0, left(10 * MB)))
    assert (progress.rate, progress.eta) == (None, None)


def test_two_observations_at_the_same_moment_divide_nothing_by_zero() -> None:
    assert after(at(5, left(10)), at(5, left(5))).rate is None


def test_what_gpstate_of_4_3_tells_of_a_copy_gives_bytes_percent_and_rate() -> None:
    def told(done: int, percent: float) -> ContentProgress:
        row = Resynchronization(RecoveryType.INCREMENTAL, percent, None, None, done, 100 * MB, False, "")
        return filerep_progress(0, row, "Resynchronizing")

    progress = after(at(0, told(40 * MB, 40.0)), at(10, told(60 * MB, 60.0)))
    assert (progress.remaining, progress.percent, progress.rate) == (40 * MB, 60.0, 2 * MB)


def test_what_gpstate_of_4_3_does_not_tell_is_not_made_up() -> None:
    row = Resynchronization(RecoveryType.FULL, 100.0, 752, 0, 501 * MB, None, True, "")  # Sync complete; awaiting ...
    assert filerep_progress(0, row, "Resynchronizing") == ContentProgress(
        0, percent=100.0, position=501 * MB, state="Resynchronizing"
    )


def test_percent_of_4_3_is_the_lowest_that_is_told() -> None:
    contents = (ContentProgress(0, percent=80.0), ContentProgress(1, percent=20.0), ContentProgress(2))
    assert after(at(0, *contents)).percent == 20.0


def test_nothing_told_is_shown_as_nothing_and_not_as_zero() -> None:
    progress = after(at(0, ContentProgress(3)))
    assert (progress.percent, progress.remaining) == (None, None)
    assert progress.describe() == "content 3 catching up"


def test_replayed_to_the_last_byte_still_waits_for_fts() -> None:
    progress = after(at(0, left(10)), at(5, left(0)))
    assert "FTS has yet to mark it" in progress.describe()


def test_the_end_is_told_with_its_duration() -> None:
    progress = after(at(0, left(10)), at(125))
    assert progress.describe() == "synchronized after 2 min 5 s"
    check_stall(progress, 1)


@pytest.mark.parametrize(
    "moving",
    [
        pytest.param(lambda n: left(1000 - n), id="fewer bytes"),
        pytest.param(lambda n: left(None, n), id="a position ahead"),
        pytest.param(lambda n: left(1000 + n, n), id="a position ahead under load"),
        pytest.param(lambda n: ContentProgress(0, percent=n), id="a higher percentage"),
        pytest.param(lambda n: ContentProgress(0, state=f"step {n}"), id="a state never seen"),
    ],
)
def test_whatever_moves_is_no_stall(moving) -> None:  # type: ignore[no-untyped-def]
    progress = after(*(at(100.0 * n, moving(n)) for n in range(10)))
    assert progress.idle == 0
    check_stall(progress, 50)


@pytest.mark.parametrize(
    "still",
    [
        pytest.param(lambda _: left(1000, 5), id="the same"),
        pytest.param(lambda n: left(1000 + n, 5), id="a growing backlog"),
        pytest.param(lambda _: ContentProgress(0), id="nothing told"),
        pytest.param(lambda n: left(1000, 5, state="catchup" if n % 2 else "startup"), id="a flapping mirror"),
        pytest.param(lambda n: left(1000, n % 2), id="the same way again and again"),
    ],
)
def test_no_byte_of_progress_raises_an_alarm_and_never_a_kill(still) -> None:  # type: ignore[no-untyped-def]
    observations = [at(100.0 * n, still(n)) for n in range(10)]
    check_stall(after(*observations[:3]), 300)
    with pytest.raises(Stall, match="nothing was stopped, the wait goes on") as stall:
        check_stall(after(*observations), 300)
    assert "never kill" in stall.value.next_action


def test_a_content_that_is_done_is_progress_for_those_that_stand() -> None:
    progress = after(at(0, left(5), left(5, content=1)), at(200, left(5), left(5, content=1)), at(290, left(5)))
    assert progress.idle == 0


def test_a_content_that_comes_anew_gets_its_full_time() -> None:
    progress = after(at(0, left(5)), at(290, left(5), left(9, content=1)))
    assert progress.idle == 0


TOLD = st.builds(
    ContentProgress,
    st.integers(0, 3),
    remaining=st.none() | st.integers(0, 1 << 50),
    percent=st.none() | st.floats(0, 100),
    position=st.none() | st.integers(0, 1 << 62),
    state=st.sampled_from(["", "catchup", "streaming"]),
)
OBSERVED = st.lists(TOLD, max_size=4, unique_by=lambda c: c.content)
SECONDS = st.just(0.0) | st.floats(1e-9, 1000)  # no clock counts less than a nanosecond


@given(st.lists(st.tuples(SECONDS, OBSERVED), min_size=1, max_size=12))
def test_whatever_is_observed_percent_eta_and_idle_stay_within_reason(told) -> None:  # type: ignore[no-untyped-def]
    progress, clock = None, 0.0
    for seconds, contents in told:
        clock += seconds
        progress = advance(progress, at(clock, *contents))
        assert progress.percent is None or 0 <= progress.percent <= 100
        assert progress.eta is None or progress.eta >= 0
        assert progress.rate is None or progress.rate > float("-inf")
        assert 0 <= progress.idle <= progress.elapsed
        assert progress.describe().isprintable()


def test_a_replication_view_that_cannot_be_read_proves_nothing_and_is_waited_for() -> None:
    """It fails as a whole while a primary is dead, and the catalog may go on saying that all is well (T5)."""
    blind = replace(healthy(), replication=None)
    assert not synchronized(blind)
    assert unsynchronized(blind) == ()
    assert [c.content for c in observe_replication(blind, 0).contents] == [0, 1, 2, 3, 4, 5]
    assert synchronized(healthy(V43))  # there is no such view


def test_a_pair_without_a_stream_is_told_as_what_is_waited_for() -> None:
    seen = advance(None, observe_replication(without_stream(healthy(), 3), 0))
    assert "content 3 catching up" in seen.describe()


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), st.sampled_from(VERSIONS))
def test_exactly_the_contents_that_lack_are_waited_for(down: set[int], behind: set[int], version: Version) -> None:
    cluster: Cluster = resynchronizing(mirror_down(healthy(version), *down), *(behind - down))
    assert unsynchronized(cluster) == tuple(sorted(down | behind))
    assert {c.content for c in observe_replication(cluster, 0).contents} == down | behind


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_a_content_regresses_when_its_stream_its_mirror_or_its_equality_is_gone(version: Version) -> None:
    well, catching_up = healthy(version), resynchronizing(healthy(version), 2)
    assert regressed(catching_up, catching_up) == ()
    assert regressed(catching_up, well) == ()
    assert regressed(well, catching_up) == (2,)
    assert regressed(catching_up, without_stream(catching_up, 2)) == (2,)
    assert regressed(catching_up, mirror_down(catching_up, 2)) == (2,)
    assert set(regressed(catching_up, replace(catching_up, replication=None))) == set(CONTENTS)
    assert regressed(well, without_stream(well, -1)) == (), "the standby is another matter"
