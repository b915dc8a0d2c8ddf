"""A run that is killed in the middle of a utility: the next one adopts what runs and starts nothing twice."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.local_server import free_port, local_server
from flows.recover import recover
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request
from tasks.notify import Phase, Progress, listening
from tests.jobs import jobs_of, stop_the_utility, until


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"crash-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


def kill_a_run_that(cluster: PracticeCluster, server: str, step: str, has_said: str) -> tuple[Path, int]:
    """Kill -9 a run when its utility has said this; the job, and the process of its utility, which is stopped there."""
    before = jobs_of(cluster)
    run = start_a_run(cluster, server)
    try:
        job, pid = stop_the_utility(cluster, before, step, has_said)
    finally:
        run.kill()
        run.wait()
    assert not (job / "exit_code").exists()
    return job, pid


def start_a_run(cluster: PracticeCluster, server: str) -> "subprocess.Popen[bytes]":
    script = textwrap.dedent(f"""
        from flows.attend import attend
        from flows.recover import recover
        from tasks.approve import Answer
        attend(lambda: recover({cluster.name!r}), lambda _: Answer(decision="yes", operator="anna"))
    """)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PREFECT_API_URL": server, "PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run_again(cluster: PracticeCluster, pid: int) -> tuple[RecoveryReport, list[str]]:
    """The next run, with its stopped utility let go when it is adopted; the report, and what was asked."""
    asked: list[str] = []

    def yes(request: Request) -> Answer:
        asked.append(request.proposal.step)
        return Answer(decision="yes", operator="anna")

    def let_go_when_adopted(progress: Progress) -> None:
        if "started by an earlier run" in progress.text:
            os.kill(pid, signal.SIGCONT)

    try:
        with listening(let_go_when_adopted):
            return attend(lambda: recover(cluster.name), yes), asked
    finally:
        os.kill(pid, signal.SIGCONT) if Path(f"/proc/{pid}").exists() else None


def healthy(cluster: PracticeCluster) -> bool:
    facts = cluster.facts()
    return all(
        s.status.value == "u" and s.role is s.preferred_role and s.mode.value == "s"
        for s in facts.segments
        if s.content >= 0
    )


def mirror_down(content: int) -> Callable[[Facts], bool]:
    return lambda facts: any(s.content == content and s.status.value == "d" for s in facts.segments)


@pytest.mark.chaos
def test_a_command_that_has_not_changed_anything_yet_is_adopted(practice: PracticeCluster, prefect_server: str) -> None:
    practice.break_(Fault.KILL_MIRROR, content=0)
    practice.wait_until(mirror_down(0))
    before = jobs_of(practice)
    _, pid = kill_a_run_that(practice, prefect_server, "recover", has_said="Starting gprecoverseg")
    _, asked = run_again(practice, pid)
    assert asked == []
    assert healthy(practice)
    assert len(jobs_of(practice) - before) == 1


@pytest.mark.chaos
def test_a_command_that_has_updated_the_catalog_already_is_adopted(
    practice: PracticeCluster, prefect_server: str
) -> None:
    practice.break_(Fault.KILL_MIRROR, content=1)
    practice.wait_until(mirror_down(1))
    before = jobs_of(practice)
    _, pid = kill_a_run_that(practice, prefect_server, "recover", has_said="Initiating segment recovery")
    _, asked = run_again(practice, pid)
    assert asked == []
    assert healthy(practice)
    assert len(jobs_of(practice) - before) == 1


@pytest.mark.chaos
def test_a_command_that_ends_beside_the_first_look_is_followed_by_another_look(
    practice: PracticeCluster, prefect_server: str
) -> None:
    """Else the old look would be held against what the command has done: the segment that it calls down runs."""
    practice.break_(Fault.KILL_MIRROR, content=4)
    practice.wait_until(mirror_down(4))
    before = jobs_of(practice)
    job, pid = kill_a_run_that(practice, prefect_server, "recover", has_said="Starting gprecoverseg")

    def let_end_after_the_look(progress: Progress) -> None:
        if progress.phase is Phase.OBSERVE and not (job / "exit_code").exists():
            os.kill(pid, signal.SIGCONT)
            until((job / "exit_code").exists, "the command did not end")

    with listening(let_end_after_the_look):
        _, asked = run_again(practice, pid)
    assert asked == []
    assert healthy(practice)
    assert len(jobs_of(practice) - before) == 1


@pytest.mark.chaos
def test_a_rebalance_in_whose_middle_the_run_died_is_adopted_when_a_segment_is_down_because_of_it(
    practice: PracticeCluster, prefect_server: str
) -> None:
    practice.break_(Fault.KILL_PRIMARY, content=2)
    practice.wait_until(mirror_down(2))
    before = jobs_of(practice)
    _, pid = kill_a_run_that(practice, prefect_server, "rebalance", has_said="Triggering segment reconfiguration")
    _, asked = run_again(practice, pid)
    assert asked == []
    assert healthy(practice)
    assert sorted(job.name.split("-")[0] for job in jobs_of(practice) - before) == ["rebalance", "recover"]


def test_a_connection_that_is_cut_and_refused_in_the_middle_of_a_command_is_opened_again_and_nothing_starts_twice(
    practice: PracticeCluster,
) -> None:
    practice.break_(Fault.KILL_MIRROR, content=4)
    practice.wait_until(mirror_down(4))
    before, at_work, lost = jobs_of(practice), list[int](), list[str]()

    def cut_and_refuse(progress: Progress) -> None:
        if "detached as job recover-" in progress.text:
            _, pid = stop_the_utility(practice, before, "recover", has_said="Initiating segment recovery")
            at_work.append(pid)
            practice.break_(Fault.SSH_CUT, host="mdw")
        elif "goes on meanwhile" in progress.text and len(lost) < 2:
            lost.append(progress.text)
            if len(lost) == 1:
                practice.break_(Fault.SSH_REFUSED, host="mdw")
            else:
                practice.heal(Fault.SSH_REFUSED, host="mdw")
                os.kill(at_work.pop(), signal.SIGCONT)

    try:
        with listening(cut_and_refuse):
            report = attend(lambda: recover(practice.name), lambda _: Answer(decision="yes", operator="anna"))
    finally:
        practice.heal(Fault.SSH_REFUSED, host="mdw")
        for pid in at_work:
            os.kill(pid, signal.SIGCONT)
    assert report.outcome is Outcome.RECOVERED
    assert "was lost in the middle of a command" in lost[0]
    assert "refuses SSH connections" in lost[1]
    assert len(jobs_of(practice) - before) == 1


@pytest.mark.chaos
def test_a_run_outlives_a_restart_of_the_prefect_server_in_the_middle_of_its_command(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    practice.break_(Fault.KILL_MIRROR, content=3)
    practice.wait_until(mirror_down(3))
    before = jobs_of(practice)
    port = free_port()
    with local_server(tmp_path, port=port) as server:
        run = start_a_run(practice, server)
        _, pid = stop_the_utility(practice, before, "recover", has_said="Initiating segment recovery")
    try:
        with local_server(tmp_path, port=port):
            os.kill(pid, signal.SIGCONT)
            assert run.wait(60) == 0
    finally:
        run.kill()
        run.wait()
    assert healthy(practice)
    assert len(jobs_of(practice) - before) == 1
