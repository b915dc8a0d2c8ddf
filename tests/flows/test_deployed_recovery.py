"""A deployed recovery suspends for each answer and begins again from the top: it must know what has failed before.

The test takes the part of the worker: it runs the engine once for each time that the server schedules the run.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment

from flows.attend import attend
from flows.health_check import health_check
from flows.recover import recover
from gpmedic.cluster import Mode, Status
from gpmedic.events import Decision
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.report import Outcome
from tasks.approve import Answer, Request
from tasks.detect import look
from tasks.rule_out import rule_out
from tests.artifacts import newest_page
from tests.people import Operator, give
from tests.worker import worked


@pytest.fixture(scope="module", params=["6"])
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"deployed-{os.getpid()}-{request.param.replace('.', '')}"
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(name, request.param) as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


@pytest.fixture(scope="module")
def deployment(prefect_server: str) -> str:
    recover.to_deployment(name="by-hand").apply()  # type: ignore[union-attr]
    return "recover/by-hand"


def started(deployment: str, cluster: PracticeCluster) -> FlowRun:
    return worked(
        recover, run_deployment(deployment, parameters={"cluster": cluster.name}, timeout=0, as_subflow=False)
    )


def asks(run: FlowRun) -> str:
    assert run.state is not None
    assert run.state.name == "Suspended", run.state.message
    return (run.state.state_details.pause_key or "").rpartition("-")[0]


def answered(run: FlowRun) -> FlowRun:
    give(run.id, Answer(decision="yes", operator="anna"))
    return worked(recover, run)


def mirror_down(dbid: int) -> Callable[[Facts], bool]:
    return lambda facts: facts.segment(dbid).status.value == "d"


def jobs_of(cluster: PracticeCluster) -> set[str]:
    return {folder.name for folder in (cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*")}


def report_of(cluster: PracticeCluster) -> str:
    return newest_page("recovery", cluster.name).replace("\\", "")


@pytest.mark.chaos
def test_after_a_failed_incremental_recovery_neither_the_resumed_run_nor_the_next_one_tries_it_again(
    practice: PracticeCluster, deployment: str
) -> None:
    before = jobs_of(practice)
    practice.break_(Fault.REWIND_FAILS, dbid=9)
    practice.break_(Fault.KILL_MIRROR, content=1)
    practice.wait_until(mirror_down(9))
    run = started(deployment, practice)
    assert asks(run) == "recover"
    run = answered(run)
    assert asks(run) == "recover-full"
    (known,) = rule_out.fn(practice.settings, look(practice.settings))
    assert (known.dbid, known.kinds) == (9, {RecoveryType.INCREMENTAL}), "another run knows it too"
    run = answered(run)
    assert run.state is not None
    assert run.state.type is StateType.COMPLETED, run.state.message
    assert sorted(job.partition("-")[0] for job in jobs_of(practice) - before) == ["recover", "recover_full"]
    seen = look(practice.settings)
    rows = tuple(replace(s, status=Status.DOWN) if s.dbid == 9 else s for s in seen.observation.cluster.segments)
    snapshot = replace(seen.observation.cluster, segments=rows)
    down_again = replace(seen, observation=replace(seen.observation, snapshot=snapshot))
    assert rule_out.fn(practice.settings, down_again) == (), "it has been up since: another failure is another incident"


@pytest.mark.chaos
def test_a_yes_to_a_suspended_copy_does_not_cover_what_was_mounted_or_unmounted_there_meanwhile(
    practice: PracticeCluster, deployment: str
) -> None:
    practice.break_(Fault.REWIND_FAILS, dbid=10)
    practice.break_(Fault.KILL_MIRROR, content=2)
    practice.wait_until(mirror_down(10))
    run = answered(started(deployment, practice))
    assert asks(run) == "recover-full"
    before = jobs_of(practice)
    mounted = Path(practice.facts().segment(10).datadir)
    away = mounted.rename(f"{mounted}.away")
    run = answered(run)
    assert asks(run) == "recover-full", "what the yes was shown is not there any more"
    away.rename(mounted)
    run = answered(run)
    assert asks(run).startswith("recover-full-"), "it is the first question a second time, and its yes was void"
    assert jobs_of(practice) == before
    run = answered(run)
    assert run.state is not None
    assert run.state.type is StateType.COMPLETED, run.state.message


@pytest.mark.chaos
@pytest.mark.parametrize("practice", ["6", "4.3", "7"], indirect=True)
def test_a_data_directory_that_is_gone_is_copied_anew_after_an_approval_that_names_it(
    practice: PracticeCluster,
) -> None:
    lost = practice.facts().segment(11)
    practice.break_(Fault.DATADIR_REMOVED, dbid=11)
    practice.break_(Fault.KILL_MIRROR, content=0)
    practice.wait_until(lambda facts: mirror_down(11)(facts) and mirror_down(8)(facts))
    operator = Operator()

    def answer(request: Request) -> Answer:
        if request.proposal.step == "recover":  # a copied mirror that came into sync after the answer would void it
            practice.wait_until(lambda facts: facts.segment(11).mode is Mode.SYNCHRONIZED)
        return operator(request)

    report = attend(lambda: recover(practice.name), answer)
    assert report.outcome is Outcome.RECOVERED
    asked = [(request.proposal.step, request.proposal.dbids) for request in operator.asked]
    # The copied mirror has caught up beside the second question: its first answer may be void, and it is asked again.
    assert list(dict.fromkeys(asked)) == [("recover-full", (11,)), ("recover", (8,))]
    assert [a.step for a in report.approvals if a.decision is Decision.APPROVED] == ["recover-full", "recover"]
    shown = operator.asked[0].proposal.text.replace("\\", "")
    assert f"OVERWRITES these directories with a full copy: {lost.datadir} on {lost.hostname} (dbid 11" in shown
    assert f"{lost.datadir} does not exist" in shown


@pytest.mark.chaos
def test_silence_to_a_suspended_run_is_reported_once_by_the_next_health_check(
    practice: PracticeCluster, deployment: str, prefect_server: str
) -> None:
    file = Path(os.environ["GPMEDIC_CLUSTERS"]) / f"{practice.name}.toml"
    text = file.read_text()
    practice.break_(Fault.KILL_MIRROR, content=4)
    practice.wait_until(mirror_down(12))
    file.write_text(text.replace("[policy]\n", "[policy]\napproval_timeout = 1\n"))
    run = started(deployment, practice)
    file.write_text(text)
    deadline = time.monotonic() + 60
    with get_client(sync_client=True) as client:
        while (state := client.read_flow_run(run.id).state) is None or not state.is_final():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "never resumed" in (state.message or "")
    for _ in range(2):
        health_check(practice.name)
    page = report_of(practice)
    assert "| recover | expired | nobody |" in page
    assert "Next: Run the flow again when somebody is there" in page
    assert f"Nobody answered recover of recovery run {run.name} in time" in page
    told = [event for event in events_of(prefect_server, practice.name) if event["run"] == run.name]
    assert len(told) == 1
    assert told[0]["next_action"].startswith("Run the flow again")
    assert attend(lambda: recover(practice.name), Operator()).outcome is Outcome.RECOVERED


def events_of(server: str, cluster: str) -> list[dict[str, str]]:
    """The payloads of the refusals, once one has reached the server."""
    query = {
        "filter": {"event": {"name": ["gpmedic.recovery.refused"]}, "resource": {"id": [f"gpmedic.cluster.{cluster}"]}}
    }
    deadline = time.monotonic() + 30  # the server stores events in batches
    while True:
        found = httpx.post(f"{server}/events/filter", json=query, timeout=10).raise_for_status().json()["events"]
        told = [event["payload"] for event in found if "run" in event["payload"]]
        if told or time.monotonic() > deadline:
            return told
        time.sleep(0.1)
