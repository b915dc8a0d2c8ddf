"""A utility is judged by what the cluster shows after it, never by its exit code or its words."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpmedic.cluster import Mode, Status
from gpmedic.errors import UtilityFailed
from gpmedic.plan import Action, Plan
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.fault import Lie
from gpmedic.restart import RestartNotes
from gpmedic.settings import ClusterSettings
from gpmedic.spare import SpareRequest
from tasks.approve import Approval
from tasks.detect import look
from tasks.move_to_spare import move_to_spare, survey
from tasks.precheck import Checked, clock
from tasks.rebalance import rebalance
from tasks.recover import recover
from tasks.restart import restart
from tasks.restore_standby import restore_standby
from tasks.verify import verify
from tests.people import approval, by_hand, kill_in_the_middle_of_a_copy

Task = Callable[[ClusterSettings, Approval, Checked], None]


@pytest.fixture(scope="module")
def cluster(prefect_server: str) -> Iterator[PracticeCluster]:
    assert prefect_server
    with PracticeCluster(f"judged-{os.getpid()}", "6") as cluster:
        yield cluster


@pytest.fixture
def practice(cluster: PracticeCluster) -> PracticeCluster:
    """The one cluster, in which a person has repaired what the test before has left."""
    if cluster.facts().coordinator.pid is None:
        by_hand(cluster, "gpstart", "-a")
    cluster.heal()
    deadline = time.monotonic() + 60
    while not healthy(facts := cluster.facts()):
        if any(s.status is Status.DOWN for s in facts.data_segments):
            by_hand(cluster, "gprecoverseg", "-a")
        elif all(s.mode is Mode.SYNCHRONIZED for s in facts.data_segments):
            by_hand(cluster, "gprecoverseg", "-a", "-r")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return cluster


def run(practice: PracticeCluster, action: Action, task: Task) -> None:
    """Run the task as if this step of the plan had been checked and approved a moment ago."""
    settings = impatient(practice)
    plan = look(settings).plan(settings)
    task(settings, approval_of(plan, action), Checked((), plan.fingerprint, clock()))


def impatient(practice: PracticeCluster) -> ClusterSettings:
    policy = practice.settings.policy.model_copy(update={"settle_within": 1})
    return practice.settings.model_copy(update={"policy": policy})


def approval_of(plan: Plan, action: Action) -> Approval:
    step = plan.step(action)
    assert step is not None
    return approval(plan.fingerprint, action.value.replace("_", "-"), step.argv, step.dbids)


def failure(practice: PracticeCluster, action: Action, task: Task, lie: Lie | None = None) -> UtilityFailed:
    """How the task ended, and with a lie in force."""
    if lie is not None:
        practice.break_(Fault.UTILITY_LIES, lie=lie)
    try:
        with pytest.raises(UtilityFailed) as failed:
            run(practice, action, task)
    finally:
        if lie is not None:
            practice.heal(Fault.UTILITY_LIES, lie=lie)
    return failed.value


def healthy(facts: Facts) -> bool:
    return facts.database_up and all(
        s.in_preferred_role and s.mode is Mode.SYNCHRONIZED and s.status is Status.UP for s in facts.data_segments
    )


def test_a_recovery_that_only_says_that_it_is_done_that_is_locked_out_or_that_leaves_a_host_out_has_failed(
    practice: PracticeCluster,
) -> None:
    practice.break_(Fault.KILL_MIRROR, content=0)
    mirror = practice.wait_until(lambda facts: facts.segment(8).status is Status.DOWN).segment(8)

    done = failure(practice, Action.RECOVER, recover, Lie.GPRECOVERSEG_SAYS_DONE)
    assert (done.exit_code, done.tail) == (0, "recovered; still down: dbid 8")
    locked = failure(practice, Action.RECOVER, recover, Lie.GPRECOVERSEG_SAYS_LOCKED)
    assert locked.exit_code == 0
    assert "already running with PID" in locked.tail
    assert "still down: dbid 8" in locked.tail
    assert "the lock is stale and a person may remove it" in locked.next_action

    practice.break_(Fault.SSH_REFUSED, host=mirror.hostname)
    left_out = failure(practice, Action.RECOVER, recover)
    practice.heal(Fault.SSH_REFUSED, host=mirror.hostname)
    assert f"{mirror.hostname} is unreachable" in left_out.tail
    assert "still down: dbid 8" in left_out.tail


@pytest.mark.chaos
def test_rows_of_a_recovery_that_has_ended_do_not_stand_in_the_way_of_the_proof(practice: PracticeCluster) -> None:
    """T26: gprecoverseg was killed, its copy went on, and gpstate -e shows both for good as they were then."""
    practice.break_(Fault.KILL_MIRROR, content=5)
    practice.break_(Fault.SLOW_RESYNC, seconds=4)
    practice.wait_until(lambda facts: facts.segment(13).status is Status.DOWN)
    kill_in_the_middle_of_a_copy(practice, 13)
    practice.heal(Fault.SLOW_RESYNC)
    practice.wait_until(healthy)
    assert "Segments in recovery" in by_hand(practice, "gpstate", "-e")
    _, proofs = verify(practice.settings)
    assert [p.name for p in proofs if not p.holds] == []


@pytest.mark.chaos
def test_a_rebalance_counts_when_the_roles_are_right_whatever_gprecoverseg_says(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_PRIMARY, content=1)
    practice.wait_until(lambda facts: facts.segment(3).status is Status.DOWN)
    by_hand(practice, "gprecoverseg", "-a")
    practice.wait_until(lambda facts: all(s.mode is Mode.SYNCHRONIZED for s in facts.data_segments))

    done = failure(practice, Action.REBALANCE, rebalance, Lie.GPRECOVERSEG_SAYS_DONE)
    assert (done.exit_code, done.tail) == (0, "rebalanced; roles still switched: content 1")
    locked = failure(practice, Action.REBALANCE, rebalance, Lie.GPRECOVERSEG_SAYS_LOCKED)
    assert locked.exit_code == 0
    assert "roles still switched: content 1" in locked.tail

    practice.break_(Fault.UTILITY_LIES, lie=Lie.GPRECOVERSEG_SAYS_FAILED)
    try:
        run(practice, Action.REBALANCE, rebalance)
    finally:
        practice.heal(Fault.UTILITY_LIES, lie=Lie.GPRECOVERSEG_SAYS_FAILED)
    assert healthy(practice.facts())
    ended = max(jobs_of(practice, Action.REBALANCE), key=lambda job: job.stat().st_mtime)
    assert (ended / "exit_code").read_text().strip() == "1"
    assert "'NoneType' object has no attribute 'wasSuccessful'" in (ended / "out").read_text()


@pytest.mark.chaos
def test_a_standby_that_gpinitstandby_only_says_to_have_started_is_down(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_STANDBY)
    done = failure(practice, Action.RESTORE_STANDBY, restore_standby, Lie.GPINITSTANDBY_SAYS_DONE)
    assert (done.exit_code, done.tail.partition("; ")[0]) == (0, "the standby was started")
    assert "no stream from the coordinator to dbid 14" in done.tail


def restarted(settings: ClusterSettings, approval: Approval, checked: Checked) -> None:
    restart(settings, approval, checked, RestartNotes())


@pytest.mark.chaos
def test_a_restart_stops_nothing_where_its_start_would_miss_a_host_and_one_that_does_not_start_has_failed(
    practice: PracticeCluster,
) -> None:
    practice.break_(Fault.KILL_BOTH, content=2)
    coordinator, directories = practice.facts().coordinator.pid, [4, 10]

    practice.break_(Fault.SSH_REFUSED, host="smdw")
    missing = failure(practice, Action.RESTART, restarted)
    practice.heal(Fault.SSH_REFUSED, host="smdw")
    assert "nothing was stopped, because smdw does not answer" in missing.tail
    assert "no copy answers of content 2" in missing.tail
    assert "The database was left as it was: bring that host back" in missing.next_action
    assert practice.facts().coordinator.pid == coordinator

    for dbid in directories:
        practice.break_(Fault.DATADIR_MODE, dbid=dbid)
    stopped = failure(practice, Action.RESTART, restarted)
    for dbid in directories:
        practice.heal(Fault.DATADIR_MODE, dbid=dbid)
    assert stopped.exit_code == 2
    assert "Do not have enough valid segments" in stopped.tail
    assert stopped.next_action.startswith("The database is down: ")
    assert "gpstart -a by hand" in stopped.next_action
    assert practice.facts().coordinator.pid is None


@pytest.mark.chaos
def test_a_database_that_gpstart_only_says_to_have_started_is_down(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_BOTH, content=3)
    done = failure(practice, Action.RESTART, restarted, Lie.GPSTART_SAYS_DONE)
    assert done.exit_code == 0
    assert "the coordinator is stopped" in done.tail
    assert "The database may be stopped" in done.next_action


@pytest.mark.chaos
def test_a_move_that_gprecoverseg_only_says_to_have_done_has_failed(practice: PracticeCluster) -> None:
    practice.break_(Fault.HOST_DOWN, host="sdw1")
    practice.wait_until(lambda f: all(s.status is Status.DOWN for s in f.data_segments if s.hostname == "sdw1"))
    settings, request = impatient(practice), SpareRequest("sdw1", "sdw4")
    seen = look(settings)
    surveyed = survey(settings, seen, request)
    shown = surveyed.plan(settings, seen)
    approval = approval_of(shown, Action.MOVE_TO_SPARE)
    practice.break_(Fault.UTILITY_LIES, lie=Lie.GPRECOVERSEG_SAYS_DONE)
    for _attempt in ("first", "retried, which finds the job that has ended"):
        with pytest.raises(UtilityFailed, match=r"exit code 0: recovered.*content 0 is not up at sdw4:"):
            move_to_spare(settings, approval, surveyed, request, shown)


def jobs_of(practice: PracticeCluster, action: Action) -> list[Path]:
    return list((practice.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob(f"{action.value}-*"))
