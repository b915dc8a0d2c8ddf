"""A segment that fails again soon: read from the words of recorded clusters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.clusters import healthy as cluster
from gpmedic.check import Verdict
from gpmedic.full_copy import ACTIONS
from gpmedic.repeated_failures import COUNTED, failures, judge_repeated
from gpmedic.settings import PolicySettings, RepeatedFailure
from gpmedic.steps import Action, Disruption, Step

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def wal(status: str, dbid: int = 4) -> str:
    return f"FTS: update role, status, and mode for dbid {dbid} with contentid 2 to m, {status}, and n"


def test_each_time_that_a_segment_of_6_went_down_is_a_failure() -> None:
    history = [(at(1), 4, wal("d")), (at(5), 4, wal("u")), (at(9), 4, wal("d")), (at(9), 10, wal("u", 10))]
    assert failures(history) == {4: (at(1), at(9))}


def test_a_line_that_repeats_that_it_is_down_is_no_second_failure() -> None:
    assert failures([(at(1), 4, wal("d")), (at(2), 4, wal("d"))]) == {4: (at(1),)}


def test_what_4_3_writes_is_understood() -> None:
    history = [
        (at(1), 2, "FTS: content 0 fault marking status DOWN role m"),
        (at(1), 5, "FTS: content 0 fault marking status UP mode: change-tracking role p"),
        (at(3), 2, "gprecoverseg: segment resync marking mirrors up and primaries resync: segment mode and status"),
        (at(4), 2, "FTS: changed segment to insync from resync."),
        (at(8), 2, "FTS: content 0 fault marking status DOWN role m"),
    ]
    assert failures(history) == {2: (at(1), at(8))}


def step(action: Action, dbids: tuple[int, ...] = (4,), contents: tuple[int, ...] = (2,)) -> Step:
    return Step(action, (), dbids, contents, "", Disruption.CHANGES)


@pytest.mark.parametrize("action", [Action.RECOVER, *ACTIONS.values()])
@pytest.mark.parametrize(
    ("policy", "verdict"), [(RepeatedFailure.STOP, Verdict.FAIL), (RepeatedFailure.ASK, Verdict.WARN)]
)
def test_a_repeated_failure_stops_until_a_person_takes_it_on(
    policy: RepeatedFailure, verdict: Verdict, action: Action
) -> None:
    checks = list(judge_repeated(step(action), cluster(), {4: (at(1), at(9))}, PolicySettings(repeated_failure=policy)))
    assert [(c.verdict, c.detail) for c in checks] == [
        (verdict, "it was marked down 2 times within 60 min (at 03:01:00, 03:09:00)")
    ]


def test_one_failure_is_nothing_special() -> None:
    assert list(judge_repeated(step(Action.RECOVER), cluster(), {4: (at(1),)}, PolicySettings())) == []


def test_a_restart_is_stopped_by_a_repeated_failure_of_the_contents_that_it_is_for_and_of_no_other() -> None:
    everything = tuple(s.dbid for s in cluster().segments)
    restart = step(Action.RESTART, everything, contents=(2,))
    twice = {dbid: (at(1), at(9)) for dbid in (4, 10, 5)}  # 4 and 10 are content 2, 5 is content 3
    checks = list(judge_repeated(restart, cluster(), twice, PolicySettings()))
    assert [(c.target.split(" ")[1], c.verdict) for c in checks] == [("4", Verdict.FAIL), ("10", Verdict.FAIL)]


def test_a_move_away_from_a_host_that_fails_again_and_again_is_warned_of_and_not_stopped() -> None:
    checks = judge_repeated(step(Action.MOVE_TO_SPARE), cluster(), {4: (at(1), at(9))}, PolicySettings())
    assert [c.verdict for c in checks] == [Verdict.WARN]


def test_a_copy_over_a_mirror_whose_log_tells_why_it_went_down_again_is_warned_of_and_not_stopped() -> None:
    known = replace(step(Action.RECOVER_FULL), stops=(4,))
    checks = judge_repeated(known, cluster(), {4: (at(1), at(9))}, PolicySettings())
    assert [c.verdict for c in checks] == [Verdict.WARN]


@pytest.mark.parametrize("action", sorted(set(Action) - COUNTED))
def test_a_step_that_answers_no_failure_is_not_stopped_by_one(action: Action) -> None:
    assert list(judge_repeated(step(action), cluster(), {4: (at(1), at(9))}, PolicySettings())) == []
