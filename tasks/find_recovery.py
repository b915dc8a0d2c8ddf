"""Find the newest recovery of a cluster among Prefect's runs, for whoever watches it from outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from tasks.claim import CLAIM_TAG, OWNER_TAG
from tasks.silence import NEVER_RESUMED

ASKED_BY_TAG: Final = "gpmedic-asked-by:"
"""On runs that were started in Slack, with the id of who started them there."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A run that has claimed a cluster.

    Attributes:
        live: it is not over; a suspended run is live without a process.
        paused_for: the key of the question that it waits for.
        ended_at: aware; None where it is live.
        owner: it has got the cluster; one that has only asked for it withdraws.
        unanswered: the server has ended it, because nobody answered its question.
        running_since: when it began, or went on after an answer; None where no process works on it.
        failed: it has ended with an error; its journal tells which, unless no page expects it.
    """

    run: UUID
    name: str
    live: bool
    paused_for: str | None
    asked_by: str | None
    ended_at: datetime | None
    owner: bool = True
    unanswered: bool = False
    running_since: datetime | None = None
    failed: bool = False


def find_recovery(cluster: str) -> Recovery | None:
    """The newest one; None where there has been none."""
    of_cluster = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=of_cluster, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return recovery_of(runs[0]) if runs else None


def ended_recoveries(cluster: str, limit: int) -> tuple[UUID, ...]:
    """The newest runs that are over, the newest first."""
    over = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED, StateType.FAILED]))
    of_cluster = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]), state=over)
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=of_cluster, sort=FlowRunSort.END_TIME_DESC, limit=limit)
    return tuple(run.id for run in runs)


def read_recovery(run: UUID) -> Recovery | None:
    """This one; None where Prefect knows it no longer."""
    with get_client(sync_client=True) as client:
        try:
            return recovery_of(client.read_flow_run(run))
        except ObjectNotFound:
            return None


def recovery_of(run: FlowRun) -> Recovery:
    """What this run is to who watches the cluster."""
    state = run.state
    over = state is not None and state.is_final()
    paused = state is not None and state.is_paused()
    asked = next((tag.removeprefix(ASKED_BY_TAG) for tag in run.tags if tag.startswith(ASKED_BY_TAG)), None)
    key = state.state_details.pause_key if state is not None and paused else None
    unanswered = over and state is not None and NEVER_RESUMED in (state.message or "")
    running = state.timestamp if state is not None and state.type is StateType.RUNNING else None
    failed = state is not None and state.type is StateType.FAILED and not unanswered
    ended = run.end_time if over else None
    return Recovery(run.id, run.name, not over, key, asked, ended, OWNER_TAG in run.tags, unanswered, running, failed)
