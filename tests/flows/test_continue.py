"""A worker is killed in the middle of a command: the next health check has its recovery go on, without a person."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.states import Cancelled, Crashed, Pending

import tasks.claim
from flows.health_check import health_check
from flows.journal import KEY
from flows.recover import recover
from gpmedic.access.brake import pull, release
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Status
from gpmedic.crashes import MOST_IN_A_ROW
from gpmedic.practice import Fault, PracticeCluster
from tasks.approve import Answer
from tasks.claim import CLAIM_TAG, NO_SIGN_OF_LIFE
from tests.jobs import jobs_of, wait_for_job
from tests.people import give
from tests.worker import worked

PATIENCE = 240
"""Seconds for what takes a process of its own some seconds, on a machine that does nothing else."""
LOOKS_WITHIN = 20.0
"""Seconds that a mirror takes to catch up: longer than a health check."""
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
        runs = client.read_flow_runs(flow_filter=of_recover, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=200)
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
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def read(run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def suspended(run: FlowRun, server: str) -> None:
    with working(run, server) as worker:
        worker.wait(PATIENCE)
    assert read(run).state_name == "Suspended", read(run).state


def finished(run: FlowRun, server: str) -> FlowRun:
    """Work on it until it is over, with a yes to whatever it asks."""
    while True:
        with working(run, server) as worker:
            worker.wait(PATIENCE)
        run = read(run)
        if run.state_name != "Suspended":
            return run
        give(run.id, Answer(decision="yes", operator="anna"))


def down(cluster: PracticeCluster, fault: Fault, content: int) -> None:
    cluster.break_(fault, content=content)
    cluster.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))


@dataclass(frozen=True)
class Phase:
    """In which a worker dies; after so many answers, when so many of the run's jobs were begun, or are over."""

    fault: Fault
    answers: int
    begun: int
    over: int = 0


# Five processes a test, on a machine that may be busy.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

