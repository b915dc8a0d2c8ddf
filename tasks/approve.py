"""Ask a person before a disruptive step. No approval, no disruption; silence is a no.

An approval is bound to the fingerprint of the plan that was shown: if the cluster, and with it the plan, is another one
when the answer comes, the answer is void, and the page begins again from the top. A deployed flow suspends (no process
waits; it runs again from the top when it is resumed, and finds the stored answer under the same key); a flow that
somebody runs by hand pauses.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import cast
from uuid import UUID

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from pydantic import BaseModel, ConfigDict, Field

from gpmedic.errors import NotApproved
from tasks.answer_form import Answer, Decision, form_for
from tasks.answers import Answers, Note, Word, unheard
from tasks.notify import Level, Phase, announce, tell
from tasks.question import (
    A_PERSON,
    Proposal,
    Request,
    current_run,
    decided_at,
    hearing_requests,
    let_hear,
    open_request,
    read_answer,
    superseded,
    use_up,
    who_answers,
)

__all__ = [
    "A_PERSON",
    "Answer",
    "Approval",
    "Decision",
    "Needed",
    "Outdated",
    "Proposal",
    "Request",
    "approve",
    "hearing_requests",
]

SILENCE_ADVICE = "Run the flow again when somebody is there to approve it."
CHANGED = "the cluster has changed meanwhile"
LOCAL_POLL_SECONDS = cast(int, 0.2)  # Prefect says int and sleeps any number


class Outdated(NotApproved):
    """Somebody said yes, and the cluster is another one by now: the page begins again from the top and asks anew."""


class Needed(StrEnum):
    """Whose yes a step needs."""

    ONE_PERSON = "one person"
    TWO_PEOPLE = "two people"


class Approval(BaseModel):
    """The yes of a person, or of two, to one start of one command on one state of the cluster; void after `expires_at`.

    `decided_at` is when the answer reached the Prefect server. It names the job (see `run_utility.job_key`), so that
    whoever comes with the same approval again finds what it has started.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    fingerprint: str
    argv: tuple[str, ...]
    dbids: tuple[int, ...]
    operator: str
    reason: str
    decided_at: datetime
    expires_at: datetime
    seconded_by: str | None = Field(default=None, description="The second person, where two were needed.")

    @property
    def by(self) -> str:
        """Who approved, for people."""
        return self.operator if self.seconded_by is None else f"{self.operator} and {self.seconded_by}"

    @property
    def of_two_people(self) -> bool:
        """Whether two different people approved."""
        return self.seconded_by is not None and not _same_person(self.operator, self.seconded_by)

    def covers(self, fingerprint: str) -> bool:
        """Whether this approval still allows the plan with this fingerprint."""
        return self.fingerprint == fingerprint and datetime.now(UTC) < self.expires_at


def approve(
    propose: Callable[[], Proposal | None],
    valid_for: timedelta,
    needed: Needed = Needed.ONE_PERSON,
    note: Note = unheard,
) -> Approval | None:
    """Show the proposal, wait for the answer, and see that it still is what the cluster needs.

    A yes that comes when its time is over, or that was given to another question, is asked for again.

    Args:
        propose: looks at the cluster and says what should be done to it now; None when nothing is left to do.
        valid_for: how long each question stands, and its answer with it.
        needed: whose yes it takes.
        note: called with each answer, and with silence, when it is known what became of it.

    Returns:
        The approval of what was proposed; None when there is nothing left to approve.

    Raises:
        NotApproved: a person said no, or nobody answered in time. (A suspended run is failed by the server instead.)
        Outdated: the plan is another one by now; `propose` may raise it too.
        UnsafeState: the same step was asked for too often.
    """
    proposal = propose()
    while proposal is not None:
        _void_earlier(proposal, note)
        answers = Answers(proposal, note)
        try:
            first, approval = _first_yes(proposal, valid_for, answers)
            answered = [first]
            if needed is Needed.TWO_PEOPLE:
                second, approval = _second_yes(proposal, valid_for, approval, answers)
                answered.append(second)
        except _Misdirected as other:
            answers.void("an answer to another question has come")
            use_up(other.request)
            tell(Phase.APPROVE, "An answer to another question has come; it is void, and asked again.", Level.WARNING)
            proposal = _as_shown(proposal, propose())
            continue
        try:
            proposal = _as_shown(proposal, propose())
        except Outdated:
            answers.void(CHANGED)
            use_up(*answered)
            raise
        use_up(*answered)
        if proposal is not None and approval.covers(proposal.fingerprint):
            answers.count()
            done = f"{approval.by} approved {approval.step}{_because(approval.reason)}."
            tell(Phase.APPROVE, done, source=approval.by)
            announce(proposal.cluster, "approval.given", approval.model_dump(mode="json"))
            return approval
        why = CHANGED if proposal is None else "the approval has expired"
        answers.void(why)
        _tell_void(why)
    return None


