"""Where each metric takes its samples from: what the last rounds have seen; nothing is asked for.

Labels are names of served clusters and words of enums, so that nothing from outside can make a new series. What is
older than `NEWS` is withheld: a series that is missing means that nobody knows, and the times say since when.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from gpmedic.alarms import Alarm
from gpmedic.approvals.decide import Fate
from gpmedic.approvals.ends import RESULTS
from gpmedic.approvals.sight import Health, Sight, is_fresh
from gpmedic.approvals.tallies import Round, Tallies
from gpmedic.conditions import CONDITIONS, Condition
from gpmedic.picture_states import State
from gpmedic.skipped import REASONS, Reason
from gpmedic.steps import Action
from tasks.notify import Phase


@dataclass(frozen=True, slots=True)
class Scrape:
    """What the figures are taken from.

    Attributes:
        clusters: the names of those that are served.
        now: aware.
    """

    clusters: tuple[str, ...]
    tallies: Tallies
    fates: Mapping[Fate, int]
    now: datetime

    def sights(self) -> Iterator[tuple[str, Sight | None]]:
        """Every cluster with what was seen of it; None where no round has yet read Prefect."""
        for name in self.clusters:
            yield name, self.tallies.sights.get(name)

    def fresh(self) -> Iterator[tuple[str, Sight]]:
        """Those that a round has seen just now."""
        for name, seen in self.sights():
            if seen is not None and is_fresh(seen.at, self.now):
                yield name, seen

    def health(self) -> Iterator[tuple[str, Health]]:
        """Those that somebody has looked at just now."""
        for name, seen in self.fresh():
            if seen.health is not None and is_fresh(seen.health.at, self.now):
                yield name, seen.health

    def age(self, since: datetime) -> float:
        """Seconds, never below 0."""
        return max(0.0, (self.now - since).total_seconds())


OTHER: Final = "other"
"""An action that this version does not know."""
Sample = tuple[tuple[str, ...], float]


def _time(of: datetime | None) -> float:
    return 0.0 if of is None else of.timestamp()


def _waiting(scrape: Scrape) -> Iterator[tuple[str, Sight, datetime]]:
    """Clusters on which a question stands that can still be answered, and since when."""
    for name, seen in scrape.fresh():
        if seen.request is not None and scrape.now < seen.request.expires_at:
            yield name, seen, seen.request.asked_at


def clusters(scrape: Scrape) -> Iterator[Sample]:
    yield (), len(scrape.clusters)


def last_round(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.sights():
        yield (name,), _time(seen.at if seen else None)


def last_shown(scrape: Scrape) -> Iterator[Sample]:
    for name in scrape.clusters:
        yield (name,), _time(scrape.tallies.shown_at.get(name))


def last_check(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.sights():
        yield (name,), _time(seen.checked_at if seen else None)


def last_look(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.sights():
        yield (name,), _time(seen.health.at if seen and seen.health else None)


def healthy(scrape: Scrape) -> Iterator[Sample]:
    for name, health in scrape.health():
        yield (name,), not health.conditions


def segments(scrape: Scrape) -> Iterator[Sample]:
    for name, health in scrape.health():
        if health.segments:
            for state in State:
                yield (name, _word(state)), health.segments.get(state, 0)


def conditions(scrape: Scrape) -> Iterator[Sample]:
    for name, health in scrape.health():
        for condition in Condition:
            severity = CONDITIONS[condition].severity.value
            yield (name, condition.value, severity), health.conditions.get(condition, 0)


def incident_age(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        if seen.incident_since is not None:
            yield (name,), scrape.age(seen.incident_since)


def live(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        yield (name,), seen.live


def phase(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        for phase in Phase:
            yield (name, _word(phase)), seen.phase is phase


def last_word(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        if seen.told_at is not None:
            yield (name,), _time(seen.told_at)


def approvals_waiting(scrape: Scrape) -> Iterator[Sample]:
    waiting = {name: seen.action for name, seen, _ in _waiting(scrape)}
    for name, _ in scrape.fresh():
        for action in Action:
            yield (name, action.value), waiting.get(name) is action
        yield (name, OTHER), name in waiting and waiting[name] is None


def approval_waiting_seconds(scrape: Scrape) -> Iterator[Sample]:
    for name, _, since in _waiting(scrape):
        yield (name,), scrape.age(since)


def alarms(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        for alarm in Alarm:
            if alarm is not Alarm.PREFECT_AWAY:  # then nothing is counted: gpmedic_last_round_timestamp_seconds tells
                yield (name, alarm.value), seen.alarms.get(alarm, 0)


def recoveries(scrape: Scrape) -> Iterator[Sample]:
    for name in scrape.clusters:
        for result in RESULTS:
            yield (name, result), scrape.tallies.recoveries[name, result]


def skipped(scrape: Scrape) -> Iterator[Sample]:
    for name in scrape.clusters:
        for reason in Reason:
            yield (name, reason.value), scrape.tallies.skipped[name, reason]


def not_begun(scrape: Scrape) -> Iterator[Sample]:
    for name, seen in scrape.fresh():
        for reason in Reason:
            yield (name, reason.value), seen.not_begun is reason


def reasons(_: Scrape) -> Iterator[Sample]:
    for reason, told in REASONS.items():
        yield (reason.value, told.meaning, told.next_action), 1


def rounds(scrape: Scrape) -> Iterator[Sample]:
    for name in scrape.clusters:
        for result in Round:
            yield (name, result.value), scrape.tallies.rounds[name, result]


def clicks(scrape: Scrape) -> Iterator[Sample]:
    for fate in Fate:
        yield (fate.value,), scrape.fates.get(fate, 0)


def _word(of: Enum) -> str:
    return str(of.value).replace(" ", "_")
