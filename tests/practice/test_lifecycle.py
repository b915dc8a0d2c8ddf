"""Whatever happens to it, a practice cluster leaves no process behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gpmedic.practice import Kept, Mirrors, PracticeCluster, PracticeError, folder_of
from gpmedic.practice.control import SUPERVISOR_FILE
from gpmedic.practice.processes import alive, of_cluster
from tests.practice.conftest import Host, unique_name

Start = Callable[..., PracticeCluster]

_HOLDER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has been told to ignore it
from gpmedic.practice import Mirrors, PracticeCluster
with PracticeCluster(sys.argv[1], mirrors=Mirrors.NO) as cluster:
    print("up", flush=True)
    time.sleep(600)
"""


def _nothing_left(folder: Path, within: float = 20) -> bool:
    deadline = time.monotonic() + within
    while of_cluster(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _sockets(cluster: PracticeCluster) -> Path:
    return Path((cluster.folder / "run" / "psql").read_text().split()[0])


def test_down_leaves_neither_process_nor_folder(start: Start) -> None:
    cluster = start("6", mirrors=Mirrors.NO)
    sockets = _sockets(cluster)
    running = of_cluster(cluster.folder)
    assert len(running) >= 8
    cluster.down()
    assert not any(alive(pid) for pid in running)
    assert not cluster.folder.exists()
    assert not sockets.exists()


def test_a_supervisor_killed_with_9_leaves_no_process(start: Start) -> None:
    cluster = start("6")
    sockets = _sockets(cluster)
    # What a stand-in or a detached job of gpmedic is: a process in a session of its own, started over ssh.
    Host(cluster).run("nohup sh -c 'sleep 500; true' >/dev/null 2>&1 & sleep 0.2")
    running = of_cluster(cluster.folder)
    assert len(running) >= 16
    os.kill(cluster.supervisor_pid, signal.SIGKILL)
    assert _nothing_left(cluster.folder)
    assert not any(alive(pid) for pid in running)
    deadline = time.monotonic() + 10
    while sockets.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not sockets.exists()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL], ids=["ctrl_c", "kill_9"])
def test_a_cluster_ends_with_the_process_that_holds_its_lifeline(kind: signal.Signals) -> None:
    name = unique_name()
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        assert of_cluster(folder_of(name))
        holder.send_signal(kind)
        holder.wait(30)
    assert _nothing_left(folder_of(name))


def test_two_clusters_run_side_by_side(start: Start) -> None:
    one, two = start("6"), start("7", mirrors=Mirrors.NO)
    for cluster, version in ((one, "6.24.3"), (two, "7.1.0")):
        assert version in Host(cluster).sql("SELECT version()")[0]
        assert {s.answer.value for s in cluster.facts().segments} == {"accepts", "recovers"}
    assert not {s.port for s in one.facts().segments} & {s.port for s in two.facts().segments}


def test_a_detached_cluster_is_found_again_and_can_be_taken_down_by_another() -> None:
    name = unique_name()
    first = PracticeCluster(name, "7", mirrors=Mirrors.NO, kept=Kept.DETACHED).up()
    try:
        with pytest.raises(PracticeError, match="already"):
            PracticeCluster(name, "7").up()
        other = PracticeCluster.attach(folder_of(name))
        assert other.release is first.release
        other.down()
        assert _nothing_left(folder_of(name))
        assert not (folder_of(name) / SUPERVISOR_FILE).exists()
    finally:
        first.down()


@pytest.mark.chaos
def test_what_an_earlier_cluster_left_does_not_hinder_the_next() -> None:
    name = unique_name()
    left = PracticeCluster(name, "6", mirrors=Mirrors.NO, kept=Kept.DETACHED).up()
    os.kill(left.supervisor_pid, signal.SIGKILL)
    with PracticeCluster(name, "6", mirrors=Mirrors.NO) as cluster:
        assert cluster.count_rows() == 0
    left.down()


def test_a_folder_that_is_no_practice_clusters_is_left_alone(tmp_path: Path) -> None:
    keepsake = tmp_path / "letter.txt"
    keepsake.write_text("dear diary")
    with contextlib.ExitStack() as opened:
        for folder in tmp_path.parents:  # or root's PostgreSQL could not get there, which is another error
            if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
                mode = folder.stat().st_mode
                folder.chmod(mode | 0o001)
                opened.callback(folder.chmod, mode)
        mode = tmp_path.stat().st_mode
        tmp_path.chmod(0o711)
        opened.callback(tmp_path.chmod, mode)
        with pytest.raises(PracticeError, match="not a practice cluster's folder"):
            PracticeCluster(unique_name(), folder=tmp_path).up()
    assert keepsake.read_text() == "dear diary"


def test_attaching_to_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PracticeError, match="gpmedic practice up"):
        PracticeCluster.attach(tmp_path)