def _as_shown(shown: Proposal, now: Proposal | None) -> Proposal | None:
    """Another plan would be asked for with evidence and checks of the one that was shown."""
    if now is not None and now.fingerprint != shown.fingerprint:
        raise Outdated(
            f"The answer to {shown.step} is void: {CHANGED}. Nothing was started.",
            "Run the flow again: it shows the new plan.",
        )
    return now


def _void_earlier(proposal: Proposal, note: Note) -> None:
    """A resumed run may find another plan than it had asked for, and the first one again after that."""
    earlier = superseded(proposal)
    for request in earlier:
        given = given_answer(current_run().id, request.key)
        if given is not None and Decision(given[0].decision) is not Decision.NO:
            answers = Answers(request.proposal, note)
            answers.yes(_word(request, *given))
            answers.void(CHANGED)
            _tell_void(CHANGED)
    use_up(*earlier)


def _tell_void(why: str) -> None:
    tell(Phase.APPROVE, f"The answer is void: {why}.", Level.WARNING)


def _first_yes(proposal: Proposal, valid_for: timedelta, answers: Answers) -> tuple[Request, Approval]:
    request = open_request(proposal, valid_for)
    answer, at = _yes(request, answers), decided_at(request)
    answers.yes(_word(request, answer, at))
    approval = Approval(
        step=proposal.step,
        fingerprint=proposal.fingerprint,
        argv=proposal.argv,
        dbids=proposal.dbids,
        operator=answer.operator,
        reason=answer.reason,
        decided_at=at,
        expires_at=request.expires_at,
    )
    return request, approval


def _second_yes(
    proposal: Proposal, valid_for: timedelta, first: Approval, answers: Answers
) -> tuple[Request, Approval]:
    while True:
        request = open_request(proposal, valid_for, approved_by=first.operator)
        answer, at = _yes(request, answers), decided_at(request)
        if not _same_person(first.operator, answer.operator):
            answers.yes(_word(request, answer, at))
            break
        use_up(request)
        tell(Phase.APPROVE, f"{answer.operator} has approved it already; a second person must.", Level.WARNING)
    seconded = {
        "seconded_by": answer.operator,
        "reason": "; ".join(filter(None, (first.reason, answer.reason))),
        "decided_at": at,
        "expires_at": min(first.expires_at, request.expires_at),
    }
    return request, first.model_copy(update=seconded)


class _Misdirected(Exception):
    """Somebody answered an earlier question, and the run had gone on to this one meanwhile."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.key)
        self.request = request


def given_answer(run: UUID, key: str) -> tuple[Answer, datetime] | None:
    """What was answered to a question, wherever, and when; None where nothing was."""
    found = read_answer(run, key)
    return None if found is None else (Answer.model_validate_json(found[0]), found[1])


def _word(request: Request, answer: Answer, at: datetime) -> Word:
    return Word(answer.operator, at, answer.reason, answer.via, request.asked_at)


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _yes(request: Request, answers: Answers) -> Answer:
    proposal = request.proposal
    try:
        answer = _ask(request)
    except FlowPauseTimeout:
        answers.silence(request.expires_at, request.asked_at)
        raise NotApproved(
            f"Nobody answered {proposal.step} in time, which is a no; it was not run.", SILENCE_ADVICE
        ) from None
    if answer.question not in ("", request.key):
        raise _Misdirected(request)
    if Decision(answer.decision) is Decision.NO:
        answers.no(_word(request, answer, decided_at(request)))
        raise NotApproved(
            f"{answer.operator} said no to {proposal.step}{_because(answer.reason)}; it was not run.",
            f"Run the recovery of {proposal.cluster} again when the plan is acceptable.",
        )
    return answer


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _ask(request: Request) -> Answer:
    # Of a run that was begun again after its answer had come: Prefect would wait for another one, and take none.
    if (given := given_answer(current_run().id, request.key)) is not None:
        return given[0]
    proposal = request.proposal
    who = who_answers()
    if request.approved_by is not None and who == A_PERSON:
        who = "a second person"
    waiting = f"Waiting for {who}'s answer to {proposal.step} (until {request.expires_at:%H:%M:%S} UTC)."
    deployed = current_run().deployment_id is not None
    if deployed:  # else the terminal asks
        waiting = f"{waiting} In a terminal: gpmedic approve {proposal.cluster}."
    tell(Phase.APPROVE, waiting)
    announce(proposal.cluster, "approval.asked", {"step": proposal.step, "fingerprint": proposal.fingerprint})
    let_hear(request)
    form = form_for(request)
    seconds = max(1, round((request.expires_at - datetime.now(UTC)).total_seconds()))
    if deployed:
        return suspend_flow_run(wait_for_input=form, timeout=seconds, key=request.key)
    return pause_flow_run(wait_for_input=form, timeout=seconds, poll_interval=LOCAL_POLL_SECONDS, key=request.key)
