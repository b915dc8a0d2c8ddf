"""Which steps of the runbook were not done, and why."""

from dataclasses import dataclass

from gpmedic.events import Decision
from gpmedic.outcome import Outcome, Standing
from gpmedic.recovery_report import RecoveryReport, Round
from gpmedic.steps import Step


@dataclass(frozen=True, slots=True)
class NotDone:
    """One step of the last plan that was not run, or not ended."""

    step: Step
    why: str


def not_done(report: RecoveryReport) -> tuple[NotDone, ...]:
    """The steps of the newest plan that are left; none where the run went through to its proofs."""
    if report.acted or report.outcome is Outcome.HEALTHY or not report.rounds:
        return ()
    last = report.rounds[-1]
    left = last.plan.steps[_started(report, last) :]
    return tuple(NotDone(step, _why(report, number)) for number, step in enumerate(left))


def _started(report: RecoveryReport, last: Round) -> int:
    """How many steps of this plan were let run."""
    fingerprint = last.plan.fingerprint
    approved = {a.step for a in report.approvals if a.fingerprint == fingerprint and a.decision is Decision.APPROVED}
    return max((n for n, step in enumerate(last.plan.steps, 1) if step.action.step_name in approved), default=0)


def _why(report: RecoveryReport, number: int) -> str:
    if report.outcome is Standing.RUNNING:
        return "it has yet to come"
    if report.outcome is Standing.WAITING:
        return "it waits for an answer" if number == 0 else "it follows the answer"
    if report.outcome is Standing.DIED:
        return "the run ended without a last word"
    return (report.error or "the run ended before it") if number == 0 else "a step before it was not done"
