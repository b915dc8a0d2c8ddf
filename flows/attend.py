"""Run a flow in this process while somebody here answers its approvals.

The terminal's prompt, the practice operator of the drills and the tests all go this way: the answers reach the flow
through Prefect's API, exactly as the web page or another program would give them.
"""

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from typing import TypeVar
from uuid import uuid4

from prefect import tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import FlowPauseTimeout, NotPausedError
from prefect.flow_runs import resume_flow_run

from tasks.approve import Answer, Decision, Request, load_request

T = TypeVar("T")
Attendant = Callable[[Request], Answer]
"""Shown what shall be done, returns the answer. What it raises counts as a no."""

POLL_SECONDS = 0.1


def attend(run: Callable[[], T], attendant: Attendant) -> T:
    """Call `run`, which runs a flow, and have the attendant answer each approval that it asks for.

    Returns:
        What the flow returned; what it raised is raised.
    """
    tag = f"gpmedic-attended:{uuid4()}"
    over = Event()
    # The settings of Prefect, and so its address, live in the context of this thread.
    thread = Thread(target=copy_context().run, args=(_answer_all, tag, attendant, over), daemon=True)
    thread.start()
    try:
        with tags(tag):
            return run()
    finally:
        over.set()
        thread.join(timeout=2)  # it may sit in a prompt that nobody answers any more


def _answer_all(tag: str, attendant: Attendant, over: Event) -> None:
    paused = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])),
    )
    with get_client(sync_client=True) as client:
        while not over.wait(POLL_SECONDS):
            for run in client.read_flow_runs(flow_run_filter=paused):
                _answer(client, run, attendant)


def _answer(client: SyncPrefectClient, run: FlowRun, attendant: Attendant) -> None:
    key = run.state.state_details.pause_key if run.state else None
    request = load_request(run.id, key) if key else None
    if request is None:
        return
    try:
        answer = attendant(request)
    except Exception as error:
        answer = Answer(decision=Decision.NO.value, operator="nobody", reason=f"{type(error).__name__}: {error}"[:2000])
    give(run, answer)


def give(run: FlowRun, answer: Answer) -> None:
    """Hand the answer to the paused run; an answer that comes too late changes nothing."""
    for _ in range(50):
        try:
            resume_flow_run(run.id, run_input=answer.model_dump())
        except (NotPausedError, FlowPauseTimeout):
            return
        except RuntimeError as error:
            if "schema" not in str(error).lower():
                raise
            time.sleep(POLL_SECONDS)  # the run is paused already, but its form is not stored yet
        else:
            return
