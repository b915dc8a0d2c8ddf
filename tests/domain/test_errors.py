import pytest

from gpmedic import errors
from gpmedic.errors import GpmedicError, Refused, UtilityFailed
from gpmedic.skipped import Reason, reason_of

REFUSALS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refused)]


def test_what_a_utility_said_cannot_write_on_the_terminal_nor_begin_a_line_of_the_log() -> None:
    tail = "\x1b[2J\x1b]0;owned\x07no\nERROR: forged line\u202e"
    for error in (UtilityFailed(("gprecoverseg", "-a"), 2, tail, tail), GpmedicError(tail, tail)):
        assert str(error).isprintable()
        assert "forged line" in str(error)


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_is_counted_under_a_word_of_its_own(kind: type[Refused]) -> None:
    assert (reason_of(kind("no", "wait")) is Reason.OTHER) == (kind is Refused)


def test_a_failure_is_no_refusal() -> None:
    assert reason_of(UtilityFailed(("gprecoverseg", "-a"), 2, "", "look")) is None
