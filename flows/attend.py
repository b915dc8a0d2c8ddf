"""Run a flow in this process while somebody here answers its approvals.

The terminal's prompt, the practice operator of the drills and the tests all go this way: the answers reach the flow
through Prefect's API, exactly as the web page or another program would give them.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout, NotPausedError, PrefectHTTPStatusError
from prefect.flow_runs import resume_flow_run

from tasks.approve import A_PERSON, Answer, Decision, Request, given_answer, hearing_requests

T = TypeVar("T")
Attendant = Callable[[Request], Answer | None]
"""Shown what shall be done, returns the answer, or None where somebody else has given it; what it raises is a no."""

POLL_SECONDS = 0.1
GIVEN_FOR_SECONDS = 300.0
_OTHER_QUESTION = "does not match"  # by the pattern of the form
_asked: ContextVar[tuple[UUID, Request]] = ContextVar("_asked")
_Requests = SimpleQueue[tuple[UUID, Request] | None]


def attend(run: Callable[[], T], attendant: Attendant, answering: str = A_PERSON) -> T:
    """Call `run`, which runs a flow, and have the attendant answer each approval that it asks for.

    Args:
        answering: who the attendant is, for those who watch.

    Returns:
        What the flow returned; what it raised is raised.
    """
    requests: _Requests = SimpleQueue()
    # The settings of Prefect, and so its address, live in the context of this thread.
    thread = Thread(target=copy_context().run, args=(_answer_all, requests, attendant), daemon=True)
    thread.start()
    try:
        with hearing_requests(lambda run_id, request: requests.put((run_id, request)), answering):
            return run()
    finally:
        requests.put(None)
        thread.join(timeout=2)  # it may sit in a prompt that nobody answers any more


def _answer_all(requests: _Requests, attendant: Attendant) -> None:
    while (asked := requests.get()) is not None:
        run, request = asked
        _asked.set(asked)
        answer: Answer | None
        try:
            answer = attendant(request)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:2000]
            answer = Answer(decision=Decision.NO.value, operator="nobody", reason=reason)
        if answer is not None and _await_pause(run, request):
            give(run, answer.model_copy(update={"question": request.key}))


def answered_elsewhere() -> bool:
    """Whether nobody waits for the answer of the attendant in whose thread this is called any more."""
    run, request = _asked.get()
    try:
        if given_answer(run, request.key) is not None:
            return True
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
    except (httpx.TransportError, PrefectHTTPStatusError):  # then nobody knows
        return False
    return datetime.now(UTC) >= request.expires_at or state is None or state.is_final()


def _await_pause(run: UUID, request: Request) -> bool:
    """Wait until the run is paused for this request; False where it never is (it has ended, or the time is over)."""
    deadline = time.monotonic() + 60
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            state = client.read_flow_run(run).state
            if state is not None and state.is_paused() and state.state_details.pause_key == request.key:
                return True
            if state is None or state.is_final():
                return False
            time.sleep(POLL_SECONDS)
    return False


def give_and_see(run: UUID, answer: Answer) -> Answer | None:
    """Give an answer that names its question, and see which one counted there; None where none has."""
    give(run, answer)
    counted = given_answer(run, answer.question)
    return None if counted is None else counted[0]


def _passes(error: httpx.TransportError | PrefectHTTPStatusError) -> bool:
    """Whether the server may take it a moment later: busy, away, or about to store another answer to this question."""
    if not isinstance(error, PrefectHTTPStatusError):
        return True
    return error.response.is_server_error or error.response.status_code == httpx.codes.CONFLICT


def give(run: UUID, answer: Answer) -> None:
    """Hand the answer to the paused run; one that comes too late, or belongs to another question, changes nothing.

    A person's word is not lost to a server that is busy or away for a moment: it is given again for some minutes.
    """
    deadline = time.monotonic() + GIVEN_FOR_SECONDS
    while True:
        try:
            resume_flow_run(run, run_input=answer.written())
        except (NotPausedError, FlowPauseTimeout):
            return
        except RuntimeError as error:
            if _OTHER_QUESTION in str(error):
                return
            if "schema" not in str(error).lower() or time.monotonic() > deadline:  # its form is stored a moment later
                raise
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            if not _passes(error) or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(POLL_SECONDS)
