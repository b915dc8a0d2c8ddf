"""One recovery per cluster at the level of flows: the claim that every disruptive flow makes first.

The claim is a tag on the flow run, written and checked under a short lock, so that it survives suspensions (no process
lives then), restarts of the server and crashes. A deployment's concurrency limit does none of that. The lock for
commands, on the coordinator's host, is another one: it also stands against runs of another Prefect server.
"""

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Crashed

from gpmedic.errors import LockHeld

CLAIM_LOCK = "gpmedic-claim"
CLAIM_TAG = "gpmedic-recovery:"
HOST_TAG = "gpmedic-host:"
LIVE = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING]
"""Only claimants carry the tag, so a scheduled run in this list is one that is being resumed."""

_alive: dict[UUID, int] = {}
"""Lock files of the runs of this process, held open until it ends: how others see that it still lives."""


def claim(cluster: str) -> None:
    """Make the current flow run the one recovery of this cluster; a resumed run claims what it has already.

    A run that was started by hand and whose process is gone is marked Crashed and does not stand in the way.

    Raises:
        LockHeld: another run that is not over owns the cluster.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("claim() is called at the top of a flow.")
    me = context.flow_run.id
    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):  # two first claims at the same moment
            client.upsert_global_concurrency_limit_by_name(CLAIM_LOCK, 1)
        with concurrency(CLAIM_LOCK, occupy=1, strict=True, timeout_seconds=90, lease_duration=60):
            _claim(client, me, cluster)


def _claim(client: SyncPrefectClient, me: UUID, cluster: str) -> None:
    _stay_alive(me)
    tag = f"{CLAIM_TAG}{cluster}"
    tags = set(client.read_flow_run(me).tags)
    client.update_flow_run(me, tags=tags | {tag, f"{HOST_TAG}{socket.gethostname()}"})  # claim first, look second
    for other in _claimants(client, tag):
        if other.id == me:
            continue
        if _is_dead(other):
            client.set_flow_run_state(other.id, Crashed(message="Its process is gone."), force=True)
            continue
        client.update_flow_run(me, tags=tags - {tag})
        state = other.state.name if other.state else "starting"
        raise LockHeld(
            f"Recovery run {other.name} of cluster {cluster} is {state}; this run did nothing.",
            f"Answer or await it, or cancel it if nobody works there any more: prefect flow-run cancel {other.id}",
        )


def _claimants(client: SyncPrefectClient, tag: str) -> list[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[tag]), state=FlowRunFilterState(type=FlowRunFilterStateType(any_=LIVE))
        ),
        limit=50,
    )


def _lock_file(run: UUID) -> Path:
    return Path(tempfile.gettempdir()) / f"gpmedic-runs-{os.getuid()}" / f"{run}.lock"


def _stay_alive(run: UUID) -> None:
    if run in _alive:
        return
    path = _lock_file(run)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _alive[run] = held


def _is_dead(run: FlowRun) -> bool:
    """Whether a run without a deployment, started on this host by this user, has lost its process.

    A deployed run has none while it is suspended, and its worker or the zombie automation reports its crash.
    """
    if run.deployment_id is not None or f"{HOST_TAG}{socket.gethostname()}" not in run.tags:
        return False
    try:
        probe = os.open(_lock_file(run.id), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(probe)
    return True
