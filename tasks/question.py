"""The questions of a flow run: what was asked, until when, whether its answer has counted. Kept with the run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from pydantic import BaseModel, ConfigDict, Field

from gpmedic.errors import UnsafeState
from gpmedic.languages.language import Language

MAX_ASKS = 6
"""Void or expired answers to one question in one run before gpmedic stops asking."""
REQUEST_PREFIX = "gpmedic-request-"
USED_PREFIX = "gpmedic-used-"
_WAITED = ("suspended", "paused")
"""As Prefect names what a deployed run, and one by hand, got as its answer: by the state in which it waited."""


class Proposal(BaseModel):
    """What shall be done, as it is shown to the person."""

    model_config = ConfigDict(frozen=True)

    cluster: str
    step: str = Field(pattern=r"^[a-z][a-z-]*$")
    fingerprint: str = Field(pattern=r"^[0-9a-f]+$")
    argv: tuple[str, ...] = Field(description="The command that is started when a person says yes.")
    dbids: tuple[int, ...] = Field(description="The instances that it is about.")
    text: str = Field(description="Markdown: the plan, its effects, the directories and queries that it touches.")
    command: str = Field(default="", description="What a person would type; more than argv where two are run.")
    effect: str = Field(default="", description="What the step does to the cluster and to its users.")
    why: str = Field(default="", description="What was found, for which it shall be done.")
    segments: tuple[str, ...] = Field(default=(), description="The instances, each as dbid, content, host, directory.")
    details: str = Field(default="", description="The same as `text`, as plain text.")
    estimate: str = Field(default="", description="How long it will take, and by what that is judged.")
    language: Language = Field(default=Language.ENGLISH, description="Of `text` and `details`.")


class Request(BaseModel):
    """A proposal that waits for an answer; kept with the flow run under `REQUEST_PREFIX` + key, times in UTC."""

    model_config = ConfigDict(frozen=True)

    key: str
    proposal: Proposal
    asked_at: datetime
    expires_at: datetime
    approved_by: str | None = Field(default=None, description="Who said yes already, where two people are needed.")


RequestListener = Callable[[UUID, Request], None]
A_PERSON = "a person"
_listeners: list[tuple[RequestListener, str]] = []


@contextmanager
def hearing_requests(listener: RequestListener, answering: str = A_PERSON) -> Iterator[None]:
    """Have the listener called with flow run and request, before a flow of this process waits for the answer.

    Args:
        answering: who will answer what this listener hears.
    """
    heard = listener, answering
    _listeners.append(heard)
    try:
        yield
    finally:
        _listeners.remove(heard)


def who_answers() -> str:
    """Who is going to answer the next question of this process."""
    return _listeners[-1][1] if _listeners else A_PERSON


def let_hear(request: Request) -> None:
    """Call whoever listens in this process."""
    for listener, _ in tuple(_listeners):
        listener(current_run().id, request)


def current_run() -> FlowRun:
    """The flow run whose body this is."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("approve() is called in the body of a flow, not in a task.")
    return context.flow_run


def open_request(proposal: Proposal, valid_for: timedelta, approved_by: str | None = None) -> Request:
    """The request that this run has open for the proposal, else a new one.

    A run that is resumed comes here again with the same proposal and must find its own question. One whose time is over
    or whose answer was used is asked anew, under the next key: an answer belongs to one question, for one command.

    Raises:
        UnsafeState: it was asked too often.
    """
    base = f"{proposal.step}-{proposal.fingerprint}{'' if approved_by is None else '-second'}"
    run = current_run()
    for n in range(1, MAX_ASKS + 1):
        key = base if n == 1 else f"{base}-{n}"
        known = load_request(run.id, key)
        if known is None:
            now = datetime.now(UTC)
            fresh = Request(
                key=key, proposal=proposal, asked_at=now, expires_at=now + valid_for, approved_by=approved_by
            )
            return _store(run.id, fresh)
        if datetime.now(UTC) < known.expires_at and not _is_used_up(known):
            return known
    raise UnsafeState("The same step was asked for too often in one run; nothing was done.", "Start a new run.")


def load_request(run: UUID, key: str) -> Request | None:
    """What a run asks, or asked, under this key; None where it did not."""
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(
            run, key_prefix=REQUEST_PREFIX + key, limit=2 * MAX_ASKS, exclude_keys=set()
        )
    for row in rows:
        if row.key == REQUEST_PREFIX + key:
            return Request.model_validate_json(row.value)
    return None


def newest_request(run: UUID) -> Request | None:
    """What a run asked last; None where it asked nothing."""
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(run, key_prefix=REQUEST_PREFIX, limit=200, exclude_keys=set())
    asked = [Request.model_validate_json(row.value) for row in rows]
    return max(asked, key=lambda request: request.asked_at, default=None)


def superseded(proposal: Proposal) -> tuple[Request, ...]:
    """What this run has asked of other plans and has not used up: an answer to one of them must never count later."""
    run = current_run().id
    with get_client(sync_client=True) as client:
        asked, used = (
            client.filter_flow_run_input(run, key_prefix=prefix, limit=200, exclude_keys=set())
            for prefix in (REQUEST_PREFIX, USED_PREFIX)
        )
    over = {row.key.removeprefix(USED_PREFIX) for row in used}
    requests = [Request.model_validate_json(row.value) for row in asked]
    return tuple(
        r
        for r in requests
        if r.key not in over and (r.proposal.step, r.proposal.fingerprint) != (proposal.step, proposal.fingerprint)
    )


def use_up(*requests: Request) -> None:
    """Note with the run that these answers have counted, or were void: the same failure again is another question."""
    run, now = current_run().id, str(datetime.now(UTC))
    with get_client(sync_client=True) as client:
        for request in requests:
            client.create_flow_run_input(run, key=USED_PREFIX + request.key, value=now)


def decided_at(request: Request) -> datetime:
    """When the answer reached the Prefect server."""
    answered = read_answer(current_run().id, request.key)
    return datetime.now(UTC) if answered is None else answered[1]


def read_answer(run: UUID, key: str) -> tuple[str, datetime] | None:
    """What was answered under this key, as JSON, and when it reached the Prefect server; None where nothing was."""
    with get_client(sync_client=True) as client:
        for waited in _WAITED:
            name = f"{waited}-{key}-response"
            rows = client.filter_flow_run_input(run, key_prefix=name, limit=2 * MAX_ASKS, exclude_keys=set())
            for row in rows:
                if row.key == name:
                    return row.value, row.created or datetime.now(UTC)
    return None


def _store(run: UUID, request: Request) -> Request:
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(run, key=REQUEST_PREFIX + request.key, value=request.model_dump_json())
    return request


def _is_used_up(request: Request) -> bool:
    prefix = USED_PREFIX + request.key
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(current_run().id, key_prefix=prefix, limit=2 * MAX_ASKS, exclude_keys=set())
    return any(row.key == prefix for row in rows)
