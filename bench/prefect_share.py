"""What Prefect is asked for: tasks, calls and bytes of a whole recovery, and of waits of several lengths."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from bench.by_hand import lose_a_mirror, recover_by_hand
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from bench.tap import Tap
from flows.attend import attend
from flows.health_check import health_check
from flows.journal import keeping, open_journal
from flows.local_server import free_port, local_server
from flows.recover import recover
from gpmedic.cluster import Cluster
from gpmedic.pace import KEPT_WITHIN
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import CONFIG_VARIABLE, ClusterSettings
from tasks.approve import Answer, Request
from tasks.notify import listening
from tasks.wait_for_sync import wait_for_sync

CALLS_FOR_A_FIGURE = 5
"""The journal is read, stored and forgotten, the progress drawn, the log sent."""
CALLS_FOR_A_RUN = 20
_SETTLED = 5.0
"""Seconds after which the server has told its database what the last events were."""


@flow(name="bench-wait")
def waiting(settings: ClusterSettings) -> Cluster:
    """A wait with the journal of a recovery, and with the pauses of a real cluster."""
    with listening(keeping(open_journal(settings.name))):
        return wait_for_sync(settings.model_copy(update={"practice": False}))


def measure(effort: Effort) -> Result:
    """A health check, a recovery, and waits, each counted by itself."""
    figures, port = Figures(), free_port()
    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-bench-") as folder,
        Tap(port) as tap,
        local_server(Path(folder), port=port) as api,
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{tap.port}/api"}),
        PracticeCluster(f"bench-{os.getpid()}") as cluster,
    ):
        os.environ[CONFIG_VARIABLE] = folder
        (Path(folder) / f"{cluster.name}.toml").write_text((cluster.folder / "cluster.toml").read_text())
        for _ in range(effort.repetitions):
            with _counting(figures, "health check", api, tap):
                health_check(cluster.name)
            lose_a_mirror(cluster)
            with _counting(figures, "recovery of a mirror", api, tap):
                attend(lambda: recover(cluster.name), _yes)
        for length in effort.waits:
            cluster.break_(Fault.SLOW_RESYNC, seconds=length)
            lose_a_mirror(cluster)
            recover_by_hand(cluster.settings)
            with _counting(figures, f"wait of {length:g} s", api, tap):
                waiting(cluster.settings)
    longest = max(effort.waits)
    bound = CALLS_FOR_A_RUN + CALLS_FOR_A_FIGURE * (100 + longest / KEPT_WITHIN)
    calls = figures.median(f"wait of {longest:g} s", "calls")
    return Result(figures.result().figures, (Goal(f"calls of a wait of {longest:g} s", calls, bound),))


def _yes(request: Request) -> Answer:
    return Answer(decision="yes", operator="bench")


@contextmanager
def _counting(figures: Figures, of: str, api: str, tap: Tap) -> Iterator[None]:
    tasks, calls, sent, received = _task_runs(api), tap.requests.total(), tap.sent, tap.received
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    time.sleep(_SETTLED)
    figures.add(
        of,
        seconds=seconds,
        tasks=_task_runs(api) - tasks,
        calls=tap.requests.total() - calls,
        kB_sent=(tap.sent - sent) / 1e3,
        kB_received=(tap.received - received) / 1e3,
    )


def _task_runs(api: str) -> int:
    return int(httpx.post(f"{api}/task_runs/count", json={}, timeout=30).raise_for_status().json())
