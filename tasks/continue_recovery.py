"""A deployed recovery whose process died goes on without a person: it is started again, and adopts what runs.

It begins from the top, and asks anew for whatever has not been started: what was approved before never counts for
another state of the cluster.
"""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from tasks.claim import CLAIM_TAG, HOST_TAG, OWNER_TAG, end_if_dead
from tasks.find_recovery import Recovery, recovery_of
from tasks.notify import Level, Phase, announce, tell

MOST_IN_A_ROW: Final = 3
"""Runs that crashed one after the other: then it is no accident, and a person must look."""
NOT_AFTER: Final = timedelta(days=1)
"""What has crashed so long ago is a person's to begin again."""
_OF_THE_RUN: Final = (CLAIM_TAG, HOST_TAG, OWNER_TAG)


def continue_recovery(cluster: str) -> Recovery | None:
    """Start the newest recovery of this cluster again where it has crashed; once, however many looks see it.

    What a person has run in a terminal is begun again there.

    Returns:
        The newest recovery, which is the one that goes on; None where there has been none.
    """
    with get_client(sync_client=True) as client:
        runs = _newest(client, cluster)
        if runs and _is(runs[0], StateType.RUNNING):
            end_if_dead(runs[0].id)
            runs = _newest(client, cluster)
        if not runs:
            return None
        crashed = list(takewhile(lambda run: _is(run, StateType.CRASHED), runs))
        if runs[0] not in crashed or runs[0].deployment_id is None or _is_old(runs[0]):
            return recovery_of(runs[0])
        if len(crashed) >= MOST_IN_A_ROW:
            _give_up(cluster, runs[0])
            return recovery_of(runs[0])
        again = client.create_flow_run_from_deployment(
            runs[0].deployment_id,
            parameters=runs[0].parameters,
            tags=[tag for tag in runs[0].tags if not tag.startswith(_OF_THE_RUN)],
            idempotency_key=f"gpmedic-continues-{runs[0].id}",
        )
    told = f"Recovery run {runs[0].name} has lost its process; {again.name} goes on with what it began."
    tell(Phase.OBSERVE, told, Level.WARNING)
    announce(cluster, "recovery.continued", {"crashed": str(runs[0].id), "run": str(again.id), "message": told})
    return recovery_of(again)


def _give_up(cluster: str, last: FlowRun) -> None:
    told = f"{MOST_IN_A_ROW} recovery runs of {cluster} have crashed in a row, the last is {last.name}; none follows."
    action = "Read the log of that run and of its worker, then start the recovery yourself."
    tell(Phase.OBSERVE, f"{told} Next: {action}", Level.WARNING)
    announce(cluster, "recovery.crashed", {"run": str(last.id), "message": told, "next_action": action})


def _newest(client: SyncPrefectClient, cluster: str) -> list[FlowRun]:
    """Without those that have ended before the cluster was theirs."""
    of_cluster = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]))
    runs = client.read_flow_runs(
        flow_run_filter=of_cluster, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=3 * MOST_IN_A_ROW
    )
    return [run for run in runs if OWNER_TAG in run.tags or (run.state is not None and not run.state.is_final())]


def _is(run: FlowRun, kind: StateType) -> bool:
    return run.state is not None and run.state.type is kind


def _is_old(run: FlowRun) -> bool:
    return run.end_time is None or datetime.now(UTC) - run.end_time > NOT_AFTER
