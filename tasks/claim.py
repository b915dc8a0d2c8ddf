"""One recovery per cluster at the level of flows: the claim that every disruptive flow makes first.

The claim is a tag on the flow run, so that it survives suspensions (no process lives then), restarts of the server and
crashes. A deployment's concurrency limit does none of that, and Prefect's leased locks keep everybody waiting for
minutes when a process dies that holds one. The lock for commands, on the coordinator's host, is another one: it also
stands against runs of another Prefect server.
"""

import fcntl
import os
import random
import socket
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
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
from prefect.context import FlowRunContext
from prefect.states import Crashed, Running

from gpmedic.errors import LockHeld

CLAIM_TAG = "gpmedic-recovery:"
OWNER_TAG = "gpmedic-owner"
"""A claimant gets it once it has seen that it is alone."""
HOST_TAG = "gpmedic-host:"
LIVE = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING]
"""Only claimants carry the tag, so a scheduled run in this list is one that is being resumed."""
ATTEMPTS = 8
KEPT_SECONDS = 14 * 86400
"""For so long the file of a run that has ended is kept; no question stands that long."""
ENDS_WITHIN = 180.0
"""Seconds that the process of a run which has been suspended may take to end; on a busy host that is long."""
BEGINS_WITHIN = 600.0
"""Seconds from when a worker fetches a run to when its process says that it runs: longer than an outage of the server
that it lives through, and than two clocks differ. Where the host dies in between, nobody fetches it again, and one
whose question was answered would hold its cluster for good."""
NO_SIGN_OF_LIFE = "no sign of life: its process or its host died"
"""What the server says of a run that it has crashed because it heard nothing."""
LONGEST_PAUSE = 1.5
"""Seconds, at random, before the next attempt of a run that met another one just claiming."""

_alive: dict[UUID, int] = {}
"""Lock files of the runs of this process, held open until it ends: how others see that it still lives.

In each stands the id of the RUNNING state in which the run claimed. A deployed run that was suspended is RUNNING again
before its new process has come as far as here; the file of the old one, which nobody holds, names the old state.
"""


