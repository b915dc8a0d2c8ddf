"""`gpmedic serve`: everything in one process, which ends when it is told and makes up for nothing that it missed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments import run_deployment
from prefect.states import Scheduled
from services.site import await_recovered, await_that
from typer.testing import CliRunner

from blocks.slack_app import SlackApp
from flows.deployed import PrefectVisit
from flows.local_server import local_server
from gpmedic.cli import app
from gpmedic.cli.bug import Bug, told
from gpmedic.cluster import Status
from gpmedic.doctor import Access
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.processes import with_variables
from gpmedic.practice.slack import PracticeSlack
from tasks.approve import Answer
from tasks.find_recovery import find_recovery
from tests.cli.conftest import Cli
from tests.jobs import jobs_of, stop_the_utility
from tests.people import give

ROOT = Path(__file__).parents[2]
MISSED = 8


def test_without_a_cluster_or_a_server_serve_says_what_to_do(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["serve"], env={"GPMEDIC_CLUSTERS": str(tmp_path)}).exception
    assert str(said).startswith(f"No cluster is registered in {tmp_path}; nothing is served. Next: ")
    done = Cli(tmp_path)("serve", "sales")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gpmedic: PREFECT_API_URL names no Prefect server")


def test_a_server_that_stops_answering_is_no_bug_of_gpmedic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where a bug is kept
    with pytest.raises(httpx.ConnectError) as failure:
        httpx.get("http://127.0.0.1:9/api/health", timeout=5)
    assert str(told(failure.value)).startswith("The Prefect server does not answer any more (ConnectError)")
    assert isinstance(told(ValueError("another")), Bug)


@pytest.fixture
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One for each test: pages and the Slack app's block have one name there, and who serves takes all its runs."""
    with local_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def cluster(prefect_server: str, tmp_path: Path) -> Iterator[tuple[PracticeCluster, PracticeSlack]]:
    """A cluster whose incidents are told in Slack; the app's block is saved."""
    assert prefect_server
    with PracticeSlack() as slack, PracticeCluster(f"serve-{os.getpid()}", "6") as practice:
        told = f'\n[slack]\nchannel = "{slack.new_channel()}"\napprovers = ["U0ANNA"]\n'
        (tmp_path / f"{practice.name}.toml").write_text((practice.folder / "cluster.toml").read_text() + told)
        SlackApp(bot_token=slack.bot_token, app_token=slack.app_token, api_url=slack.api_url).save(
            "serve", overwrite=True
        )
        yield practice, slack


@dataclass(frozen=True)
class Served:
    """A running `gpmedic serve`; what it says goes to a file, or its runs would wait for somebody to read it."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, wanted: str) -> None:
        await_that(lambda: wanted in self.said or self.process.poll() is not None, f"it did not say {wanted!r}")
        assert wanted in self.said, f"it ended before it said {wanted!r}: {self.said}"

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(120) == 0, self.said
        assert self.said.endswith("Ended.\n"), self.said


@contextmanager
def serving(server: str, clusters: Path) -> Iterator[Served]:
    log = clusters / f"serve-{time.time_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", "from gpmedic.cli import main; main()", "serve", "--app", "serve"],
            cwd=ROOT,
            env={
                **os.environ,
                "PREFECT_API_URL": server,
                "PREFECT_RUNNER_POLL_FREQUENCY": "1",
                "PREFECT_HOME": str(clusters / "prefect"),
                "GPMEDIC_CLUSTERS": str(clusters),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Served(process, log)
    finally:
        process.kill()
        process.wait()


def deployment(name: str) -> DeploymentResponse:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(name)


def runs(of: UUID) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[of])))


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_serve_runs_all_ends_when_told_and_of_the_checks_that_it_missed_it_runs_one(
    prefect_server: str, cluster: tuple[PracticeCluster, PracticeSlack], tmp_path: Path
) -> None:
    name = cluster[0].name
    with serving(prefect_server, tmp_path) as serve:
        serve.wait_for(f"Serving {name} as U0GPMEDIC, through Socket Mode.")
        checks = PrefectVisit(name).checks
        assert checks[Access.WORK_POOL]().detail == "gpmedic serve needs none."
        await_that(lambda: checks[Access.WORKER]().detail == "gpmedic serve takes its place.", "serve asks for no runs")
        check, recover = deployment(f"health-check/health-check-{name}"), deployment("recover/recover")
        assert not check.paused
        assert [schedule.active for schedule in check.schedules] == [True]
        run = run_deployment("recover/recover", parameters={"cluster": name}, timeout=0)
        state, speaks = run.state, set[int]()
        deadline = time.monotonic() + 90
        while state is not None and not state.is_final():
            assert time.monotonic() < deadline
            speaks |= with_variables(f"PREFECT__FLOW_RUN_ID={run.id}", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30")
            time.sleep(0.1)
            state = next(one.state for one in runs(recover.id) if one.id == run.id)
        assert state is not None
        assert state.is_completed(), state
        assert speaks, "without its sign of life a run would be crashed while it works"
        serve.end()
        assert "Traceback" not in serve.said, serve.said
    assert deployment(f"health-check/health-check-{name}").paused
    assert deployment("recover/recover").id == recover.id

    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        missed = {
            client.create_flow_run_from_deployment(
                check.id, state=Scheduled(scheduled_time=now - timedelta(minutes=1 + minute))
            ).id
            for minute in range(MISSED)
        }
    with serving(prefect_server, tmp_path) as serve:
        serve.wait_for("through Socket Mode.")
        assert not deployment(f"health-check/health-check-{name}").paused
        deadline = time.monotonic() + 60
        while not all(run.state is not None and run.state.is_final() for run in runs(check.id) if run.id in missed):
            assert time.monotonic() < deadline
            time.sleep(0.3)
        became = Counter(run.state_name for run in runs(check.id) if run.id in missed)
        assert became == {"Completed": 1, "Cancelled": MISSED - 1}
        serve.end()


def the_owner_lives(practice: PracticeCluster) -> bool:
    recovery = find_recovery(practice.name)
    return recovery is not None and recovery.live


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_serve_that_is_ended_in_the_middle_of_a_recovery_has_it_go_on_when_it_is_started_again(
    prefect_server: str, cluster: tuple[PracticeCluster, PracticeSlack], tmp_path: Path
) -> None:
    practice, _ = cluster
    practice.break_(Fault.KILL_MIRROR, content=1)
    practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
    with serving(prefect_server, tmp_path) as serve:
        serve.wait_for("through Socket Mode.")
        run = run_deployment("recover/recover", parameters={"cluster": practice.name}, timeout=0)
        await_that(lambda: (r := find_recovery(practice.name)) and r.paused_for, "nobody asks")
        give(run.id, Answer(decision="yes", operator="anna"))
        await_that(lambda: jobs_of(practice) or not the_owner_lives(practice), "nothing is started")
        assert jobs_of(practice), serve.said
        _, pid = stop_the_utility(practice, set(), "recover", "Initiating segment recovery")
        serve.end()
    ended = find_recovery(practice.name)
    assert ended is not None
    assert ended.run == run.id
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run.id).state_name == "Crashed"
    with serving(prefect_server, tmp_path) as serve:
        serve.wait_for("through Socket Mode.")
        os.kill(pid, signal.SIGCONT)
        await_recovered(practice)
        serve.end()
    assert len(jobs_of(practice)) == 1
