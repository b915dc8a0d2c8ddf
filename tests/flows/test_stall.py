"""A wait in which nothing moves raises an alarm with advice, and goes on waiting."""

import os
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from prefect import flow

from gpmedic.cluster import Cluster, Mode, Role, Status
from gpmedic.errors import UnsafeState
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Verb
from gpmedic.settings import ClusterSettings
from tasks.notify import Level, Progress, listening
from tasks.wait_for_sync import wait_for_sync


@pytest.fixture
def practice() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"stall-{os.getpid()}", "6") as cluster:
        yield cluster


@pytest.fixture
def without_a_stream(practice: PracticeCluster) -> PracticeCluster:
    practice.break_(Fault.REPLICATION_ROW_MISSING, content=0)
    return practice


@flow
def waiting(settings: ClusterSettings) -> Cluster:
    return wait_for_sync(settings)


def test_a_wait_in_which_nothing_moves_alarms_once_and_ends_when_the_mirror_is_there(
    without_a_stream: PracticeCluster, tmp_path: Path
) -> None:
    settings = without_a_stream.settings
    impatient = settings.policy.model_copy(update={"stall_after": 3})
    settings = settings.model_copy(update={"policy": impatient})
    told, alarmed, ended = list[Progress](), threading.Event(), list[Cluster]()

    def listen(progress: Progress) -> None:
        told.append(progress)
        if progress.level is Level.WARNING:
            alarmed.set()

    with listening(listen):
        wait = threading.Thread(target=copy_context().run, args=(lambda: ended.append(waiting(settings)),))
        wait.start()
        assert alarmed.wait(30), [p.text for p in told]
        assert wait.is_alive(), "an alarm ends nothing"
        without_a_stream.heal(Fault.REPLICATION_ROW_MISSING, content=0)
        wait.join(30)
    assert len(ended) == 1
    (alarm,) = [p.text for p in told if p.level is Level.WARNING]
    assert "Next:" in alarm
    assert "content 0" in alarm


@pytest.mark.chaos
def test_a_mirror_that_its_primary_does_not_let_in_is_told_with_what_its_log_says(practice: PracticeCluster) -> None:
    impatient = practice.settings.policy.model_copy(update={"down_again_after": 1})
    settings = practice.settings.model_copy(update={"policy": impatient})
    practice.break_(Fault.REPLICATION_REFUSED, content=2)
    practice.wait_until(lambda facts: any(s.content == 2 and s.status is Status.DOWN for s in facts.segments))
    with pytest.raises(
        UnsafeState, match=r"Of dbid 10: .*let its mirror stream \(its log: no pg_hba\.conf entry"
    ) as ended:
        waiting(settings)
    assert "gpstop -u" in ended.value.next_action
    practice.heal(Fault.REPLICATION_REFUSED, content=2)
    assert waiting(practice.settings)


@pytest.mark.chaos
def test_a_mirror_that_goes_down_again_and_a_primary_that_dies_end_the_wait(practice: PracticeCluster) -> None:
    impatient = practice.settings.policy.model_copy(update={"down_again_after": 1})
    settings = practice.settings.model_copy(update={"policy": impatient})
    practice.break_(Fault.KILL_MIRROR, content=1)
    facts = practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
    with pytest.raises(UnsafeState, match="went down instead of catching up"):
        waiting(settings)

    (mirror,) = [s for s in facts.segments if s.content == 1 and s.role is Role.MIRROR]
    practice.break_(Fault.SLOW_RESYNC, seconds=60)
    practice.control.call(Verb.START_SEGMENT, dbid=mirror.dbid)
    practice.wait_until(lambda facts: facts.segment(mirror.dbid).status is Status.UP)
    assert practice.facts().segment(mirror.dbid).mode is Mode.NOT_IN_SYNC
    dying: list[Progress] = []

    def die(progress: Progress) -> None:
        if not dying:
            dying.append(progress)
            practice.break_(Fault.KILL_PRIMARY, content=1)

    with listening(die), pytest.raises(UnsafeState, match=r"Double fault: content 1: .* The wait has ended"):
        waiting(practice.settings)
