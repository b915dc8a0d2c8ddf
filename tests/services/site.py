"""A site as production has it: a Prefect server on PostgreSQL, workers of one pool, everything that setup deploys."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from flows.deployed import POOL, deploy
from flows.journal import read_journal
from flows.local_server import free_port, served, server_process
from gpmedic.access.observe import observe
from gpmedic.practice import PracticeCluster
from gpmedic.practice.processes import with_variables
from gpmedic.report import Outcome
from tasks.approve import Answer
from tasks.find_recovery import find_recovery
from tests.people import give
from tests.postgres_server import postgres_server

PATIENCE = 400.0
"""Seconds for what takes some on a machine that does nothing else."""


@dataclass
class Site:
    """The server can be killed and comes back at the same address, with the same database."""

    folder: Path
    database_url: str
    port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start_server(self) -> None:
        self.server = self._stack.enter_context(server_process(self.folder, self.port, self.database_url))
        await_that(self._answers, "the server does not answer")

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        return False

    def kill_server(self) -> None:
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    @contextmanager
    def worker(self, name: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A worker of the pool, just starting; told to end at the end."""
        command = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name, *options]
        environment = {
            **os.environ,
            "PREFECT_API_URL": self.url,
            "PREFECT_HOME": str(self.folder / name),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        with self.log_of(name).open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)
            process.kill()
            process.wait()

    def log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def processes_of(self, run: UUID) -> set[int]:
        """Those that work on a run, whichever worker has started them."""
        return with_variables(f"PREFECT_API_URL={self.url}", f"PREFECT__FLOW_RUN_ID={run}")

    def end(self) -> None:
        self._stack.close()
        for pid in with_variables(f"PREFECT_API_URL={self.url}"):  # left by workers that were killed
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def site(folder: Path, cluster: PracticeCluster) -> Iterator[Site]:
    """With everything deployed for this cluster, and no worker."""
    with postgres_server() as database:
        made = Site(folder, database.url)
        try:
            made.start_server()
            with served(folder, made.port):
                deploy(cluster.name)
                yield made
        finally:
            made.end()


def await_that(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def start(cluster: PracticeCluster) -> FlowRun:
    run = run_deployment("recover/recover", parameters={"cluster": cluster.name}, timeout=0, as_subflow=False)
    assert isinstance(run, FlowRun)
    return run


def read(run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def await_question(cluster: PracticeCluster, step: str) -> None:
    def asked() -> bool:
        recovery = find_recovery(cluster.name)
        return recovery is not None and (recovery.paused_for or "").startswith(step)

    await_that(asked, f"nobody asks for {step}")


def say_yes(cluster: PracticeCluster, step: str) -> None:
    """To the question of this step, once it stands."""
    await_question(cluster, step)
    recovery = find_recovery(cluster.name)
    assert recovery is not None
    give(recovery.run, Answer(decision="yes", operator="anna"))


def await_recovered(cluster: PracticeCluster, asked_once_more: str = "") -> None:
    """The newest recovery has proven the cluster healthy; until then questions of this step get a yes."""

    def ended() -> bool:
        recovery = find_recovery(cluster.name)
        if recovery is not None and asked_once_more and (recovery.paused_for or "").startswith(asked_once_more):
            give(recovery.run, Answer(decision="yes", operator="anna"))
        if recovery is None or recovery.live:
            return False
        journal = read_journal(recovery.run)
        return journal is not None and journal.outcome in (Outcome.RECOVERED, Outcome.HEALTHY)

    await_that(ended, "no recovery comes to its end")
    assert observe(cluster.settings).diagnosis.healthy
