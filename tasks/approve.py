"""Ask a person before a disruptive step. No approval, no disruption; silence is a no.

An approval is bound to the fingerprint of the plan that was shown: if the cluster, and with it the plan, is another one
when the answer comes, the answer is void and the new plan is shown. A deployed flow suspends (no process waits; it runs
again from the top when it is resumed, and finds the stored answer under the same key); a flow that somebody runs by
hand pauses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import BaseModel, ConfigDict, Field

from gpmedic.errors import NotApproved, UnsafeState
from tasks.notify import Level, Phase, announce, tell

MAX_ASKS = 6
"""Void or expired answers in one run before gpmedic stops asking."""
LOCAL_POLL_SECONDS = cast(int, 0.2)  # Prefect says int and sleeps any number
REQUEST_PREFIX = "gpmedic-request-"
USED_PREFIX = "gpmedic-used-"


class Decision(StrEnum):
    YES = "yes"
    NO = "no"


class Answer(RunInput):
    """What the person fills in; Prefect refuses to resume the run with anything else."""

    decision: Literal["yes", "no"] = Field(description="yes: run exactly the plan shown above. no: leave the cluster.")
    operator: str = Field(min_length=1, max_length=200, description="Your name; it is recorded with the approval.")
    reason: str = Field(default="", max_length=2000, description="Ticket, circumstances; optional.")


class Proposal(BaseModel):
    """What shall be done, as it is shown to the person."""

    model_config = ConfigDict(frozen=True)

    cluster: str
    step: str = Field(pattern=r"^[a-z][a-z-]*$")
    fingerprint: str = Field(pattern=r"^[0-9a-f]+$")
    text: str = Field(description="Markdown: the plan, its effects, the directories and queries that it touches.")


class Request(BaseModel):
    """A proposal that waits for an answer; kept with the flow run under `REQUEST_PREFIX` + key, times in UTC."""

    model_config = ConfigDict(frozen=True)

    key: str
    proposal: Proposal
    asked_at: datetime
    expires_at: datetime


class Approval(BaseModel):
    """A person's yes to one fingerprint; void after `expires_at`."""

    model_config = ConfigDict(frozen=True)

    step: str
    fingerprint: str
    operator: str
    reason: str
    decided_at: datetime
    expires_at: datetime

    def covers(self, fingerprint: str) -> bool:
        """Whether this approval still allows the plan with this fingerprint."""
        return self.fingerprint == fingerprint and datetime.now(UTC) < self.expires_at


RequestListener = Callable[[UUID, Request], None]
_listeners: list[RequestListener] = []


