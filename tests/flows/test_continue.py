"""A worker is killed in the middle of a command: the next health check has its recovery go on, without a person."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment

from flows.attend import give
from flows.health_check import health_check
from flows.recover import recover
from gpmedic.access.brake import pull, release
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from tasks.approve import Answer
from tasks.claim import CLAIM_TAG
from tasks.continue_recovery import MOST_IN_A_ROW
from tests.worker import worked

WORKER = """
import sys
from uuid import UUID
from prefect.client.orchestration import get_client
from flows.recover import recover
from tests.worker import worked
with get_client(sync_client=True) as client:
    run = client.read_flow_run(UUID(sys.argv[1]))
worked(recover, run)
"""


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"continue-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        health_check.to_deployment(name="continue").apply()  # type: ignore[union-attr]
        recover.to_deployment(name="continue").apply()  # type: ignore[union-attr]
        yield cluster


def started(deployment: str, cluster: PracticeCluster) -> FlowRun:
    run = run_deployment(deployment, parameters={"cluster": cluster.name}, timeout=0, as_subflow=False)
    assert isinstance(run, FlowRun)
    return run


def looked(cluster: PracticeCluster) -> None:
    run = worked(health_check, started("health-check/continue", cluster))
    assert run.state is not None
    assert run.state.type is StateType.COMPLETED, run.state.message


def recoveries(cluster: PracticeCluster) -> list[FlowRun]:
    """The newest first; those too that have only been scheduled."""
    with get_client(sync_client=True) as client:
        of_recover = FlowFilter(name=FlowFilterName(any_=[recover.name]))
        runs = client.read_flow_runs(flow_filter=of_recover, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=50)
    return [run for run in runs if run.parameters == {"cluster": cluster.name}]


@contextmanager
def working(run: FlowRun, server: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of its own that works on the run, as a worker has one for each start; killed -9 at the end."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(run.id)],
        env={**os.environ, "PREFECT_API_URL": server, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def killed_when(run: FlowRun, condition: Callable[[], object], server: str) -> None:
    with working(run, server) as worker:
        deadline = time.monotonic() + 60
        while not condition():
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def read(run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def jobs_of(cluster: PracticeCluster) -> list[Path]:
    return list((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*/pids"))


@pytest.mark.chaos
def test_a_recovery_whose_worker_was_killed_goes_on_after_the_next_look_and_starts_nothing_twice(
    practice: PracticeCluster, prefect_server: str
) -> None:
    looked(practice)
    assert recoveries(practice) == [], "nothing crashed, and nothing is started"
    practice.break_(Fault.KILL_MIRROR, content=3)
    practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
    run = started("recover/continue", practice)
    with working(run, prefect_server) as worker:
        worker.wait(60)
    assert read(run).state_name == "Suspended"
    looked(practice)
    assert len(recoveries(practice)) == 1, "one that waits for a person is not dead"
    give(run.id, Answer(decision="yes", operator="anna"))
    killed_when(run, lambda: jobs_of(practice), prefect_server)

    looked(practice)
    looked(practice)
    again, dead = recoveries(practice)
    assert dead.id == run.id
    assert dead.state is not None
    assert dead.state.type is StateType.CRASHED
    ended = worked(recover, again)
    assert ended.state is not None
    assert ended.state.type is StateType.COMPLETED, ended.state.message
    assert len(jobs_of(practice)) == 1, "gprecoverseg was started once"
    assert observe(practice.settings).diagnosis.healthy
    looked(practice)
    assert len(recoveries(practice)) == 2


@pytest.mark.chaos
def test_a_policy_lets_a_look_start_the_recovery_once_for_an_incident_and_a_no_ends_it(
    practice: PracticeCluster, prefect_server: str
) -> None:
    file = Path(os.environ["GPMEDIC_CLUSTERS"]) / f"{practice.name}.toml"
    text = file.read_text()
    recover.to_deployment(name="recover").apply()  # type: ignore[union-attr]
    try:
        looked(practice)
        known = len(recoveries(practice))
        practice.break_(Fault.KILL_MIRROR, content=5)
        practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
        looked(practice)
        assert len(recoveries(practice)) == known, "by a person, where nothing is said"
        file.write_text(text.replace("[policy]\n", '[policy]\nrecovery_starts = "by_health_check"\n'))
        with Shell.connect(practice.settings.ssh) as shell:
            pull(shell, practice.settings, "anna")
            looked(practice)
            release(shell, practice.settings)
        assert len(recoveries(practice)) == known, "the brake stands against it"
        for _ in range(2):
            looked(practice)
        assert len(recoveries(practice)) == known + 1
        run = worked(recover, recoveries(practice)[0])
        assert run.state_name == "Suspended", "it asks"
        give(run.id, Answer(decision="no", operator="anna", reason="later"))
        assert worked(recover, run).state is not None
        looked(practice)
        assert len(recoveries(practice)) == known + 1, "a no is a no"
    finally:
        file.write_text(text)
        with get_client(sync_client=True) as client:
            client.delete_deployment(client.read_deployment_by_name("recover/recover").id)
    by_hand = worked(recover, started("recover/continue", practice))
    give(by_hand.id, Answer(decision="yes", operator="anna"))
    assert worked(recover, by_hand).state_name == "Completed"


@pytest.mark.chaos
def test_what_crashes_again_and_again_is_left_to_a_person(practice: PracticeCluster, prefect_server: str) -> None:
    practice.break_(Fault.KILL_MIRROR, content=4)
    practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
    known = len(recoveries(practice))
    run = started("recover/continue", practice)
    for crashes in range(1, MOST_IN_A_ROW + 1):
        killed_when(run, lambda of=run: _owns(of, practice), prefect_server)  # type: ignore[misc]
        looked(practice)
        newest = recoveries(practice)
        assert len(newest) == known + min(crashes + 1, MOST_IN_A_ROW)
        run = newest[0]
    assert run.state is not None
    assert run.state.type is StateType.CRASHED


def _owns(run: FlowRun, cluster: PracticeCluster) -> bool:
    with get_client(sync_client=True) as client:
        mine = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster.name}", "gpmedic-owner"]))
        return run.id in [one.id for one in client.read_flow_runs(flow_run_filter=mine)]