PHASES = {
    "recovering": Phase(Fault.KILL_MIRROR, answers=1, begun=1),
    "polling": Phase(Fault.KILL_MIRROR, answers=1, begun=1, over=1),
    "rebalancing": Phase(Fault.KILL_PRIMARY, answers=2, begun=2, over=1),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_recovery_whose_worker_was_killed_goes_on_after_the_next_look_and_starts_nothing_twice(
    phase: str, practice: PracticeCluster, prefect_server: str
) -> None:
    dies, known, before = PHASES[phase], len(recoveries(practice)), jobs_of(practice)

    def new_jobs() -> set[Path]:
        return jobs_of(practice) - before

    def reached() -> bool:
        over = [job for job in new_jobs() if (job / "exit_code").exists()]
        return len(new_jobs()) == dies.begun and len(over) >= dies.over

    looked(practice)
    assert len(recoveries(practice)) == known, "nothing crashed, and nothing is started"
    down(practice, dies.fault, 3)
    if phase == "polling":
        practice.break_(Fault.SLOW_RESYNC, seconds=4)
    run = started("recover/continue", practice)
    for _ in range(dies.answers):
        suspended(run, prefect_server)
        looked(practice)
        assert len(recoveries(practice)) == known + 1, "one that waits for a person is not dead"
        give(run.id, Answer(decision="yes", operator="anna"))
    killed_when(run, reached, prefect_server)
    practice.heal(Fault.SLOW_RESYNC)

    looked(practice)
    looked(practice)
    assert len(recoveries(practice)) == known + 2
    assert read(run).state_name == "Crashed"
    ended = finished(recoveries(practice)[0], prefect_server)
    assert ended.state_name == "Completed", ended.state
    assert len(new_jobs()) == dies.begun, "each command was started once"
    assert observe(practice.settings).diagnosis.healthy
    looked(practice)
    assert len(recoveries(practice)) == known + 2


def test_a_policy_lets_a_look_start_the_recovery_once_for_an_incident_and_a_no_ends_it(
    practice: PracticeCluster, prefect_server: str
) -> None:
    file = Path(os.environ["GPMEDIC_CLUSTERS"]) / f"{practice.name}.toml"
    text = file.read_text()
    recover.to_deployment(name="recover").apply()  # type: ignore[union-attr]
    try:
        looked(practice)
        known = len(recoveries(practice))
        down(practice, Fault.KILL_MIRROR, 5)
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
        run = recoveries(practice)[0]
        suspended(run, prefect_server)
        give(run.id, Answer(decision="no", operator="anna", reason="later"))
        with working(run, prefect_server) as worker:
            worker.wait(PATIENCE)
        looked(practice)
        assert len(recoveries(practice)) == known + 1, "a no is a no"
        with get_client(sync_client=True) as client:
            client.create_flow_run_input(run.id, f"{KEY}-z", '{"of": "another version"}')  # sorts after all the others
        looked(practice)
        assert len(recoveries(practice)) == known + 1, "what cannot be read starts nothing, and ends no look"
    finally:
        file.write_text(text)
        with get_client(sync_client=True) as client:
            client.delete_deployment(client.read_deployment_by_name("recover/recover").id)
    assert finished(started("recover/continue", practice), prefect_server).state_name == "Completed"


def test_what_crashes_again_and_again_is_left_to_a_person(practice: PracticeCluster, prefect_server: str) -> None:
    down(practice, Fault.KILL_MIRROR, 4)
    known = len(recoveries(practice))
    run = started("recover/continue", practice)
    for crashes in range(1, MOST_IN_A_ROW + 1):
        killed_when(run, lambda of=run: _owns(of, practice), prefect_server)  # type: ignore[misc]
        looked(practice)
        newest = recoveries(practice)
        assert len(newest) == known + min(crashes + 1, MOST_IN_A_ROW)
        run = newest[0]
    assert run.state_name == "Crashed"
    assert finished(started("recover/continue", practice), prefect_server).state_name == "Completed"


def crashed_by_the_server(run: FlowRun) -> None:
    """As the automation does the moment that a server is there again which was away for long."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message=NO_SIGN_OF_LIFE), force=True)


def test_a_run_that_was_crashed_while_its_process_lives_counts_as_running_again_and_asks_its_next_question(
    practice: PracticeCluster, prefect_server: str
) -> None:
    before, known = jobs_of(practice), len(recoveries(practice))
    down(practice, Fault.KILL_PRIMARY, 1)
    practice.break_(Fault.SLOW_RESYNC, seconds=LOOKS_WITHIN)
    run = started("recover/continue", practice)
    suspended(run, prefect_server)
    give(run.id, Answer(decision="yes", operator="anna"))
    with working(run, prefect_server) as worker:
        wait_for_job(practice, before, "recover")
        crashed_by_the_server(run)
        looked(practice)
        assert read(run).state_name == "Running"
        worker.wait(PATIENCE)
    practice.heal(Fault.SLOW_RESYNC)
    assert read(run).state_name == "Suspended", read(run).state
    give(run.id, Answer(decision="yes", operator="anna"))
    with working(run, prefect_server):
        wait_for_job(practice, before, "rebalance")
        crashed_by_the_server(run)
        looked(practice)
    looked(practice)
    assert read(run).state_name == "Crashed", "what counts as running again can die"
    assert len(recoveries(practice)) == known + 2
    ended = finished(recoveries(practice)[0], prefect_server)
    assert ended.state_name == "Completed", ended.state
    assert sorted(job.name.partition("-")[0] for job in jobs_of(practice) - before) == ["rebalance", "recover"]


def test_a_run_that_a_dead_host_has_fetched_goes_on_and_one_that_is_just_beginning_is_left_alone(
    practice: PracticeCluster, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(recoveries(practice))
    down(practice, Fault.KILL_MIRROR, 2)
    run = started("recover/continue", practice)
    suspended(run, prefect_server)
    give(run.id, Answer(decision="yes", operator="anna"))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Pending())  # and the host dies
    looked(practice)
    assert read(run).state_name == "Pending", "it may take its time"
    monkeypatch.setattr(tasks.claim, "BEGINS_WITHIN", 0.1)
    looked(practice)
    assert read(run).state_name == "Crashed"
    assert len(recoveries(practice)) == known + 2
    assert finished(recoveries(practice)[0], prefect_server).state_name == "Completed"


def test_of_runs_that_end_before_the_cluster_is_theirs_another_follows_until_a_person_cancels_one(
    practice: PracticeCluster, prefect_server: str
) -> None:
    down(practice, Fault.KILL_MIRROR, 3)
    run = started("recover/continue", practice)
    killed_when(run, lambda: _owns(run, practice), prefect_server)
    looked(practice)
    known = len(recoveries(practice))
    for ends, more in ((Crashed(), 1), (Cancelled(), 1)):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(recoveries(practice)[0].id, ends, force=True)
        looked(practice)
        looked(practice)
        assert len(recoveries(practice)) == known + more, ends.name
    assert finished(started("recover/continue", practice), prefect_server).state_name == "Completed"


def _owns(run: FlowRun, cluster: PracticeCluster) -> bool:
    with get_client(sync_client=True) as client:
        mine = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster.name}", "gpmedic-owner"]))
        return run.id in [one.id for one in client.read_flow_runs(flow_run_filter=mine)]
