"""Recovery runs that were suspended for an answer and failed by the Prefect server because none came."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from tasks.claim import CLAIM_TAG

NEVER_RESUMED: Final = "never resumed"
"""In the message of the state that the server gives to such a run."""
REPORTED_TAG: Final = "gpmedic-silence-reported"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A run that nobody answered."""

    run: UUID
    name: str


def find_unanswered(cluster: str) -> tuple[Unanswered, ...]:
    """Those of this cluster, among its newest failed runs, that nobody has reported."""
    failed = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED])),
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=failed, sort=FlowRunSort.END_TIME_DESC, limit=20)
    return tuple(
        Unanswered(run.id, run.name)
        for run in runs
        if REPORTED_TAG not in run.tags and run.state is not None and NEVER_RESUMED in (run.state.message or "")
    )


def mark_reported(run: UUID) -> None:
    """Note with the run that its silence has been reported."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(run, tags={*client.read_flow_run(run).tags, REPORTED_TAG})
