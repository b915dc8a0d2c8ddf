"""Looks that fail once, utilities that say nothing: a good command is not called failed, a slow one not killed."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.access.job import launch
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.access.watch import look_until
from gpmedic.errors import Transient
from gpmedic.practice import Fault, PracticeCluster
from tasks.notify import Level, Phase, Progress, listening
from tasks.recover import _still_down
from tasks.run_utility import Ended, follow_job


@pytest.fixture(scope="module")
def six() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"patience-{os.getpid()}", "6") as cluster:
        yield cluster


def test_a_look_that_fails_is_tried_again_as_long_as_there_is_patience(six: PracticeCluster) -> None:
    settings = six.settings
    six.break_(Fault.KILL_COORDINATOR)
    with pytest.raises(Transient):
        look_until(settings, lambda _: True, patience=0)
    healing = threading.Timer(0.5, six.heal, [Fault.KILL_COORDINATOR])
    healing.start()
    assert len(look_until(settings, lambda _: True, patience=30).segments) == 14
    healing.join()


def test_a_dbid_that_has_left_the_catalog_is_not_waited_for(six: PracticeCluster) -> None:
    began = time.monotonic()
    assert _still_down(six.settings, (2, 999)) == ()
    assert time.monotonic() - began < six.settings.policy.settle_within / 2


def test_a_utility_that_prints_nothing_is_told_of_once_and_not_stopped(six: PracticeCluster, tmp_path: Path) -> None:
    settings = six.settings
    settings = settings.model_copy(update={"policy": settings.policy.model_copy(update={"silence_after": 1})})
    told, word = list[Progress](), tmp_path / "go"

    def listen(progress: Progress) -> None:
        told.append(progress)
        if progress.level is Level.WARNING:
            word.touch()

    with Shell.connect(settings.ssh) as shell:
        launch(shell, "silent", ("sh", "-c", f"until [ -e {word} ]; do sleep 0.1; done; echo done"), "")
    with listening(listen):
        ended = follow_job(settings, Ended(("gprecoverseg", "-a"), "silent", ()), Phase.RECOVER)
    assert (ended.exit_code, ended.output) == (0, "done\n")
    (warning,) = [progress.text for progress in told if progress.level is Level.WARNING]
    assert "jobs/silent/out" in warning
    assert "Never kill it" in warning


def test_what_keeps_a_stopped_database_from_being_started_is_told_once_and_waited_for(
    six: PracticeCluster, tmp_path: Path
) -> None:
    told, word = list[Progress](), tmp_path / "go"
    ends = f"if [ -e {word} ]; then echo seen; else echo must 4711 /data/primary/gpseg0; echo seen; fi; echo end"
    scripts = script("within", "restart"), "gpmedic-restart", "true", "echo it starts", "60", "0", "20"

    def listen(progress: Progress) -> None:
        told.append(progress)
        if progress.level is Level.WARNING:
            word.touch()

    with Shell.connect(six.settings.ssh) as shell:
        launch(shell, "waits", ("/bin/sh", "-c", *scripts, "sdw1", "must", ends), "")
    with listening(listen):
        ended = follow_job(six.settings, Ended(("gpstop",), "waits", ()), Phase.RESTART)
    assert ended.exit_code == 0
    assert ended.output.index("waits: postmaster 4711") < ended.output.index("it starts")
    (warning,) = [progress.text for progress in told if progress.level is Level.WARNING]
    assert "is started when this is over: postmaster 4711 /data/primary/gpseg0 on sdw1" in warning
