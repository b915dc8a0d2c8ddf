"""Start the deployed recovery of a cluster from outside, once for each wish."""

from typing import Final, cast
from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
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
        run = _run_of(cluster, asked_by, wish, deployment)
        if run.state is None or not run.state.is_final():
            return run.id
        wish = f"{wish}-after-{run.id}"  # that one has ended before it could claim the cluster


def _run_of(cluster: str, asked_by: str, wish: str, deployment: str) -> FlowRun:
    try:
        run = run_deployment(
            deployment,
            parameters={"cluster": cluster},
            timeout=0,
            as_subflow=False,
            tags=[f"{ASKED_BY_TAG}{asked_by}"],
            idempotency_key=f"gpmedic-{cluster}-{wish}",
        )
    except ObjectNotFound:
        raise UnsafeState(
            f"There is no deployment {deployment}, so nothing was started.",
            "Deploy the flows (README), or run gpmedic recover.",
        ) from None
    return cast(FlowRun, run)
