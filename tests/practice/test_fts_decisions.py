import pytest

from gpmedic.cluster import Generation, Mode, Role, Status
from gpmedic.practice.facts import Answer
from gpmedic.practice.fts import Decision, Seen, Stream, changes, decide, description
from gpmedic.practice.layout import Row

FILEREP, WAL = Generation.FILEREP, Generation.WAL
S, N, C, R = Mode.SYNCHRONIZED, Mode.NOT_IN_SYNC, Mode.CHANGE_TRACKING, Mode.RESYNCHRONIZING


def _row(dbid: int, role: Role, mode: Mode, status: Status = Status.UP) -> Row:
    return Row(dbid, 2, role, role, mode, status, 6000, "sdw1", "sdw1", "/data")


def _pair(mode: Mode, mirror_mode: Mode, mirror_status: Status = Status.UP) -> tuple[Row, Row]:
    return _row(4, Role.PRIMARY, mode), _row(10, Role.MIRROR, mirror_mode, mirror_status)


UP, DOWN = Status.UP, Status.DOWN
HEALTHY = Seen(Answer.ACCEPTS, Stream.STREAMING)
LOST = Seen(Answer.ACCEPTS, Stream.NONE)
DEAD = Seen(Answer.REFUSED)
BOTH_DEAD = Seen(Answer.REFUSED, mirror=Answer.REFUSED)


@pytest.mark.parametrize(
    ("generation", "pair", "seen", "expected"),
    [
        (WAL, _pair(S, S), HEALTHY, Decision.NOTHING),
        (WAL, _pair(S, S), DEAD, Decision.PROMOTE),
        (WAL, _pair(S, S), BOTH_DEAD, Decision.PROMOTE),  # recorded: the catalog fails over to a dead mirror
        (WAL, _pair(N, N, DOWN), DEAD, Decision.DOUBLE_FAULT),
        (WAL, _pair(N, N), DEAD, Decision.DOUBLE_FAULT),  # a mirror that is catching up lacks data
        (WAL, _pair(S, S), LOST, Decision.MIRROR_DOWN),
        (WAL, _pair(N, N, DOWN), LOST, Decision.NOTHING),
        (WAL, _pair(N, N, DOWN), HEALTHY, Decision.MIRROR_UP),
        (WAL, _pair(N, N), HEALTHY, Decision.IN_SYNC),
        (WAL, _pair(N, N), Seen(Answer.ACCEPTS, Stream.CATCHING_UP), Decision.NOTHING),
        (WAL, _pair(S, S), Seen(Answer.ACCEPTS, Stream.UNSURE), Decision.NOTHING),
        (WAL, _pair(S, S), Seen(Answer.STARTING), Decision.NOTHING),
        (WAL, _pair(N, N, DOWN), Seen(Answer.RECOVERS), Decision.FINISH_PROMOTION),
        (FILEREP, _pair(S, S), DEAD, Decision.PROMOTE),
        (FILEREP, _pair(S, S), BOTH_DEAD, Decision.DOUBLE_FAULT),
        (FILEREP, _pair(C, S, DOWN), DEAD, Decision.DOUBLE_FAULT),
        (FILEREP, _pair(S, S), LOST, Decision.MIRROR_DOWN),
        (FILEREP, _pair(C, S, DOWN), HEALTHY, Decision.NOTHING),  # only gprecoverseg begins a resynchronization
        (FILEREP, _pair(R, R), HEALTHY, Decision.IN_SYNC),
        (FILEREP, _pair(R, R), LOST, Decision.MIRROR_DOWN),
    ],
)
def test_fts_decides_as_greenplum(
    generation: Generation, pair: tuple[Row, Row], seen: Seen, expected: Decision
) -> None:
    assert decide(generation, *pair, seen) is expected


@pytest.mark.parametrize("seen", [DEAD, LOST, HEALTHY])
@pytest.mark.parametrize("generation", list(Generation))
def test_a_primary_without_a_mirror_is_never_marked(generation: Generation, seen: Seen) -> None:
    assert decide(generation, _row(4, Role.PRIMARY, N), None, seen) is Decision.NOTHING


def test_a_failover_of_6_is_told_as_recorded() -> None:
    pair = _pair(S, S)
    made = changes(WAL, Decision.PROMOTE, *pair)
    assert [description(WAL, Decision.PROMOTE, 2, change) for change in made] == [
        "FTS: update role, status, and mode for dbid 4 with contentid 2 to m, d, and n",
        "FTS: update role, status, and mode for dbid 10 with contentid 2 to p, u, and n",
    ]


def test_a_failover_of_4_3_is_told_as_recorded_and_leaves_the_mode_of_the_lost_segment() -> None:
    made = changes(FILEREP, Decision.PROMOTE, *_pair(S, S))
    assert "mode" not in made[0]
    assert [description(FILEREP, Decision.PROMOTE, 2, change) for change in made] == [
        "FTS: content 2 fault marking status DOWN role m",
        "FTS: content 2 fault marking status UP mode: change-tracking role p",
    ]


def test_the_end_of_a_resynchronization_of_4_3_is_told_as_recorded() -> None:
    made = changes(FILEREP, Decision.IN_SYNC, *_pair(R, R))
    assert {description(FILEREP, Decision.IN_SYNC, 2, change) for change in made} == {
        "FTS: changed segment to insync from resync."
    }
