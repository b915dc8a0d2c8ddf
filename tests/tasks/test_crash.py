"""What Prefect tells of a run that has crashed."""

import time
from datetime import timedelta

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Crashed, Running, Suspended

from tasks.find_recovery import crash_of

WAITED = 3.0


@flow
def waits_for_long() -> None:
    """Works, waits for an answer, and works again."""


@pytest.mark.usefixtures("prefect_server")
def test_how_long_a_run_has_worked_is_told_without_its_waits_for_answers() -> None:
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(waits_for_long, state=Running())
        assert crash_of(client.read_flow_run(run.id)) is None
        begun = time.monotonic()
        client.set_flow_run_state(run.id, Suspended(), force=True)
        time.sleep(WAITED)
        client.set_flow_run_state(run.id, Running(), force=True)
        worked = 0.5
        time.sleep(worked)
        client.set_flow_run_state(run.id, Crashed(), force=True)
        crash = crash_of(client.read_flow_run(run.id))
    passed = time.monotonic() - begun
    assert crash is not None
    assert not crash.deployed
    assert timedelta(seconds=worked) <= crash.ran <= timedelta(seconds=passed - WAITED + 1)
