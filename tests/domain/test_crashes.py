"""A recovery that has crashed goes on by itself, unless it crashes again and again, or long ago, or was a person's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gpmedic.crashes import MOST_IN_A_ROW, NOT_AFTER, SOON, Crash, Follows, follows

NOW = datetime.now(UTC)
AT_ONCE = Crash(NOW, timedelta(0), deployed=True)
LATER = replace(AT_ONCE, ran=SOON)


def test_what_has_not_crashed_needs_nobody_to_go_on() -> None:
    assert follows([], NOW) is None
    assert follows([None, AT_ONCE], NOW) is None


def test_a_crashed_run_goes_on_until_several_have_crashed_soon_after_their_start() -> None:
    assert follows([AT_ONCE], NOW) is Follows.GOES_ON
    assert follows([AT_ONCE] * (MOST_IN_A_ROW - 1), NOW) is Follows.GOES_ON
    assert follows([AT_ONCE] * MOST_IN_A_ROW, NOW) is Follows.AGAIN_AND_AGAIN
    assert follows([AT_ONCE, None, *[AT_ONCE] * MOST_IN_A_ROW], NOW) is Follows.GOES_ON


def test_restarts_in_the_middle_of_a_long_recovery_are_no_reason_to_give_up() -> None:
    assert follows([LATER] * 20, NOW) is Follows.GOES_ON
    assert follows([AT_ONCE, AT_ONCE, LATER, AT_ONCE], NOW) is Follows.GOES_ON


def test_what_crashed_long_ago_or_in_a_terminal_is_a_persons() -> None:
    assert follows([AT_ONCE], NOW + NOT_AFTER) is Follows.GOES_ON
    assert follows([AT_ONCE], NOW + NOT_AFTER + timedelta(seconds=1)) is Follows.LONG_AGO
    assert follows([replace(AT_ONCE, deployed=False)], NOW) is Follows.A_PERSONS
