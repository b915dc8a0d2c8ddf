"""Find the newest recovery of a cluster among Prefect's runs, for whoever watches it from outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from gpmedic.crashes import Crash
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
        started_at: aware; None where it has not started yet.
        state: Prefect's word for how it stands.
        crash: None where its process has not died.
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
    cluster: str = ""
    started_at: datetime | None = None
    state: str = ""
    crash: Crash | None = None


def find_recovery(cluster: str) -> Recovery | None:
    """The newest one; None where there has been none."""
    of_cluster = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=of_cluster, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return recovery_of(runs[0]) if runs else None


def newest_recoveries(cluster: str | None, limit: int) -> tuple[Recovery, ...]:
    """Those of one cluster, or of all, the newest first."""
    tags = [OWNER_TAG] if cluster is None else [OWNER_TAG, f"{CLAIM_TAG}{cluster}"]
    return _read(FlowRunFilter(tags=FlowRunFilterTags(all_=tags)), limit)


def named_recovery(name_or_id: str) -> tuple[Recovery, ...]:
    """The newest whose run has this name, or the one with this id; none where Prefect knows none."""
    own = FlowRunFilterTags(all_=[OWNER_TAG])
    try:
        wanted = FlowRunFilter(tags=own, id=FlowRunFilterId(any_=[UUID(name_or_id)]))
    except ValueError:
        wanted = FlowRunFilter(tags=own, name=FlowRunFilterName(any_=[name_or_id]))
    return _read(wanted, 1)


def _read(wanted: FlowRunFilter, limit: int) -> tuple[Recovery, ...]:
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=limit)
    return tuple(map(recovery_of, runs))


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
    return Recovery(
        run=run.id,
        name=run.name,
        live=not over,
        paused_for=key,
        asked_by=asked,
        ended_at=run.end_time if over else None,
        owner=OWNER_TAG in run.tags,
        unanswered=unanswered,
        running_since=state.timestamp if state is not None and state.type is StateType.RUNNING else None,
        failed=state is not None and state.type is StateType.FAILED and not unanswered,
        cluster=next((tag.removeprefix(CLAIM_TAG) for tag in run.tags if tag.startswith(CLAIM_TAG)), ""),
        started_at=run.start_time,
        state=(state.name or "") if state is not None else "",
        crash=crash_of(run),
    )


def crash_of(run: FlowRun) -> Crash | None:
    """How this run has crashed; None where it has not."""
    if run.state is None or run.state.type is not StateType.CRASHED:
        return None
    return Crash(run.state.timestamp, run.total_run_time, run.deployment_id is not None)
