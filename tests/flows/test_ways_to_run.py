"""The same flow under `python -m`, under `flow.serve` and under a worker: real processes, one server, one cluster."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from flows.local_server import local_server
from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import CONFIG_VARIABLE
from tasks.approve import Answer
from tests.people import give

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PracticeCluster, dict[str, str]]]:
    """A healthy cluster, and the environment in which another process finds it and a server of its own.

    On that of the session other tests deploy recover, and delete it.
    """
    folder = tmp_path_factory.mktemp("clusters")
    with (
        local_server(tmp_path_factory.mktemp("server")) as prefect_server,
        PracticeCluster(f"ways-{os.getpid()}", "6") as cluster,
    ):
        (folder / f"{cluster.name}.toml").write_text((cluster.folder / "cluster.toml").read_text())
        yield (
            cluster,
            {
                **os.environ,
                CONFIG_VARIABLE: str(folder),
                "PREFECT_API_URL": prefect_server,
                "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            },
        )


@contextmanager
def running(*command: str, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):  # Prefect's worker may hang at its end; systemd ends it then too
            process.wait(60)
        process.kill()
        process.wait()


def prefect(*arguments: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_flow_runs_as_a_module(environment: tuple[PracticeCluster, dict[str, str]]) -> None:
    cluster, variables = environment
    done = subprocess.run(
        [sys.executable, "-m", "flows.recover", cluster.name],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "healthy, nothing was done" in done.stdout


@pytest.mark.chaos
def test_a_flow_runs_when_it_is_served(environment: tuple[PracticeCluster, dict[str, str]]) -> None:
    cluster, variables = environment
    serve = "from flows.recover import recover; recover.serve(name='served')"
    variables = {**variables, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with running(sys.executable, "-c", serve, environment=variables):
        wait_for_deployment("recover/served")
        run = run_deployment("recover/served", parameters={"cluster": cluster.name}, timeout=60, poll_interval=0.3)
    assert run.state is not None
    assert run.state.is_completed(), run.state


@pytest.mark.chaos
@pytest.mark.timeout(240)
def test_a_worker_recovers_with_what_prefect_yaml_deploys_and_no_process_waits_for_the_answer(
    environment: tuple[PracticeCluster, dict[str, str]],
) -> None:
    cluster, variables = environment
    variables = {**variables, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    prefect("work-pool", "create", "gpmedic", "--type", "process", "--overwrite", environment=variables)
    prefect("deploy", "--prefect-file", "deployments/prefect.yaml", "--all", environment=variables)
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(lambda facts: facts.segment(8).status is Status.DOWN)
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "gpmedic", "--type", "process"]
    with running(*worker, environment=variables):
        run = run_deployment("recover/recover", parameters={"cluster": cluster.name}, timeout=0, as_subflow=False)
        asked = state_of(run.id, lambda state: state.name == "Suspended")
        assert (asked.state_details.pause_key or "").startswith("recover-")
        assert cluster.facts().segment(8).status is Status.DOWN
        give(run.id, Answer(decision="yes", operator="anna"))
        ended = state_of(run.id, State.is_final)
    assert ended.is_completed(), ended
    assert cluster.facts().segment(8).status is Status.UP


def state_of(run: UUID, wanted: Callable[[State], bool]) -> State:
    """The state of the run, once it is as wanted or final."""
    deadline = time.monotonic() + 90
    with get_client(sync_client=True) as client:
        while True:
            state = client.read_flow_run(run).state
            if state is not None and (wanted(state) or state.is_final()):
                return state
            assert time.monotonic() < deadline, state
            time.sleep(0.2)


def wait_for_deployment(name: str) -> None:
    deadline = time.monotonic() + 30
    with get_client(sync_client=True) as client:
        while True:
            try:
                client.read_deployment_by_name(name)
            except ObjectNotFound:
                assert time.monotonic() < deadline, f"{name} was not served"
                time.sleep(0.2)
            else:
                return
