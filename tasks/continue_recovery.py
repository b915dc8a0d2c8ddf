"""A deployed recovery whose process died goes on without a person: it is started again, and adopts what runs.

It begins from the top, and asks anew for whatever has not been started: what was approved before never counts for
another state of the cluster.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from gpmedic.crashes import MOST_IN_A_ROW, Follows, follows
from tasks.claim import CLAIM_TAG, HOST_TAG, OWNER_TAG, end_if_dead, revived
from tasks.find_recovery import Recovery, crash_of, recovery_of
from tasks.notify import Level, Phase, announce, tell

_OF_THE_RUN: Final = (CLAIM_TAG, HOST_TAG, OWNER_TAG)


def continue_recovery(cluster: str) -> Recovery | None:
    """Start the newest recovery of this cluster again where it has crashed; once, however many looks see it.

    What a person has run in a terminal is begun again there.

    Returns:
        The newest recovery, which is the one that goes on; None where there has been none.
    """
    with get_client(sync_client=True) as client:
        runs = _newest(client, cluster)
        if runs and runs[0].state is not None and runs[0].state.type in (StateType.RUNNING, StateType.PENDING):
            end_if_dead(runs[0].id)
            runs = _newest(client, cluster)
        if not runs:
            return None
        if crash_of(runs[0]) is not None and revived(runs[0]):
            told = f"Recovery run {runs[0].name} counted as crashed, and its process lives: it counts as running again."
            tell(Phase.OBSERVE, told, Level.WARNING)
            runs = _newest(client, cluster)
        becomes = follows(map(crash_of, runs), datetime.now(UTC))
        if becomes is Follows.AGAIN_AND_AGAIN:
            _give_up(cluster, runs[0])
        if becomes is not Follows.GOES_ON or runs[0].deployment_id is None:
            return recovery_of(runs[0])
        again = _follower(client, runs[0], runs[0].deployment_id)
    if again is None:
        _give_up(cluster, runs[0])
        return recovery_of(runs[0])
    told = f"Recovery run {runs[0].name} has lost its process; {again.name} goes on with what it began."
    tell(Phase.OBSERVE, told, Level.WARNING)
    announce(cluster, "recovery.continued", {"crashed": str(runs[0].id), "run": str(again.id), "message": told})
    return recovery_of(again)


def _follower(client: SyncPrefectClient, crashed: FlowRun, deployment: UUID) -> FlowRun | None:
    """The run that goes on, however many looks ask; None where several have ended before the cluster was theirs,
    or a person has cancelled one."""
    for attempt in range(1, MOST_IN_A_ROW + 1):
        run = client.create_flow_run_from_deployment(
            deployment,
            parameters=crashed.parameters,
            tags=[tag for tag in crashed.tags if not tag.startswith(_OF_THE_RUN)],
            idempotency_key=f"gpmedic-continues-{crashed.id}{f'-{attempt}' if attempt > 1 else ''}",
        )
        end_if_dead(run.id)
        state = client.read_flow_run(run.id).state
        if state is None or not state.is_final():
            return run
        if state.is_cancelled():
            return None
    return None


def _give_up(cluster: str, last: FlowRun) -> None:
    told = (
        f"Recovery runs of {cluster} have crashed soon after their start, one after the other, or were cancelled; the"
        f" last that had the cluster is {last.name}, and none follows."
    )
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
