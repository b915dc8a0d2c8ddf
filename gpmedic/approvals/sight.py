"""What is counted of one cluster: the figures of one look at Prefect, and nothing that would have to be asked for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gpmedic.alarms import Alarm, Raised
from gpmedic.approvals.view import NEWS, View
from gpmedic.conditions import Condition
from gpmedic.diagnosis import Finding
from gpmedic.picture_states import State
from gpmedic.report import Outcome
from gpmedic.skipped import Reason
from gpmedic.steps import Action
from tasks.notify import Phase
from tasks.question import Request


@dataclass(frozen=True, slots=True)
class Health:
    """What the newest look at the cluster has shown, a health check's or a recovery's.

    Attributes:
        segments: how many are in each state; empty where the coordinator could not be asked.
        conditions: how many instances each is about; at least 1, as nobody counts the segments behind a dead
            coordinator.
    """

    at: datetime
    segments: Mapping[State, int]
    conditions: Mapping[Condition, int]


@dataclass(frozen=True, slots=True)
class Sight:
    """One cluster, as a round saw it; times are aware.

    Attributes:
        at: when Prefect was read.
        health: None where nobody has looked yet.
        checked_at: the newest health check, whatever recoveries have seen meanwhile.
        incident_since: None where nothing is known to be wrong.
        live: a recovery is running, or waits.
        phase: of that recovery; None too before its first word.
        told_at: when that recovery last said something.
        request: what waits for a person.
        alarms: how many of each its runs raise.
        not_begun: why the newest health check has started no recovery; None where it has, or nothing was wrong.
    """

    at: datetime
    health: Health | None
    checked_at: datetime | None
    incident_since: datetime | None
    live: bool
    phase: Phase | None
    told_at: datetime | None
    request: Request | None
    alarms: Mapping[Alarm, int] = field(default_factory=dict)
    not_begun: Reason | None = None

    @property
    def action(self) -> Action | None:
        """What waits for a person; None too for a step of another version, which this one cannot name."""
        try:
            return None if self.request is None else Action.of_step(self.request.proposal.step)
        except ValueError:
            return None


def sight(view: View, incident_since: datetime | None, raised: tuple[Raised, ...] = ()) -> Sight:
    """The figures of this look."""
    recovery = view.recovery if view.recovery is not None and view.recovery.live else None
    last = view.journal.now if recovery is not None and view.journal is not None else None
    phase = last.phase if last is not None else None
    if recovery is not None and recovery.paused_for is not None:
        phase = Phase.APPROVE  # the journal may have been stored before the question was told
    return Sight(
        at=view.at,
        health=_newest(view),
        checked_at=view.health.at if view.health is not None else None,
        incident_since=incident_since,
        live=recovery is not None,
        phase=phase,
        told_at=last.at if last is not None else None,
        request=view.request,
        alarms=Counter(one.alarm for one in raised),
        not_begun=_reason(view.health.not_begun) if view.health is not None and recovery is None else None,
    )


def _reason(word: str) -> Reason | None:
    return Reason(word) if word in set(Reason) else None


def is_fresh(at: datetime, now: datetime) -> bool:
    """Whether what was seen then may be shown as what is; not either where a clock that is ahead has dated it."""
    return abs(now - at) < NEWS


def _newest(view: View) -> Health | None:
    """By time alone: while a recovery waits for hours, health checks go on looking."""
    looks: list[tuple[datetime, Mapping[str, int], tuple[Finding, ...]]] = []
    if view.health is not None:
        looks.append((view.health.at, view.health.segments, view.health.findings))
    if view.journal is not None and view.journal.looked_at is not None:
        looks.append((view.journal.looked_at, view.journal.segments, view.journal.found_last))
        if view.journal.outcome is Outcome.RECOVERED and view.journal.ended is not None:
            # The proofs are a look too, the last one, and what they hold for has no finding.
            looks.append((view.journal.ended, view.journal.segments, ()))
    if not looks:
        return None
    at, segments, findings = max(looks, key=lambda look: look[0])
    conditions = Counter[Condition]()
    for finding in findings:
        conditions[finding.condition] += max(1, len(finding.dbids))
    return Health(at, _known(segments), conditions)


def _known(segments: Mapping[str, int]) -> dict[State, int]:
    """By the states that this version knows; those of another one are unknown."""
    words = {state.value: state for state in State}
    known = Counter[State]()
    for word, count in segments.items():
        known[words.get(word, State.UNKNOWN)] += count
    return known
