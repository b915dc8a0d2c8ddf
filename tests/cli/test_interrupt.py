"""Ctrl-C at a question, typed into a real terminal."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpmedic.practice.practice_cluster import folder_of
from gpmedic.practice.processes import alive, parents
from tests.cli.terminal import IN_A_TERMINAL, read_until

CTRL_C = b"\x03"
A_FEW_SECONDS = 20.0  # five on an idle machine: the practice cluster and the Prefect server end first


def descendants(pid: int) -> set[int]:
    """`pid`, what it started, and what that started."""
    found, parent_of = {pid}, parents()
    while grown := {child for child, parent in parent_of.items() if parent in found} - found:
        found |= grown
    return found


@pytest.mark.chaos
def test_ctrl_c_at_a_question_ends_the_drill_and_leaves_no_process(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    drill = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, "drill", "mirror-down"],
        env={**os.environ, "GPMEDIC_CLUSTERS": str(tmp_path), "TERM": "dumb"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        shown = read_until(ours, b"Do it?", 90)
        assert b"Do it?" in shown, shown.decode()
        started = descendants(drill.pid)
        assert len(started) > 14, "servers, their supervisor, the Prefect server"
        began = time.monotonic()
        os.write(ours, CTRL_C)
        shown += read_until(ours, b"no such words", A_FEW_SECONDS)
        assert drill.wait(A_FEW_SECONDS) == 130, shown.decode()
        assert time.monotonic() - began < A_FEW_SECONDS
        assert not [pid for pid in started if alive(pid)]
        assert not folder_of(f"drill-{drill.pid}").exists()
        assert list(tmp_path.iterdir()) == []
    finally:
        drill.kill()
        drill.wait()
        os.close(ours)
