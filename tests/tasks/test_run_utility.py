"""What must hold in the last moment before a command: checks of this very plan, and an approval of it."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gpmedic.access.job import launch
from gpmedic.access.ssh import Shell
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.errors import NotApproved, PrecheckFailed, UtilityBusy
from gpmedic.plan import Action
from gpmedic.practice import Fault, PracticeCluster
from tasks.approve import Approval
from tasks.detect import look
from tasks.notify import Phase
from tasks.precheck import Checked
from tasks.run_utility import run_approved

FAILED = (Check(next(iter(CheckName)), "sdw1", Verdict.FAIL, "was full", "Make room."),)


@pytest.fixture(scope="module")
def cluster() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"utility-{os.getpid()}", "6") as practice:
        practice.break_(Fault.KILL_MIRROR, content=0)
        practice.wait_until(lambda facts: any(s.status.value == "d" for s in facts.segments))
        yield practice


def approval(fingerprint: str) -> Approval:
    now = datetime.now(UTC)
    later = now + timedelta(minutes=5)
    return Approval(
        step="recover",
        fingerprint=fingerprint,
        argv=("gprecoverseg", "-a"),
        dbids=(8,),
        operator="anna",
        reason="",
        decided_at=now,
        expires_at=later,
    )


def test_a_job_that_was_started_under_another_name_of_the_cluster_counts_as_its_own(cluster: PracticeCluster) -> None:
    settings = cluster.settings
    plan = look(settings).plan(settings)
    of_this_plan = Checked((), plan.fingerprint, time.monotonic())
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
    cluster: PracticeCluster,
) -> None:
    settings = cluster.settings
    plan = look(settings).plan(settings)
    of_this_plan = Checked(FAILED, plan.fingerprint, time.monotonic())
    of_another = Checked(FAILED, "0" * 16, time.monotonic())

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
    cluster.break_(Fault.KILL_MIRROR, content=1)
    cluster.wait_until(lambda facts: facts.segment(9).status.value == "d")
    assert run_approved(settings, Action.RECOVER, given, of_another, Phase.RECOVER) == ended
    assert len(list((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").iterdir())) == 1
