"""The times of a recovery: every second between two words belongs to the phase of the later one."""

from datetime import UTC, datetime, timedelta

from domain.clusters import failed_over, healthy, probes
from gpmedic.diagnosis import diagnose
from gpmedic.events import Event
from gpmedic.phases import Phase
from gpmedic.report import Outcome, RecoveryReport
from gpmedic.times import Times, phase_seconds, times

BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


EVENTS = (
    Event(at(-20), "dbid 4: marked down", "FTS", of_catalog=True),
    Event(at(2), "observe: Primary failed over"),
    Event(at(3), "precheck: 25 checks"),
    Event(at(4), "approve: Waiting for a person's answer to recover"),
    Event(at(34), "approve: anna approved recover"),
    Event(at(35), "recover: Started gprecoverseg -a"),
    Event(at(40), "recover: gprecoverseg has ended", "gprecoverseg"),
    Event(at(100), "wait for sync: Every pair is synchronized"),
    Event(at(101), "observe: Roles switched"),
    Event(at(111), "approve: anna approved rebalance"),
    Event(at(131), "rebalance: gprecoverseg has ended"),
    Event(at(141), "wait for sync: Every pair is synchronized"),
    Event(at(143), "verify: no row down: yes"),
)


def report(events: tuple[Event, ...] = EVENTS) -> RecoveryReport:
    cluster = failed_over(healthy(), 0)
    return RecoveryReport("lab", Outcome.RECOVERED, BEGAN, at(150), diagnose(cluster, probes(cluster)), events=events)


def test_each_part_is_the_sum_of_its_stretches_and_the_total_lasts_from_the_fault_to_the_report() -> None:
    assert times(report(), broken_at=at(-30)) == Times(
        detect=32, approve=1 + 30 + 10, recover=6, synchronize=60 + 10, rebalance=20, total=180
    )


def test_where_nobody_knows_when_the_fault_was_the_total_lasts_from_the_first_look() -> None:
    assert times(report()).detect is None
    assert times(report()).total == 150


def test_what_the_catalog_tells_and_words_of_another_version_belong_to_no_phase() -> None:
    strange = (*EVENTS, Event(at(60), "observe: dbid 4 again", "FTS", of_catalog=True), Event(at(70), "dance: la la"))
    assert phase_seconds(strange, BEGAN) == phase_seconds(EVENTS, BEGAN)


def test_the_order_in_which_events_are_given_does_not_matter_and_no_time_is_below_zero() -> None:
    assert phase_seconds(tuple(reversed(EVENTS)), BEGAN) == phase_seconds(EVENTS, BEGAN)
    assert phase_seconds([Event(at(-5), "observe: early"), Event(at(3), "verify: late")], BEGAN) == {
        Phase.OBSERVE: 0,
        Phase.VERIFY: 3,
    }


def test_a_standby_or_a_restart_counts_as_recovery() -> None:
    events = (Event(at(5), "restart: done"), Event(at(9), "restore standby: done"))
    assert times(report(events)).recover == 9
