"""A task whose way to the cluster is broken for a moment is tried again; one that was refused is not."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Status
from gpmedic.errors import PrecheckFailed
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.detect import detect, look
from tasks.precheck import Checked, clock
from tasks.recover import recover
from tests.people import approval


@pytest.fixture(scope="module")
def cluster() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"retry-{os.getpid()}", "6") as practice:
        yield practice


@pytest.fixture
def practice(cluster: PracticeCluster) -> PracticeCluster:
    """With the mirror of content 0 down."""
    if cluster.facts().segment(8).status is Status.UP:
        cluster.break_(Fault.KILL_MIRROR, content=0)
        cluster.wait_until(lambda facts: facts.segment(8).status is Status.DOWN)
    return cluster


@contextmanager
def unreachable_until_it_was_tried(practice: PracticeCluster) -> Iterator[None]:
    """From now on, until Prefect knows of this flow's task that its first attempt has failed."""
    practice.break_(Fault.SSH_REFUSED, host="mdw")
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id]))

    def heal() -> None:
        deadline = time.monotonic() + 60
        with get_client(sync_client=True) as client:
            while time.monotonic() < deadline:
                states = [run.state for run in client.read_task_runs(flow_run_filter=wanted)]
                if any(state is not None and state.name == "AwaitingRetry" for state in states):
                    break
                time.sleep(0.1)
        practice.heal(Fault.SSH_REFUSED, host="mdw")

    healing = threading.Thread(target=copy_context().run, args=[heal])
    healing.start()
    try:
        yield
    finally:
        healing.join()


@flow
def looking(practice: PracticeCluster) -> bool:
    with unreachable_until_it_was_tried(practice):
        return detect(practice.settings).diagnosis.healthy


@flow
def recovering(settings: ClusterSettings, approval: Approval, checked: Checked) -> None:
    recover(settings, approval, checked)


@flow
def recovering_in_spite_of_it(practice: PracticeCluster, approval: Approval, checked: Checked) -> None:
    with unreachable_until_it_was_tried(practice):
        recover(practice.settings, approval, checked)


def attempts(state: State[Any]) -> int:
    """How often the one task of this flow run was tried."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))  # type: ignore[list-item]
    deadline = time.monotonic() + 30
    with get_client(sync_client=True) as client:
        while True:  # task runs reach the server as events, a moment later
            runs = client.read_task_runs(flow_run_filter=wanted)
            if runs and runs[0].state is not None and runs[0].state.is_final():
                return runs[0].run_count
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_look_is_tried_again(practice: PracticeCluster) -> None:
    state = looking(practice, return_state=True)
    assert state.result() is False
    assert attempts(state) > 1


def test_a_refusal_is_not_tried_again(practice: PracticeCluster) -> None:
    settings = practice.settings
    given = approval(look(settings).plan(settings).fingerprint)
    full = Check(CheckName.DISK_SPACE, "sdw2", Verdict.FAIL, "was full", "Make room.")
    checked = Checked((full,), given.fingerprint, clock())
    state = recovering(settings, given, checked, return_state=True)
    with pytest.raises(PrecheckFailed):
        state.result()
    assert attempts(state) == 1


def test_a_command_that_could_not_be_started_is_tried_again_and_started_once(practice: PracticeCluster) -> None:
    settings, jobs = practice.settings, practice.folder / "hosts" / "mdw" / ".gpmedic" / "jobs"
    given = approval(look(settings).plan(settings).fingerprint)
    checked = Checked((), "another plan", clock())
    state = recovering_in_spite_of_it(practice, given, checked, return_state=True)
    assert state.is_completed()
    assert attempts(state) > 1
    assert practice.facts().segment(8).status is Status.UP
    assert len(list(jobs.iterdir())) == 1
