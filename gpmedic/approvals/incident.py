"""The recovery of a cluster as a live view shows it: phases, usual times, the question that stands."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from types import MappingProxyType
from typing import Final
from uuid import UUID

from flows.estimate import earlier
from flows.journal import Journal
from gpmedic.approvals.view import View, look
from gpmedic.live import Incident, PhaseRow, Question, Stand
from gpmedic.phases import Phase
from gpmedic.report import OUTCOMES
from gpmedic.steps import Action
from gpmedic.times import phase_of, phase_seconds
from tasks.find_recovery import Recovery
from tasks.question import Request

_PHASES: Final = MappingProxyType(
    {
        Action.RECOVER: Phase.RECOVER,
        Action.RECOVER_DIFFERENTIAL: Phase.RECOVER,
        Action.RECOVER_FULL: Phase.RECOVER,
        Action.MOVE_TO_SPARE: Phase.RECOVER,
        Action.RESTART: Phase.RESTART,
        Action.WAIT_FOR_SYNC: Phase.SYNCHRONIZE,
        Action.REBALANCE: Phase.REBALANCE,
        Action.RESTORE_STANDBY: Phase.RESTORE_STANDBY,
        Action.VERIFY: Phase.VERIFY,
    }
)


class Incidents:
    """Looks at Prefect for one cluster; what earlier recoveries took is asked once a recovery."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._usual: tuple[UUID, dict[Phase, float]] | None = None

    def look(self) -> Incident | None:
        """The newest recovery; None where there has been none, or it has told nothing yet."""
        view = look(self._cluster)
        if view.recovery is None or view.journal is None:
            return None
        return _incident(view, view.recovery, view.journal, self._usual_of(view.recovery))

    def _usual_of(self, recovery: Recovery) -> dict[Phase, float]:
        if self._usual is None or self._usual[0] != recovery.run:
            self._usual = recovery.run, _usual(self._cluster) if recovery.live else {}
        return self._usual[1]


def _usual(cluster: str) -> dict[Phase, float]:
    by_phase: defaultdict[Phase, list[float]] = defaultdict(list)
    for journal in earlier(cluster):
        for phase, seconds in phase_seconds(journal.events, journal.started).items():
            by_phase[phase].append(seconds)
    return {phase: median(seconds) for phase, seconds in by_phase.items()}


def _incident(view: View, recovery: Recovery, journal: Journal, usual: dict[Phase, float]) -> Incident:
    now = journal.now.phase if recovery.live and journal.now is not None else None
    if recovery.paused_for is not None:
        now = Phase.APPROVE  # the journal may have been stored before the question was told
    ended = "" if recovery.live else "ended" if journal.outcome is None else OUTCOMES[journal.outcome]
    return Incident(
        run=recovery.name,
        began=journal.started,
        phases=tuple(_rows(journal, now, usual)),
        told=journal.now.text if journal.now is not None else "",
        told_at=journal.now.at if journal.now is not None else None,
        question=None if view.request is None else _question(view.request),
        ended=ended,
    )


def _rows(journal: Journal, now: Phase | None, usual: dict[Phase, float]) -> Iterator[PhaseRow]:
    took = phase_seconds(journal.events, journal.started)
    planned = {_PHASES[step.action] for step in journal.rounds[-1].plan.steps} if journal.rounds else set()
    since = max((e.at for e in journal.events if phase_of(e) is not None), default=journal.started)
    for phase in Phase:
        if phase is now:
            yield PhaseRow(phase, Stand.NOW, took.get(phase, 0), usual.get(phase), since)
        elif phase in took:
            yield PhaseRow(phase, Stand.DONE, took[phase], usual.get(phase))
        elif now is not None and phase in planned:
            yield PhaseRow(phase, Stand.TO_COME, 0, usual.get(phase))


def _question(request: Request) -> Question:
    proposal = request.proposal
    return Question(
        proposal.step,
        proposal.command or " ".join(proposal.argv),
        request.asked_at,
        request.expires_at,
        proposal.estimate,
        request.approved_by,
    )
