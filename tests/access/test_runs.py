"""Which processes live, and what the coordinator's postmaster.pid says: the scripts in real shells."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.access.evidence import server_log
from gpmedic.access.scripts import script

SHELLS = [shell for shell in ("/bin/sh", "/bin/bash", "/bin/dash", "/bin/ksh") if shutil.which(shell)]


@pytest.fixture
def zombie() -> Iterator[int]:
    child = subprocess.Popen(["/bin/sh", "-c", ":"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    yield child.pid
    child.wait()


@pytest.fixture
def thread() -> Iterator[int]:
    end, begun = threading.Event(), threading.Event()
    own = threading.Thread(target=lambda: (begun.set(), end.wait()))
    own.start()
    begun.wait()
    assert own.native_id is not None
    yield own.native_id
    end.set()
    own.join()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_process_runs_and_neither_a_zombie_nor_a_thread_nor_one_that_is_gone_does(
    shell: str, zombie: int, thread: int
) -> None:
    gone = subprocess.run(["/bin/sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    for pid, code in ((os.getpid(), 0), (zombie, 1), (thread, 1), (gone, 1)):
        text = f'set -u\n{script("runs")}\nruns "$1"'
        done = subprocess.run([shell, "-c", text, "sh", f"{pid}"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, ""), pid


def postmaster(datadir: Path) -> str:
    text = script("within", "runs", "observe")
    told = subprocess.run(
        ["/bin/sh", "-c", text, "sh", "", ""],
        env={"MASTER_DATA_DIRECTORY": f"{datadir}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return next(line for line in told.splitlines() if line.startswith("postmaster ")).removeprefix("postmaster ")


def test_the_number_in_postmaster_pid_is_the_coordinators_only_where_it_works_in_that_directory(
    tmp_path: Path, thread: int
) -> None:
    pid = tmp_path / "postmaster.pid"
    assert postmaster(tmp_path) == "the coordinator is stopped, it has no postmaster.pid"
    pid.write_text("")
    assert postmaster(tmp_path) == "postmaster.pid cannot be read", "this proves nothing"
    for number, said in ((os.getpid(), "is another program's"), (thread, "of postmaster.pid is gone")):
        pid.write_text(f"{number}\n")
        assert postmaster(tmp_path).startswith("the coordinator has died")
        assert said in postmaster(tmp_path)
    server = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    pid.write_text(f"{server.pid}\n")
    try:
        assert postmaster(tmp_path) == f"pid {server.pid} of postmaster.pid lives"
    finally:
        server.kill()
        server.wait()


def test_what_copied_a_segment_months_ago_is_not_taken_for_the_log_of_its_server() -> None:
    said = (
        "== pg_controldata\nstate\n== end of /data/seg1/log/gpdb-2026.csv\nNo space left on device\n"
        "== end of /home/gpadmin/gpAdminLogs/pg_basebackup.20260301.dbid5.out\nrequested WAL segment 01 has already"
    )
    assert server_log(said, "/data/seg1") == "No space left on device\n"
    assert server_log(said, "/data/seg2") == ""
