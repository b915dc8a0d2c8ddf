"""A wait in which nothing moves raises an alarm with advice, and goes on waiting."""

import os
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from prefect import flow

from gpmedic.cluster import Cluster
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import ClusterSettings
from tasks.notify import Level, Progress, listening
from tasks.wait_for_sync import wait_for_sync


@pytest.fixture
def without_a_stream() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"stall-{os.getpid()}", "6") as cluster:
        cluster.break_(Fault.REPLICATION_ROW_MISSING, content=0)
        yield cluster


@flow
def waiting(settings: ClusterSettings) -> Cluster:
    return wait_for_sync(settings)


def test_a_wait_in_which_nothing_moves_alarms_once_and_ends_when_the_mirror_is_there(
    without_a_stream: PracticeCluster, tmp_path: Path
) -> None:
    settings = without_a_stream.settings
    impatient = settings.policy.model_copy(update={"stall_after": 1})
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
