"""Server, worker and host die in each phase of a recovery: it comes to its right end, and nobody cleans up after it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest
from services.site import Site, await_question, await_recovered, await_that, say_yes, site, start

from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from tasks.find_recovery import find_recovery
from tests.jobs import jobs_of, stop_the_utility, wait_for_job

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3000)]
AWAY = 5.0
"""Seconds for which the server is away, at least: it takes longer to start."""

CATCHES_UP_WITHIN = 180.0
"""Seconds that the mirror takes where the wait for it is the phase: longer than server or worker take to come back."""


class Phase(Enum):
    """Where the recovery is when it happens; a value is the step whose utility is at work."""

    SUSPENDED = "waits for an answer, without a process"
    RECOVERING = "recover"
    POLLING = "waits for the mirror to catch up"
    REBALANCING = "rebalance"


SAYS = {Phase.RECOVERING: "Initiating segment recovery", Phase.REBALANCING: "Triggering segment reconfiguration"}

USED = {phase: ["rebalance", "recover"] if phase is Phase.REBALANCING else ["recover"] for phase in Phase}
"""The steps whose utilities are started, each once."""


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"outage-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


@pytest.fixture(scope="module")
def here(practice: PracticeCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), practice) as made:
        yield made


@dataclass
class Scene:
    """A recovery on its way; `go_on` lets go what was held in the middle of its work."""

    practice: PracticeCluster
    before: set[Path]
    held: list[int] = field(default_factory=list)

    def go_on(self) -> None:
        self.practice.heal(Fault.SLOW_RESYNC)
        while self.held:
            with suppress(ProcessLookupError):
                os.kill(self.held.pop(), signal.SIGCONT)

    def started(self) -> list[str]:
        """The steps whose utilities were started."""
        return sorted(job.name.partition("-")[0] for job in jobs_of(self.practice) - self.before)


def broken(practice: PracticeCluster, fault: Fault) -> None:
    practice.break_(fault, content=2)
    practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))


@contextmanager
def reached(phase: Phase, practice: PracticeCluster) -> Iterator[Scene]:
    """A recovery by a worker, as far as this phase."""
    scene = Scene(practice, jobs_of(practice))
    try:
        broken(practice, Fault.KILL_PRIMARY if phase is Phase.REBALANCING else Fault.KILL_MIRROR)
        if phase is Phase.POLLING:
            practice.break_(Fault.SLOW_RESYNC, seconds=CATCHES_UP_WITHIN)
        start(practice)
        await_question(practice, "recover")
        if phase is not Phase.SUSPENDED:
            say_yes(practice, "recover")
        if phase is Phase.POLLING:
            job = wait_for_job(practice, scene.before, "recover")
            await_that((job / "exit_code").exists, "gprecoverseg does not end")
            time.sleep(2)  # the run begins to wait
        elif phase in SAYS:
            if phase is Phase.REBALANCING:
                say_yes(practice, "rebalance")
            scene.held.append(stop_the_utility(practice, scene.before, phase.value, SAYS[phase])[1])
        yield scene
    finally:
        scene.go_on()


@pytest.mark.parametrize("phase", Phase)
def test_the_server_is_killed_and_comes_back(phase: Phase, here: Site, practice: PracticeCluster) -> None:
    with here.worker(f"worker-{phase.name}"), reached(phase, practice) as scene:
        here.kill_server()
        time.sleep(AWAY)
        scene.go_on()  # so that the run meets a server that is away
        here.start_server()
        if phase is Phase.SUSPENDED:
            say_yes(practice, "recover")
        await_recovered(practice)
    assert scene.started() == USED[phase]


@pytest.mark.parametrize("phase", Phase)
def test_the_worker_is_killed_with_its_runs_and_another_one_starts(
    phase: Phase, here: Site, practice: PracticeCluster
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(here.worker(f"first-{phase.name}"))
        scene = stack.enter_context(reached(phase, practice))
        recovery = find_recovery(practice.name)
        assert recovery is not None
        if phase is Phase.SUSPENDED:
            await_that(lambda: not here.processes_of(recovery.run), "a suspended run needs no process")
        pids = here.processes_of(recovery.run)
        assert pids or phase is Phase.SUSPENDED
        for pid in (first.pid, *pids):
            os.kill(pid, signal.SIGKILL)
        stack.enter_context(here.worker(f"second-{phase.name}"))
        scene.go_on()
        if phase is Phase.SUSPENDED:
            say_yes(practice, "recover")
        await_recovered(practice)
    assert scene.started() == USED[phase]


@pytest.mark.parametrize("phase", [Phase.RECOVERING, Phase.POLLING])
def test_the_worker_is_ended_as_systemd_ends_it_and_starts_again(
    phase: Phase, here: Site, practice: PracticeCluster
) -> None:
    with ExitStack() as stack:
        with here.worker(f"ended-{phase.name}"):
            scene = stack.enter_context(reached(phase, practice))
            recovery = find_recovery(practice.name)
            assert recovery is not None
        await_that(lambda: not here.processes_of(recovery.run), "the run's process stays")
        stack.enter_context(here.worker(f"again-{phase.name}"))
        scene.go_on()
        await_recovered(practice)
    assert scene.started() == ["recover"]


def test_the_coordinators_host_reboots_while_the_mirror_catches_up(here: Site, practice: PracticeCluster) -> None:
    with here.worker("reboot"), reached(Phase.POLLING, practice) as scene:
        practice.break_(Fault.HOST_DOWN, host="mdw")
        time.sleep(AWAY)
        practice.heal(Fault.HOST_DOWN, host="mdw")
        practice.heal(Fault.KILL_COORDINATOR)
        scene.go_on()
        await_recovered(practice)
    assert scene.started() == ["recover"]


IN_A_TERMINAL = """
import sys
from flows.recover import recover
recover(sys.argv[1])
"""


@contextmanager
def in_a_terminal(here: Site, practice: PracticeCluster) -> Iterator["subprocess.Popen[bytes]"]:
    """A recovery that a person has started, and that stays while it waits for the answer."""
    with here.log_of("terminal").open("wb") as log:
        run = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, practice.name],
            env={**os.environ, "PREFECT_API_URL": here.url, "PREFECT_HOME": str(here.folder / "terminal")},
            stdout=log,
            stderr=log,
        )
    try:
        await_question(practice, "recover")
        yield run
    finally:
        run.kill()
        run.wait()


def killed_and_back(here: Site) -> None:
    here.kill_server()
    time.sleep(AWAY)
    here.start_server()


def test_a_run_that_polls_for_its_answer_outlives_the_server(here: Site, practice: PracticeCluster) -> None:
    before = jobs_of(practice)
    broken(practice, Fault.KILL_MIRROR)
    with in_a_terminal(here, practice) as run:
        killed_and_back(here)
        say_yes(practice, "recover")
        await_that(lambda: run.poll() is not None, "the run does not end")
        assert run.returncode == 0, here.log_of("terminal").read_text()
    await_recovered(practice)
    assert len(jobs_of(practice) - before) == 1


def test_a_run_that_is_killed_while_it_polls_for_its_answer_stands_in_nobodys_way(
    here: Site, practice: PracticeCluster
) -> None:
    before = jobs_of(practice)
    broken(practice, Fault.KILL_MIRROR)
    with in_a_terminal(here, practice) as run:
        run.kill()
        run.wait()
        with here.worker("after-terminal"):
            another = start(practice)
            await_that(lambda: (r := find_recovery(practice.name)) and r.run == another.id and r.paused_for, "no claim")
            say_yes(practice, "recover")
            await_recovered(practice)
    assert len(jobs_of(practice) - before) == 1
