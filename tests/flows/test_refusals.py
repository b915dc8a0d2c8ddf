"""What gpmedic does not act on, and what it does not do twice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import PrecheckFailed, UnsafeState, UtilityBusy
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PracticeCluster]:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    with PracticeCluster(f"refuse-{os.getpid()}", "6") as cluster:
        cluster.register()
        yield cluster


def yes(_request: Request) -> Answer:
    return Answer(decision="yes", operator="anna")


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def recovered(cluster: PracticeCluster) -> RecoveryReport:
    return attend(lambda: recover(cluster.name), yes)


def break_mirror(cluster: PracticeCluster, content: int) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=content)
    cluster.wait_until(lambda facts: any(s.content == content and s.status.value == "d" for s in facts.segments))


def jobs_of(cluster: PracticeCluster) -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("recover-*"))


def test_a_held_lock_of_gprecoverseg_is_respected_before_anybody_is_asked(practice: PracticeCluster) -> None:
    break_mirror(practice, 0)
    practice.break_(Fault.LOCK_HELD)
    with pytest.raises((UtilityBusy, PrecheckFailed), match="gprecoverseg"):
        attend(lambda: recover(practice.name), nobody)
    assert jobs_of(practice) == []


def test_the_same_failure_a_second_time_is_a_new_job(practice: PracticeCluster) -> None:
    for _ in range(2):
        break_mirror(practice, 0)
        assert recovered(practice).outcome is Outcome.RECOVERED
    assert len(jobs_of(practice)) == 2


def test_roles_are_not_rebalanced_when_a_mirror_goes_down_while_the_question_stands(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_PRIMARY, content=0)
    asked: list[str] = []

    def slow_person(request: Request) -> Answer:
        asked.append(request.proposal.step)
        if request.proposal.step == "rebalance":
            break_mirror(practice, 1)
        return yes(request)

    with pytest.raises(UnsafeState, match=r"cannot be rebalanced now .*down: dbid 9"):
        attend(lambda: recover(practice.name), slow_person)
    assert asked == ["recover", "rebalance"]
    assert not list((practice.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("rebalance-*"))
