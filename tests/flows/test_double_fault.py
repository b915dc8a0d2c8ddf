"""Both copies of a content are down: found, compared, restarted with an approval, recovered, and never made worse."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.recover import recover
from gpmedic.access.restart import job_argv
from gpmedic.access.ssh import Shell
from gpmedic.copies import Current
from gpmedic.errors import Unrecoverable
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Release
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.steps import Action, Disruption, Step
from tasks.approve import Answer, Request
from tasks.detect import look
from tasks.notify import Progress, listening

every_generation = pytest.mark.parametrize(
    "practice", ["6", "4.3", pytest.param("7", marks=pytest.mark.chaos)], indirect=True
)
generation_6 = pytest.mark.parametrize("practice", ["6"], indirect=True)


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"double-{request.param.replace('.', '')}-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(name, request.param) as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


class Operator:
    """Says yes, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(decision="yes", operator="anna")

    @property
    def steps(self) -> list[str]:
        return [request.proposal.step for request in self.asked]


def recovered(cluster: PracticeCluster, operator: Operator) -> RecoveryReport:
    return attend(lambda: recover(cluster.name), operator)


def jobs_of(cluster: PracticeCluster, action: str) -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob(f"{action}-*"))


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@every_generation
def test_both_copies_down_are_compared_restarted_and_recovered_and_no_row_is_lost(practice: PracticeCluster) -> None:
    """On 6 and 7 pg_rewind fails too: a full copy follows, with an approval of its own, of that directory alone."""
    practice.write_rows(120)
    before = practice.count_rows()
    rewinds = practice.release is not Release.V4_3
    if rewinds:
        practice.break_(Fault.REWIND_FAILS, dbid=3)
    practice.break_(Fault.KILL_BOTH, content=1)
    operator = Operator()
    report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == (["restart", "recover", "recover-full", "rebalance"] if rewinds else ["restart"])
    current = Current.PRIMARY if rewinds else Current.EITHER
    assert "gpstop -a -M fast; gpstart -a" in operator.asked[0].proposal.text
    assert f"current is {current.value}, because" in operator.asked[0].proposal.text
    assert "Copies of the contents that did not answer" in report_text(report)
    assert practice.count_rows() == before
    if rewinds:
        overwritten = practice.facts().segment(3)
        full = operator.asked[2].proposal.text.replace("\\", "")
        assert f"OVERWRITES these directories with a full copy: {overwritten.datadir} on sdw1 (dbid 3" in full
        assert "the incremental recovery of dbid 3 has failed" in full
        (job,) = jobs_of(practice, "recover_full")
        assert "gprecoverseg -a -F -i /" in (job / "command").read_text()


@generation_6
def test_nothing_is_started_while_a_postmaster_is_left_or_a_host_does_not_answer(practice: PracticeCluster) -> None:
    settings = practice.settings
    cluster = look(settings).observation.cluster
    step = Step(Action.RESTART, ("true",), (), (), "", Disruption.INTERRUPTS, afterwards=("echo", "it", "starts"))
    shell_, c, text, name, stop, start, _, deadline, *hosts = job_argv(step, cluster)
    away = ["nosuchhost.invalid", "must", "true"]
    with Shell.connect(settings.ssh) as shell:
        done = shell.run('exec "$@"', shell_, c, text, name, stop, start, "0", deadline, *hosts, *away)
    assert done.exit_code == 70
    assert "it starts" not in done.stdout.splitlines()
    for segment in practice.facts().segments:
        assert f"left: postmaster {segment.pid} {segment.datadir} on {segment.hostname}\n" in done.stdout
    assert "left: nosuchhost.invalid does not answer" in done.stdout


@pytest.mark.chaos
@generation_6
def test_a_restart_whose_run_was_killed_is_adopted_and_runs_once(
    practice: PracticeCluster, prefect_server: str
) -> None:
    practice.break_(Fault.KILL_BOTH, content=2)
    before = len(jobs_of(practice, "restart"))
    script = textwrap.dedent(f"""
        from flows.attend import attend
        from flows.recover import recover
        from tasks.approve import Answer
        attend(lambda: recover({practice.name!r}), lambda _: Answer(decision="yes", operator="anna"))
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PREFECT_API_URL": prefect_server, "PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(jobs_of(practice, "restart")) > before, "no restart was started")
        job = max(jobs_of(practice, "restart"), key=lambda folder: folder.stat().st_mtime)
        until(lambda: (job / "pids").exists() and "stop ended with" in (job / "out").read_text(), "nothing was stopped")
        pid = int((job / "pids").read_text().split()[2])
        os.kill(pid, signal.SIGSTOP)
    finally:
        run.kill()
        run.wait()
    assert practice.facts().coordinator.pid is None, "the database is stopped, and nobody is there to start it"

    def let_go_when_adopted(progress: Progress) -> None:
        if "started by an earlier run" in progress.text:
            os.kill(pid, signal.SIGCONT)

    operator = Operator()
    with listening(let_go_when_adopted):
        report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == ["recover", "rebalance"]
    assert len(jobs_of(practice, "restart")) == before + 1


@generation_6
def test_when_both_copies_are_gone_nothing_is_touched_and_a_page_for_the_restore_is_left(
    practice: PracticeCluster,
) -> None:
    practice.break_(Fault.KILL_BOTH, content=4)
    directories = [Path(s.datadir) for s in practice.facts().segments if s.content == 4]
    for directory in directories:
        directory.rename(f"{directory}.away")
    before, operator = len(jobs_of(practice, "*")), Operator()
    with pytest.raises(Unrecoverable, match="Every copy of content 4 is lost") as lost:
        recovered(practice, operator)
    assert operator.asked == []
    assert len(jobs_of(practice, "*")) == before
    assert all(str(directory) in lost.value.message for directory in directories)
    for directory in directories:
        Path(f"{directory}.away").rename(directory)
    assert recovered(practice, operator).outcome is Outcome.RECOVERED