@contextmanager
def hearing_requests(listener: RequestListener) -> Iterator[None]:
    """Have the listener called with flow run and request, before a flow of this process waits for the answer."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def approve(propose: Callable[[], Proposal | None], valid_for: timedelta) -> Approval | None:
    """Show the proposal, wait for the answer, and see that it still is what the cluster needs.

    Args:
        propose: looks at the cluster and says what should be done to it now; None when nothing is left to do.
        valid_for: how long the question stands, and its answer with it.

    Returns:
        The approval of what `propose` said last; None when there is nothing left to approve.

    Raises:
        NotApproved: a person said no, or nobody answered in time. (A suspended run is failed by the server instead.)
        UnsafeState: the plan kept changing while it was being approved.
    """
    proposal = propose()
    for _ in range(MAX_ASKS):
        if proposal is None:
            return None
        request = _request(proposal, valid_for)
        answer = _ask(request)
        decided_at = _decided_at(request)
        if Decision(answer.decision) is Decision.NO:
            announce(proposal.cluster, "approval.refused", {"step": proposal.step, "operator": answer.operator})
            raise NotApproved(
                f"{answer.operator} said no to {proposal.step}{_because(answer.reason)}; it was not run.",
                "Run the flow again when the plan is acceptable.",
            )
        approval = Approval(
            step=proposal.step,
            fingerprint=proposal.fingerprint,
            operator=answer.operator,
            reason=answer.reason,
            decided_at=decided_at,
            expires_at=request.expires_at,
        )
        proposal = propose()
        _use_up(request)
        if proposal is not None and approval.covers(proposal.fingerprint):
            tell(Phase.APPROVE, f"{answer.operator} approved {approval.step}{_because(answer.reason)}.")
            announce(proposal.cluster, "approval.given", approval.model_dump(mode="json"))
            return approval
        tell(Phase.APPROVE, "The answer is void: the cluster has changed, or the approval has expired.", Level.WARNING)
    raise UnsafeState(
        f"The plan changed {MAX_ASKS} times while it was being approved; nothing was done.",
        "Find out what keeps changing the cluster, then run the flow again.",
    )


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("approve() is called in the body of a flow, not in a task.")
    return context.flow_run


def _request(proposal: Proposal, valid_for: timedelta) -> Request:
    """The request that this run has open for the proposal, else a new one.

    A run that is resumed comes here again with the same proposal and must find its own question. One whose time is over
    or whose answer was used is asked anew, under the next key: an answer belongs to one question, for one command.
    """
    base = f"{proposal.step}-{proposal.fingerprint}"
    run = _run()
    for n in range(1, MAX_ASKS + 1):
        key = base if n == 1 else f"{base}-{n}"
        known = load_request(run.id, key)
        if known is None:
            return _store(run.id, key, proposal, valid_for)
        if datetime.now(UTC) < known.expires_at and not _is_used_up(known):
            return known
    raise UnsafeState("The same step was asked for too often in one run; nothing was done.", "Start a new run.")


def load_request(run: UUID, key: str) -> Request | None:
    """What a run asks, or asked, under this key; None where it did not."""
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(run, key_prefix=REQUEST_PREFIX + key, limit=MAX_ASKS, exclude_keys=set())
    for row in rows:
        if row.key == REQUEST_PREFIX + key:
            return Request.model_validate_json(row.value)
    return None


def _store(run: UUID, key: str, proposal: Proposal, valid_for: timedelta) -> Request:
    now = datetime.now(UTC)
    request = Request(key=key, proposal=proposal, asked_at=now, expires_at=now + valid_for)
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(run, key=REQUEST_PREFIX + key, value=request.model_dump_json())
    return request


def _use_up(request: Request) -> None:
    """Note with the run that this answer has counted, or was void: the same failure again is another question."""
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(_run().id, key=USED_PREFIX + request.key, value=datetime.now(UTC).isoformat())


def _is_used_up(request: Request) -> bool:
    prefix = USED_PREFIX + request.key
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(_run().id, key_prefix=prefix, limit=MAX_ASKS, exclude_keys=set())
    return any(row.key == prefix for row in rows)


def _ask(request: Request) -> Answer:
    proposal = request.proposal
    tell(Phase.APPROVE, f"Waiting for a person's answer to {proposal.step} (until {request.expires_at:%H:%M:%S} UTC).")
    announce(proposal.cluster, "approval.asked", {"step": proposal.step, "fingerprint": proposal.fingerprint})
    for listener in tuple(_listeners):
        listener(_run().id, request)
    form = Answer.with_initial_data(description=proposal.text)
    seconds = max(1, round((request.expires_at - datetime.now(UTC)).total_seconds()))
    if _run().deployment_id is not None:
        return suspend_flow_run(wait_for_input=form, timeout=seconds, key=request.key)
    try:
        return pause_flow_run(wait_for_input=form, timeout=seconds, poll_interval=LOCAL_POLL_SECONDS, key=request.key)
    except FlowPauseTimeout:
        raise NotApproved(
            f"Nobody answered {proposal.step} in time, which is a no; it was not run.",
            "Run the flow again when somebody is there to approve it.",
        ) from None


def _decided_at(request: Request) -> datetime:
    """When the answer reached the Prefect server."""
    prefix = f"paused-{request.key}-response"
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(_run().id, key_prefix=prefix, limit=1, exclude_keys=set())
    created = rows[0].created if rows else None
    return created if created is not None else datetime.now(UTC)
