"""What must hold in the last moment before a command: checks of this very plan, and an approval of it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from gpmedic.access import brake
from gpmedic.access.job import ALIVE, JobState, launch, status
from gpmedic.access.lock import Claim, acquire, locked, myself, release
from gpmedic.access.ssh import Shell
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.errors import Braked, GpmedicError, LockHeld, NotApproved, PrecheckFailed, UtilityBusy
from gpmedic.full_copy import CopyOver
from gpmedic.plan import Action, Plan
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.detect import Seen, look
from tasks.notify import Phase
from tasks.precheck import Checked, check, clock
from tasks.recover_full import copy_plan, folder_of
from tasks.run_utility import Ended, run_approved
from tests.people import approval

FAILED = (Check(next(iter(CheckName)), "sdw1", Verdict.FAIL, "was full", "Make room."),)


@pytest.fixture(scope="module")
def cluster() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"utility-{os.getpid()}", "6") as practice:
        yield practice


@pytest.fixture
def mirror_down(cluster: PracticeCluster) -> PracticeCluster:
    """With some mirror down: what is refused leaves it so, for the next test."""
    if all(s.status.value == "u" for s in cluster.facts().segments):
        cluster.break_(Fault.KILL_MIRROR, content=0)
        cluster.wait_until(lambda facts: any(s.status.value == "d" for s in facts.segments))
    return cluster


def jobs_of(cluster: PracticeCluster) -> set[Path]:
    return set((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*"))


def recovered(
    settings: ClusterSettings, given: Approval | None = None, meanwhile: Callable[[], object] = lambda: None
) -> Ended | None:
    """Run what has been approved and checked a moment ago; `meanwhile` happens after the brake was looked at."""
    plan = look(settings).plan(settings)

    def plan_of(seen: Seen) -> Plan:
        meanwhile()
        return seen.plan(settings)

    fresh = Checked((), plan.fingerprint, clock())
    given = given or approval(plan.fingerprint)
    return run_approved(settings, Action.RECOVER, given, fresh, Phase.RECOVER, plan_of=plan_of)


def test_a_job_that_was_started_under_another_name_of_the_cluster_counts_as_its_own(
    mirror_down: PracticeCluster,
) -> None:
    cluster, settings = mirror_down, mirror_down.settings
    plan = look(settings).plan(settings)
    of_this_plan = Checked((), plan.fingerprint, clock())
    jobs = cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs"
    with Shell.connect(settings.ssh) as shell:
        directory = settings.greenplum.coordinator_data_directory
        launch(shell, "recover-twin-1", ["sleep", "600"], "", directory)
        keeper, command = map(int, (jobs / "recover-twin-1" / "pids").read_text().split()[::2])
        try:
            with pytest.raises(
                UtilityBusy, match=r"recover-twin-1 is at work on .* under another name of this cluster"
            ):
                run_approved(settings, Action.RECOVER, approval(plan.fingerprint), of_this_plan, Phase.RECOVER)
        finally:
            os.kill(keeper, signal.SIGKILL)
            os.kill(command, signal.SIGKILL)
    shutil.rmtree(jobs / "recover-twin-1")
    assert look(settings).plan(settings) == plan, "nothing was started"


def test_only_checks_of_this_plan_and_an_approval_of_it_count_and_an_approval_starts_its_command_once(
    mirror_down: PracticeCluster,
) -> None:
    cluster, settings, before = mirror_down, mirror_down.settings, jobs_of(mirror_down)
    plan = look(settings).plan(settings)
    of_this_plan = Checked(FAILED, plan.fingerprint, clock())
    of_another = Checked(FAILED, "0" * 16, clock())

    with pytest.raises(PrecheckFailed):
        run_approved(settings, Action.RECOVER, approval(plan.fingerprint), of_this_plan, Phase.RECOVER)
    with pytest.raises(NotApproved):
        run_approved(settings, Action.RECOVER, approval("f" * 16), of_another, Phase.RECOVER)
    assert look(settings).plan(settings) == plan, "nothing was started"

    given = approval(plan.fingerprint)
    ended = run_approved(settings, Action.RECOVER, given, of_another, Phase.RECOVER)
    assert ended is not None
    assert ended.argv == ("gprecoverseg", "-a")

    # A task that lost contact after the start comes with the same approval again.
    cluster.wait_until(lambda facts: all(s.status.value == "u" for s in facts.segments))
    cluster.break_(Fault.KILL_MIRROR, content=1)
    cluster.wait_until(lambda facts: facts.segment(9).status.value == "d")
    assert run_approved(settings, Action.RECOVER, given, of_another, Phase.RECOVER) == ended
    assert len(jobs_of(cluster) - before) == 1


def test_a_cluster_that_another_run_works_on_is_refused_as_soon_as_that_run_gives_a_sign_of_life(
    mirror_down: PracticeCluster,
) -> None:
    settings, before = mirror_down.settings, jobs_of(mirror_down)
    with (
        Shell.connect(settings.ssh) as other,
        locked(other, settings, beat_every=0.5),
        pytest.raises(LockHeld) as refused,
    ):
        recovered(settings)
    assert f"is being worked on by {myself()}" in refused.value.message
    assert jobs_of(mirror_down) == before


def test_a_run_whose_lock_was_given_up_starts_nothing(mirror_down: PracticeCluster) -> None:
    """As after a night in which its machine was suspended: another run works on the cluster by now."""
    settings, before = mirror_down.settings, jobs_of(mirror_down)
    other = Claim(settings.name, settings.greenplum.coordinator_data_directory, "another", "boris@elsewhere")
    with Shell.connect(settings.ssh) as shell:
        try:
            with pytest.raises(LockHeld, match=r"lock on .* was given up.*nothing was started"):
                recovered(settings, meanwhile=lambda: acquire(shell, other, stale_after=-1))
        finally:
            release(shell, other)
    assert jobs_of(mirror_down) == before


def test_nothing_is_started_beside_the_job_of_an_earlier_run(mirror_down: PracticeCluster) -> None:
    settings, key = mirror_down.settings, f"recover-{mirror_down.name}-{'0' * 16}-20260102-030405{time.time_ns():09d}"
    with Shell.connect(settings.ssh) as shell:
        assert launch(shell, key, ("sleep", "600"), ":").state in ALIVE
        before = jobs_of(mirror_down)
        try:
            with pytest.raises(UtilityBusy, match=f"{key} of an earlier run is at work on .*nothing was started"):
                recovered(settings)
        finally:
            pids = mirror_down.folder / "hosts" / "mdw" / ".gpmedic" / "jobs" / key / "pids"
            os.kill(int(pids.read_text().split()[2]), signal.SIGTERM)
            until(lambda: status(shell, key).state is JobState.DONE)
    assert jobs_of(mirror_down) == before


@contextmanager
def brake_pulled(cluster: PracticeCluster) -> Iterator[None]:
    with Shell.connect(cluster.settings.ssh) as shell:
        brake.pull(shell, cluster.settings, "anna: storage migration")
        try:
            yield
        finally:
            brake.release(shell, cluster.settings)


@contextmanager
def two_utilities_begun(cluster: PracticeCluster) -> Iterator[None]:
    """One is known by its lock, one by its process."""
    cluster.break_(Fault.LOCK_HELD)
    program = cluster.folder / "gpexpand"
    program.write_text("read -r _\n")
    # Of this cluster alone, or the others of this machine would take it for theirs.
    mine = {"MASTER_DATA_DIRECTORY": cluster.settings.greenplum.coordinator_data_directory}
    with subprocess.Popen(["/bin/sh", str(program), "-i", "input"], stdin=subprocess.PIPE, env=mine) as process:
        try:
            yield
        finally:
            process.kill()
            cluster.heal(Fault.LOCK_HELD)


@pytest.mark.parametrize(
    ("begun", "refused", "words"),
    [
        (brake_pulled, Braked, "anna: storage migration.*nothing was started"),
        (two_utilities_begun, UtilityBusy, r"gprecoverseg \(pid \d+\), .*gpexpand -i input \(pid \d+\) is at work"),
    ],
)
def test_what_began_after_the_checks_is_seen_before_the_start(
    begun: Callable[[PracticeCluster], AbstractContextManager[None]],
    refused: type[GpmedicError],
    words: str,
    mirror_down: PracticeCluster,
) -> None:
    before = jobs_of(mirror_down)
    with ExitStack() as stack:
        soon = [begun]

        def begin() -> None:
            while soon:
                stack.enter_context(soon.pop()(mirror_down))

        with pytest.raises(refused, match=words):
            recovered(mirror_down.settings, meanwhile=begin)
    assert jobs_of(mirror_down) == before


def test_one_person_does_not_start_what_two_must_approve(mirror_down: PracticeCluster) -> None:
    settings, before = mirror_down.settings, jobs_of(mirror_down)
    policy = settings.policy.model_copy(update={"two_people": frozenset({Action.RECOVER})})
    fingerprint = look(settings).plan(settings).fingerprint
    with pytest.raises(NotApproved, match=r"Two people must approve recover .*only anna has.*Nothing was started"):
        recovered(settings.model_copy(update={"policy": policy}), approval(fingerprint, seconded_by=" Anna"))
    assert jobs_of(mirror_down) == before


def test_a_full_copy_is_started_only_where_it_fits(mirror_down: PracticeCluster) -> None:
    settings, seen = mirror_down.settings, look(mirror_down.settings)
    [down] = [s for s in seen.observation.cluster.segments if not s.is_up]
    wanted = CopyOver((down.dbid,), "a test", folder_of(settings))

    def room_now() -> tuple[Verdict, str]:
        with Shell.connect(settings.ssh) as shell:
            checks = check(settings, shell, seen, copy_plan(settings, seen, wanted)).checks
        [found] = [c for c in checks if c.name is CheckName.DISK_SPACE and "needed" in c.detail]
        assert found.target.endswith(f" on {down.hostname}")
        return found.verdict, found.detail

    verdict, detail = room_now()
    assert (verdict, detail.endswith("10 % wanted")) == (Verdict.PASS, True), detail
    mirror_down.break_(Fault.DISK_FULL, host=down.hostname)
    try:
        assert room_now()[0] is Verdict.FAIL
    finally:
        mirror_down.heal(Fault.DISK_FULL, host=down.hostname)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
