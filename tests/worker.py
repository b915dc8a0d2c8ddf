"""The part of a worker: the engine runs once for each time that the server schedules a run."""

from contextlib import suppress
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending


def worked(flow: Flow[..., Any], run: FlowRun) -> FlowRun:
    """What a worker does with a scheduled run; returns it as it stands when the process is gone."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Pending())
        run = client.read_flow_run(run.id)
        with suppress(Pause):  # how the engine tells a worker's process to end
            run_flow(flow, flow_run=run, parameters=run.parameters, return_type="state")
        return client.read_flow_run(run.id)
