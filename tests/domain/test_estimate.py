"""An estimate is what was measured before, and says so; where nothing was, it says that."""

from datetime import UTC, datetime, timedelta

from gpmedic.estimate import in_words, took
from gpmedic.events import Approval, Decision, Event

BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


APPROVALS = (
    Approval("recover", "0", Decision.VOIDED, "anna", at(5)),
    Approval("recover", "1", Decision.APPROVED, "anna", at(10)),
    Approval("rebalance", "2", Decision.APPROVED, "anna", at(100)),
)
EVENTS = (
    Event(at(0), "observe: Primary failed over"),
    Event(at(12), "recover: Started gprecoverseg -a"),
    Event(at(90), "wait for sync: Every pair is synchronized"),
    Event(at(91), "observe: Roles switched"),
    Event(at(130), "verify: no row down: yes"),
    Event(at(131), "verify: every role preferred: yes"),
)


def test_a_step_took_from_its_approval_until_its_effect_was_seen() -> None:
    assert took("recover", APPROVALS, EVENTS) == 81
    assert took("rebalance", APPROVALS, EVENTS) == 30


def test_a_step_that_was_not_approved_or_not_run_to_its_end_tells_nothing() -> None:
    assert took("restart", APPROVALS, EVENTS) is None
    assert took("rebalance", APPROVALS, EVENTS[:4]) is None
    assert took("recover", APPROVALS[:1], EVENTS) is None


def test_what_is_said_names_how_often_it_was_measured() -> None:
    assert in_words([]).startswith("Unknown: no earlier run")
    assert in_words([81.0]) == "About 1 min 21 s, as the one time on record."
    assert in_words([60, 300, 90]) == "About 1 min 30 s: it took 1 min 0 s to 5 min 0 s before (3 times on record)."
