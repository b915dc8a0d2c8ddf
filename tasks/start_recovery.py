"""Start the deployed recovery of a cluster from outside, once for each wish."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from gpmedic.errors import UnsafeState
from tasks.find_recovery import ASKED_BY_TAG

DEPLOYMENT: Final = "recover/recover"


def start_recovery(cluster: str, asked_by: str, wish: str, deployment: str = DEPLOYMENT) -> UUID:
    """Schedule a run and do not wait for it; the run's id.

    Args:
        asked_by: the Slack id of who wants it.
        wish: the same wish starts no second run.

    Raises:
        UnsafeState: there is no such deployment; nothing was started.
    """
    while True:
        run = schedule_recovery(cluster, wish, (f"{ASKED_BY_TAG}{asked_by}",), deployment)
        if run.state is None or not run.state.is_final():
            return run.id
        wish = f"{wish}-after-{run.id}"  # that one has ended before it could claim the cluster


def schedule_recovery(cluster: str, wish: str, tags: Iterable[str] = (), deployment: str = DEPLOYMENT) -> FlowRun:
    """The run of this wish: a new one, or that which the same wish has started before.

    Raises:
        UnsafeState: there is no such deployment; nothing was started.
    """
    try:
        with get_client(sync_client=True) as client:
            return client.create_flow_run_from_deployment(
                client.read_deployment_by_name(deployment).id,
                parameters={"cluster": cluster},
                tags=tags,
                idempotency_key=f"gpmedic-{cluster}-{wish}",
            )
    except ObjectNotFound:
        raise UnsafeState(
            f"There is no deployment {deployment}, so no recovery was started.",
            f"Make it: gpmedic setup {cluster} --deploy; or run: gpmedic recover {cluster}",
        ) from None
