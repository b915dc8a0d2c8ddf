"""How long each part of an incident took, from what was noted; what was not noted is said, never guessed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Final

from gpmedic.events import Event
from gpmedic.phases import Phase
from gpmedic.recovery_report import RecoveryReport
from gpmedic.repeated_failures import marked_up
from gpmedic.resync import waits
from gpmedic.steps import Action
from gpmedic.times import phase_of


class Part(StrEnum):
    DETECT = "detect"
    APPROVE = "approve"
    RECOVER = "recover"
    SYNCHRONIZE = "synchronize"
    REBALANCE = "rebalance"
    WHOLE = "the whole incident"


@dataclass(frozen=True, slots=True)
class Took:
    """One line of the table.

    Attributes:
        seconds: None where it is not known, or there was no such part.
        told: what is counted, or why there is no figure.
    """

    part: Part
    seconds: float | None
    told: str


def incident_times(report: RecoveryReport) -> tuple[Took, ...]:
    """Every part, in their order."""
    return tuple(Took(part, *_COUNTED[part](report)) for part in Part)


Counted = tuple[float | None, str]
_RECOVERING: Final = frozenset({Phase.RECOVER, Phase.RESTART, Phase.RESTORE_STANDBY})
_RECOVERS: Final = frozenset(Action) - {Action.REBALANCE, Action.WAIT_FOR_SYNC, Action.VERIFY}


def _detect(report: RecoveryReport) -> Counted:
    marked = _marked_down_at(report)
    if marked is None:
        return None, "not known: the catalog's history shows no segment marked down before the first look"
    first_look = min((e.at for e in report.events if phase_of(e) is Phase.OBSERVE), default=report.started)
    return (
        first_look - marked
    ).total_seconds(), "from FTS's first mark, by the coordinator's clock, to the first look of this recovery"


def _approve(report: RecoveryReport) -> Counted:
    if not report.approvals:
        return None, "nobody was asked"
    waited = [(a.at - a.asked_at).total_seconds() for a in report.approvals if a.asked_at is not None]
    if len(waited) < len(report.approvals):
        return None, "not known: when it was asked is not on record"
    return sum(waited), "from the question to the answer" if len(waited) == 1 else f"{len(waited)} answers together"


def _recover(report: RecoveryReport) -> Counted:
    return _worked(
        report, lambda e: phase_of(e) in _RECOVERING, _planned(report, _RECOVERS), "nothing had to be recovered"
    )


def _rebalance(report: RecoveryReport) -> Counted:
    planned = _planned(report, frozenset({Action.REBALANCE}))
    return _worked(report, lambda e: phase_of(e) is Phase.REBALANCE, planned, "no roles had to be switched back")


def _synchronize(report: RecoveryReport) -> Counted:
    done = waits(report.samples)
    if not done:
        waited = any(phase_of(e) is Phase.SYNCHRONIZE for e in report.events)
        return None, "every pair was synchronized at the first look" if waited else "it did not come to that"
    seconds = sum(wait.seconds for wait in done)
    if not done[-1].finished:
        return None, "not known: the end of the wait was not seen"
    return seconds, "until every pair was synchronized" if len(done) == 1 else f"{len(done)} waits together"


def _whole(report: RecoveryReport) -> Counted:
    marked = _marked_down_at(report)
    if marked is None:
        return report.seconds, "from the start of this recovery to its last word"
    return (report.ended - marked).total_seconds(), "from FTS's first mark to the last word of this recovery"


_COUNTED: Final[Mapping[Part, Callable[[RecoveryReport], Counted]]] = MappingProxyType(
    {
        Part.DETECT: _detect,
        Part.APPROVE: _approve,
        Part.RECOVER: _recover,
        Part.SYNCHRONIZE: _synchronize,
        Part.REBALANCE: _rebalance,
        Part.WHOLE: _whole,
    }
)


def _marked_down_at(report: RecoveryReport) -> datetime | None:
    """When FTS first marked an instance of this incident down, before gpmedic looked."""
    told = (e for e in report.events if e.of_catalog and e.at <= report.started)
    return min((e.at for e in told if marked_up(f"{e.source}: {e.what.partition(': ')[2]}") is False), default=None)


def _planned(report: RecoveryReport, actions: frozenset[Action]) -> bool:
    return any(step.action in actions for one in report.rounds for step in one.plan.steps)


def _worked(report: RecoveryReport, own: Callable[[Event], bool], planned: bool, needless: str) -> Counted:
    """The sum of the times between the first and the last line of such a phase, each time that it was at it."""
    spans = list(_spans(report, own))
    if not spans:
        return None, "it did not come to that" if planned else needless
    first, last = spans[-1]
    if first is last and not report.acted:
        return None, "not known: its end was not noted"
    seconds = sum((last.at - first.at).total_seconds() for first, last in spans)
    return seconds, "from the first line of the command to its last"


def _spans(report: RecoveryReport, own: Callable[[Event], bool]) -> Iterator[tuple[Event, Event]]:
    phased = sorted((e for e in report.events if phase_of(e) is not None), key=lambda e: e.at)
    for at_it, run in groupby(phased, key=own):
        if at_it:
            events = list(run)
            yield events[0], events[-1]
