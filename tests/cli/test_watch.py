"""`gpmedic watch` on a practice cluster: in a pipe, in a terminal, and when the coordinator is gone for a while."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gpmedic.access.follow import Follow
from gpmedic.access.sql import Database
from gpmedic.cluster import Mode, Status
from gpmedic.conditions import Condition
from gpmedic.errors import Transient
from gpmedic.live import Look
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Verb
from tests.cli.documented import assert_documented
from tests.cli.terminal import IN_A_TERMINAL, read_until

MIRROR = 8  # of content 0
A_WHILE = 60.0
HEEDING_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""As in a terminal: what a shell starts in the background inherits that it ignores the signal."""


@contextmanager
def watching(clusters: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HEEDING_CTRL_C + "from gpmedic.cli import main; main()",
            "watch",
            "--interval",
            "0.3",
            *arguments,
        ],
        env={**os.environ, "GPMEDIC_CLUSTERS": str(clusters), "PREFECT_API_URL": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def next_line(run: "subprocess.Popen[str]") -> str:
    assert run.stdout is not None
    line = run.stdout.readline()
    if not line:
        raise AssertionError(run.stderr.read() if run.stderr is not None else "")
    return line


def ended(run: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and stderr after Ctrl-C."""
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=A_WHILE)
    return run.returncode, errors


@contextmanager
def mirror_down(cluster: PracticeCluster) -> Iterator[None]:
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(lambda facts: facts.segment(MIRROR).status is Status.DOWN)
    try:
        yield
    finally:
        cluster.control.call(Verb.START_SEGMENT, dbid=MIRROR)
        cluster.wait_until(lambda facts: all(s.mode is Mode.SYNCHRONIZED for s in facts.data_segments))


def test_in_a_pipe_a_line_is_printed_when_something_has_changed_and_ctrl_c_ends_as_status_does(
    clusters: Path, cluster: PracticeCluster
) -> None:
    with watching(clusters) as run:
        assert "practice: healthy" in next_line(run)
        with mirror_down(cluster):
            lines = [next_line(run)]
            while "Mirror down" not in lines[-1]:  # before FTS has marked it, it is seen that its stream is missing
                lines.append(next_line(run))
            assert all(line.removesuffix("\n").isprintable() for line in lines)
            assert len(set(lines)) == len(lines)
            assert ended(run) == (1, "")


def test_each_look_is_a_json_object_in_a_line_of_its_own_and_a_reader_may_leave(clusters: Path) -> None:
    with watching(clusters, "--json") as run:
        looks = [assert_documented("watch", next_line(run)) for _ in range(3)]
        assert [look["exit_code"] for look in looks] == [0, 0, 0]
        assert len({look["looked_at"] for look in looks}) == 3
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.wait(A_WHILE) == 0
        assert run.stderr.read() == ""


def test_a_terminal_shows_the_picture_and_is_as_before_after_ctrl_c(clusters: Path) -> None:
    import fcntl
    import struct
    import termios

    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-c", HEEDING_CTRL_C + IN_A_TERMINAL, "watch"],
        env={**os.environ, "GPMEDIC_CLUSTERS": str(clusters), "PREFECT_API_URL": "", "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        shown = read_until(ours, b"Ctrl-C ends", A_WHILE)
        shown += read_until(ours, b"brake", A_WHILE)
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        os.write(ours, b"\x03")
        shown += read_until(ours, b"no such words", A_WHILE)
        assert run.wait(A_WHILE) == 0, shown.decode()
    finally:
        run.kill()
        run.wait()
        os.close(ours)
    text = shown.decode()
    assert "in sync and in their preferred roles" in text
    assert text.index("\x1b[?1049h") < text.index("sdw1") < text.index("\x1b[?1049l"), "on the alternate screen alone"
    assert "Traceback" not in text


def sessions(cluster: PracticeCluster) -> set[object]:
    sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'gpmedic' AND pid <> pg_backend_pid()"
    with Database.connect(cluster.settings.database) as database:
        return {row["pid"] for row in database.rows(sql)}


@pytest.fixture
def follow(cluster: PracticeCluster) -> Iterator[Follow]:
    following = Follow(cluster.settings)
    yield following
    following.close()


def test_looks_share_one_session_and_probe_anew_only_where_the_catalog_has_changed(
    cluster: PracticeCluster, follow: Follow
) -> None:
    before = sessions(cluster)
    first = follow.look()
    (session,) = sessions(cluster) - before
    second = follow.look()
    assert sessions(cluster) - before == {session}
    assert first.diagnosis.healthy
    assert probed_at(second) <= first.at, "probed once"
    with mirror_down(cluster):
        third = follow.look()
        assert probed_at(third) > second.at
        assert [f.condition for f in third.diagnosis.findings] == [Condition.MIRROR_DOWN]
        assert third.sync is None, "what is down does not catch up"
    assert sessions(cluster) - before == {session}


def probed_at(look: Look) -> datetime:
    return look.at - timedelta(seconds=look.probes_age)


def test_a_coordinator_that_was_gone_is_seen_again(cluster: PracticeCluster, follow: Follow) -> None:
    assert follow.look().diagnosis.healthy
    cluster.break_(Fault.KILL_COORDINATOR)
    try:
        with pytest.raises(Transient):
            follow.look()
    finally:
        cluster.heal(Fault.KILL_COORDINATOR)
    assert until(lambda: follow.look().diagnosis.healthy)


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + A_WHILE
    while time.monotonic() < deadline:
        try:
            if holds():
                return True
        except Transient:
            pass
        time.sleep(0.2)
    return False
