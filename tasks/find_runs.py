"""What becomes of gpmedic's own runs, of all clusters at once: which wait for a worker, which have crashed, and what
fetches the health checks that are due.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import DeploymentStatus, FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from gpmedic.alarms import Checks
from gpmedic.crashes import Crash
from tasks.claim import OWNER_TAG
from tasks.find_recovery import crash_of

TAG: Final = "gpmedic"
"""Of all our deployments, and so of their runs: on a shared server others have flows of these names too."""
LOOK_BACK: Final = timedelta(days=7)
"""A run that waits for an answer was due long before it waits for a worker again; no question stands for longer."""
MOST_RUNS: Final = 200


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a page.

    Attributes:
        run: its id.
        waits_since: when a worker should have fetched it; None where it does not wait for one.
        fetched_at: when one has; None where its process has begun.
        crash: None where it has not crashed.
        owner: the cluster is, or was, its own.
        pool: whose workers run it; None where `gpmedic serve` does.
    """

    run: UUID
    name: str
    waits_since: datetime | None
    fetched_at: datetime | None
    crash: Crash | None
    owner: bool
    pool: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """The health checks of one cluster that go by the clock.

    Attributes:
        since: when they were deployed.
    """

    since: datetime
    checks: Checks
    pool: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """All of it, by the cluster's name; runs that are due or were, the newest first."""

    of: Mapping[str, tuple[Run, ...]]
    watches: Mapping[str, Watch]


def find_runs(pages: Collection[str], health_check: str) -> Runs:
    """Two calls, however many clusters there are.

    Args:
        pages, health_check: the names of the flows.
    """
    now = datetime.now(UTC)
    due = FlowRunFilter(
        expected_start_time=FlowRunFilterExpectedStartTime(after_=now - LOOK_BACK, before_=now),
        tags=FlowRunFilterTags(any_=[TAG, OWNER_TAG]),  # what a person runs in a terminal has no deployment
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(pages))),
            flow_run_filter=due,
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=MOST_RUNS,
        )
        deployed = client.read_deployments(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[health_check])),
            deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])),
        )
    by_cluster: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_cluster[str(run.parameters.get("cluster"))].append(_run(run))
    watches: dict[str, Watch] = {}
    for one in sorted(deployed, key=lambda one: list(Checks).index(_checks(one))):  # of several the best one counts
        created = one.created or now
        watches[str(one.parameters.get("cluster"))] = Watch(created, _checks(one), one.work_pool_name)
    return Runs({name: tuple(of) for name, of in by_cluster.items()}, watches)


def _run(run: FlowRun) -> Run:
    state = run.state
    waits = fetched = None
    if state is not None and state.type is StateType.SCHEDULED:
        waits = state.state_details.scheduled_time or state.timestamp
    elif state is not None and state.type is StateType.PENDING:
        fetched = state.timestamp
    return Run(run.id, run.name, waits, fetched, crash_of(run), OWNER_TAG in run.tags, run.work_pool_name)


def _checks(deployment: DeploymentResponse) -> Checks:
    if deployment.paused or not any(schedule.active for schedule in deployment.schedules):
        return Checks.PAUSED
    return Checks.TAKEN if deployment.status is DeploymentStatus.READY else Checks.NOT_TAKEN
