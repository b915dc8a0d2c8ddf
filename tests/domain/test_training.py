"""What a trainee's answers are worth: by a table, and never more than what matches."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import failed_over, healthy, probes
from gpmedic.capabilities import Capabilities
from gpmedic.diagnosis import diagnose
from gpmedic.errors import AccessRefused
from gpmedic.plan import make_plan
from gpmedic.settings import PolicySettings
from gpmedic.steps import Action
from gpmedic.training import WHY, Answer, Verdict, parse_answers, same_command, score

CLUSTER = failed_over(healthy(), 0)
PLAN = make_plan(diagnose(CLUSTER, probes(CLUSTER)), Capabilities(CLUSTER.version), PolicySettings()).steps
RECOVER, WAIT, REBALANCE, VERIFY = (
    Answer(Action.RECOVER, "gprecoverseg -a"),
    Answer(Action.WAIT_FOR_SYNC),
    Answer(Action.REBALANCE, "gprecoverseg -ra"),
    Answer(Action.VERIFY),
)
RIGHT = (RECOVER, WAIT, REBALANCE, WAIT, VERIFY)
M, C, O, X, N, H = (  # noqa: E741 (a row below is read at a glance)
    Verdict.MATCHED,
    Verdict.OTHER_COMMAND,
    Verdict.OUT_OF_ORDER,
    Verdict.MISSED,
    Verdict.NEEDLESS,
    Verdict.HARMFUL,
)

# What is answered to a failed-over primary (recover, wait, rebalance, wait, verify), and what becomes of it.
ANSWERED = {
    "everything": (RIGHT, (M, M, M, M, M), 10),
    "nothing": ((), (X, X, X, X, X), 0),
    "no wait before the rebalance": ((RECOVER, REBALANCE, WAIT, VERIFY), (M, X, M, M, M), 8),
    "the rebalance first": ((REBALANCE, RECOVER, WAIT, VERIFY), (O, X, M, M, M), 7),
    "a full copy at once": (
        (Answer(Action.RECOVER, "gprecoverseg -aF"), WAIT, REBALANCE, WAIT, VERIFY),
        (X, M, M, M, M, H),
        6,
    ),
    "another command": ((Answer(Action.RECOVER, "gprecoverseg"), *RIGHT[1:]), (C, M, M, M, M), 9),
    "a full copy besides": ((*RIGHT, Answer(Action.RECOVER_FULL, "gprecoverseg -aF")), (M, M, M, M, M, H), 8),
    "one look too many": ((*RIGHT, VERIFY), (M, M, M, M, M, N), 10),
    "only harm": ((Answer(Action.RESTART, "gpstop -ar"),), (X, X, X, X, X, H), 0),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_is_worth_what_the_table_says(name: str) -> None:
    answers, verdicts, points = ANSWERED[name]
    result = score(answers, PLAN)
    assert tuple(one.verdict for one in result.judged) == verdicts
    assert (result.points, result.most) == (points, 10)


def test_only_the_whole_plan_in_its_order_has_all_points() -> None:
    full = {order for order in permutations(RIGHT) if score(order, PLAN).points == 10}
    assert full == {RIGHT}


@given(st.lists(st.builds(Answer, st.sampled_from(Action), st.sampled_from(["", "gprecoverseg -a", "gpstop 'x"]))))
def test_every_answer_and_every_step_is_judged_once(answers: list[Answer]) -> None:
    result = score(answers, PLAN)
    assert [one.planned for one in result.judged if one.planned is not None] == list(PLAN)
    assert sorted(map(repr, (one.answer for one in result.judged if one.answer is not None))) == sorted(
        map(repr, answers)
    )
    assert 0 <= result.points <= result.most


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gprecoverseg -ar", "gprecoverseg -a -r", True),
        ("gprecoverseg  -r -a ", "gprecoverseg -a -r", True),
        ("gprecoverseg -aF", "gprecoverseg -a", False),
        ("gpstop -M fast -a; gpstart -a", "gpstop -a -M fast && gpstart -a", True),
        ("gpstart -a; gpstop -M fast -a", "gpstop -M fast -a; gpstart -a", False),
        ("gpstop -a -M fast; gpstart -a", "gpstop -a -M fast -t 600; gpstart -a -t 1800", True),
        ("gprecoverseg -a -i /one", "gprecoverseg -a -i /two", False),
        ("gprecoverseg 'a", "gprecoverseg -a", False),
    ],
)
def test_a_command_is_the_same_whatever_the_order_of_its_options(one: str, other: str, same: bool) -> None:
    assert same_command(one, other) is same


def test_gpmedic_can_say_of_every_step_why_it_does_it() -> None:
    assert set(WHY) == set(Action)


def test_answers_stand_a_line_each_and_a_line_that_names_no_step_is_told() -> None:
    text = "# what I would do\nrecover: gprecoverseg -a  # in place\n\nwait-for-sync\nverify\n"
    assert parse_answers(text) == (RECOVER, WAIT, VERIFY)
    with pytest.raises(AccessRefused, match=r"Line 2 .*'reboot'") as refused:
        parse_answers("recover: x\nreboot: now\n")
    assert "wait_for_sync" in refused.value.next_action
