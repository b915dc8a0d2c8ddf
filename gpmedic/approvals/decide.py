"""A click becomes a decision, or a refusal that only the one who clicked sees. Nothing that a click carries is believed
except which question it means: who may decide, and whether it still waits, is looked up.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flows.attend import give_and_see
from gpmedic.approvals.cards import question
from gpmedic.settings import SlackSettings
from gpmedic.slack.incident import Question
from gpmedic.slack.who_may import Decider, refusal
from tasks.approve import Answer, Decision, given_answer
from tasks.find_recovery import Recovery, read_recovery
from tasks.notify import announce
from tasks.question import Request, load_request

SLACK = "Slack"


class Fate(StrEnum):
    """What became of a click; counted."""

    DECIDED = "decided"
    SHOWN = "shown"  # a form, or the whole plan
    REFUSED = "refused"  # by the rules of who may
    STALE = "stale"  # it waits no longer, or somebody was first
    FORGED = "forged"  # it means nothing that was asked
    FAILED = "failed"  # as where Prefect did not answer


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a click, and what the one who clicked is told."""

    fate: Fate
    told: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that is still open."""

    recovery: Recovery
    request: Request

    @property
    def question(self) -> Question:
        return question(self.recovery, self.request)


def find(value: str) -> "Waiting | Ruling":
    """The open question that a button means."""
    run, _, key = value.partition("|")
    try:
        recovery = read_recovery(UUID(run))
    except ValueError:
        return Ruling(Fate.FORGED, "This button means no question that gpmedic has asked.")
    request = load_request(recovery.run, key) if recovery is not None else None
    if recovery is None or request is None:
        return Ruling(Fate.FORGED, "This button means no question that gpmedic has asked.")
    answered = given_answer(recovery.run, key)
    if answered is not None:
        answer, _ = answered
        said = "approved" if Decision(answer.decision) is Decision.YES else "rejected"
        return Ruling(Fate.STALE, f"Too late: {answer.operator} has {said} it already, via {answer.via}.")
    if recovery.paused_for != key:
        return Ruling(Fate.STALE, "Too late: this question waits no longer. The thread shows what is asked now.")
    return Waiting(recovery, request)


def decide(waiting: Waiting, wanted: SlackSettings, decider: Decider, decision: Decision, reason: str = "") -> Ruling:
    """Give the answer to the run, if this person may, and say whether it was theirs that counted."""
    recovery, request = waiting.recovery, waiting.request
    because = refusal(decider, waiting.question.action, wanted, recovery.asked_by, request.approved_by)
    if because and not (decision is Decision.NO and _may_reject(decider, waiting, wanted)):
        told = {"step": request.proposal.step, "fingerprint": request.proposal.fingerprint, "why": because}
        announce(request.proposal.cluster, "approval.denied", {**told, "operator": decider.operator, "via": SLACK})
        return Ruling(Fate.REFUSED, because)
    # Who they are was asked of Slack, which takes its time: the run may have gone on to another question.
    if isinstance(meanwhile := find(waiting.question.value), Ruling):
        return meanwhile
    answer = Answer(
        decision=decision.value,
        operator=decider.operator[:200],
        reason=reason[:2000],
        via=SLACK,
        question=request.key,
    )
    if give_and_see(recovery.run, answer) == answer:
        return Ruling(Fate.DECIDED)
    again = find(waiting.question.value)
    return again if isinstance(again, Ruling) else Ruling(Fate.STALE, "Prefect did not take the answer; try again.")


def _may_reject(decider: Decider, waiting: Waiting, wanted: SlackSettings) -> bool:
    """Whoever may decide a step may say no to it, also as the one who asked, or who has approved it."""
    return not refusal(decider, waiting.question.action, wanted, None, None)