def claim(cluster: str) -> None:
    """Make the current flow run the one recovery of this cluster; a resumed run claims what it has already.

    A run whose process is gone, or never began, is marked Crashed and does not stand in the way; a suspended one has
    none and does.

    Raises:
        LockHeld: another run that is not over owns the cluster.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("claim() is called at the top of a flow.")
    me = context.flow_run.id
    with get_client(sync_client=True) as client:
        _stay_alive(client.read_flow_run(me))
        for attempt in range(1, ATTEMPTS + 1):
            rival = _claim(client, me, f"{CLAIM_TAG}{cluster}")
            if rival is None:
                return
            if OWNER_TAG in rival.tags or attempt == ATTEMPTS:
                state = rival.state.name if rival.state else "starting"
                raise LockHeld(
                    f"Recovery run {rival.name} of cluster {cluster} is {state}; this run did nothing.",
                    f"Answer it (gpmedic approve {cluster} shows its question) or await its end "
                    f"(gpmedic watch {cluster}); if nobody works there any more: prefect flow-run cancel {rival.id}",
                )
            time.sleep(random.uniform(0.1, LONGEST_PAUSE))  # noqa: S311


def _claim(client: SyncPrefectClient, me: UUID, tag: str) -> FlowRun | None:
    """Write the claim first and look for others second, so that of two runs at least one sees the other.

    Whoever sees another withdraws: only a run that was alone goes on. The other one, or None.
    """
    tags = set(client.read_flow_run(me).tags)
    client.update_flow_run(me, tags=tags | {tag, f"{HOST_TAG}{socket.gethostname()}"})
    rivals = [other for other in _claimants(client, tag) if other.id != me and not _ended_because_dead(client, other)]
    owner = next((r for r in rivals if OWNER_TAG in r.tags), None)
    if not rivals or (OWNER_TAG in tags and owner is None):  # who has yet to look sees the owner and withdraws
        client.update_flow_run(me, tags=tags | {tag, OWNER_TAG, f"{HOST_TAG}{socket.gethostname()}"})
        return None
    client.update_flow_run(me, tags=tags - {tag, OWNER_TAG})
    return owner or rivals[0]


def end_if_dead(run: UUID) -> None:
    """Mark a run as crashed whose process, on this host, is proven to be gone, or which was fetched and has not begun
    on any; the server does not notice by itself."""
    with get_client(sync_client=True) as client:
        _ended_because_dead(client, client.read_flow_run(run))


def revived(run: FlowRun) -> bool:
    """Have a crashed run count as running again where a process of this host works on it; False: none does.

    A server that was away for long crashes what it has not heard. Then the claim is gone, so that another run may come
    beside it, and Prefect would not let it ask its next question. A process that has said itself that it crashed ends.
    """
    if run.state is None or run.state.message != NO_SIGN_OF_LIFE:
        return False
    with suppress(BlockingIOError):
        _left(run.id)
        return False
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Running(message="Its process lives."), force=True)
        now = client.read_flow_run(run.id)
        _lock_file(run.id).write_bytes(_state_id(now))  # or its death would not be seen any more
    return True


def _ended_because_dead(client: SyncPrefectClient, run: FlowRun) -> bool:
    if not _is_dead(client, run):
        return False
    client.set_flow_run_state(run.id, Crashed(message="Its process is gone."), force=True)
    return True


def _claimants(client: SyncPrefectClient, tag: str) -> list[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[tag]), state=FlowRunFilterState(type=FlowRunFilterStateType(any_=LIVE))
        ),
        limit=50,
    )


def _lock_file(run: UUID) -> Path:
    try:  # of the temporary folder a service gets a new one at each start
        folder = Path("~/.local/state/gpmedic/runs").expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # an account without a home
        folder = Path(tempfile.gettempdir()) / f"gpmedic-runs-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{run}.lock"


def _stay_alive(run: FlowRun) -> None:
    if run.id not in _alive:
        path = _lock_file(run.id)
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _await(held, run)
        _alive[run.id] = held
        _forget_old_files(path.parent)
    os.ftruncate(_alive[run.id], 0)
    os.pwrite(_alive[run.id], _state_id(run), 0)


def _await(held: int, run: FlowRun) -> None:
    """Lock the file; a run that is answered the moment it suspends is resumed while its process is still ending."""
    deadline = time.monotonic() + ENDS_WITHIN
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(held)
                raise LockHeld(
                    f"Another process on {socket.gethostname()} still works on run {run.name}; this one did nothing.",
                    "See what it does; once it has ended, start a new run.",
                ) from None
            time.sleep(0.1)


def _forget_old_files(folder: Path) -> None:
    """Those of runs that nobody asks about any more; a live process keeps writing into its own."""
    for path in folder.glob("*.lock"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _is_dead(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether a run that was started on this host by this user is proven to have lost its process, or one that was
    fetched on any host has been begun by none.

    A deployed run has none while it is suspended or waits for a worker: it must still be in the state in which it has
    claimed.
    """
    if run.state is not None and run.state.type is StateType.PENDING:
        waited = datetime.now(UTC) - run.state.timestamp
        return waited.total_seconds() > BEGINS_WITHIN and _state_id(client.read_flow_run(run.id)) == _state_id(run)
    if f"{HOST_TAG}{socket.gethostname()}" not in run.tags:
        return False
    try:
        claimed = _left(run.id)
    except BlockingIOError:
        return False
    if claimed is None:
        return False
    # Again, for it may have ended or been suspended in between: both are told to the server before the process ends.
    now = client.read_flow_run(run.id)
    if now.state is None or now.state.type not in LIVE:
        return False
    return now.deployment_id is None or claimed == _state_id(now)


def _left(run: UUID) -> bytes | None:
    """What the last process of this run has left in its lock file; None where none was on this host.

    Raises:
        BlockingIOError: it lives.
    """
    try:
        probe = os.open(_lock_file(run), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.pread(probe, 100, 0)
    finally:
        os.close(probe)


def _state_id(run: FlowRun) -> bytes:
    return b"" if run.state is None else str(run.state.id).encode()
