"""Which processes belong to a practice cluster, and how they all end, whatever happened to their parents."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from gpmedic.practice.control import CLUSTER_VARIABLE

PID_FOLDER = Path("run") / "pids"
"""One empty file per postmaster, named by its pid: PostgreSQL overwrites its environment with its process title."""


def alive(pid: int) -> bool:
    """Whether a process with this id runs; one that is dead and not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, IndexError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "Z"
    listing = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()[:1] or "Z"


def command_of(pid: int) -> str:
    """Its command line, "" where it is gone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()


def parents() -> dict[int, int]:
    """pid -> parent's pid of every process."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}


def with_children(pid: int) -> list[int]:
    """`pid` and the processes that it started."""
    return [pid, *(child for child, parent in parents().items() if parent == pid)]


def with_variables(*variables: str) -> set[int]:
    """Processes that carry all of these NAME=VALUE in their environment."""
    found: set[int] = set()
    if sys.platform == "linux":
        wanted = {variable.encode() for variable in variables}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if wanted <= set((entry / "environ").read_bytes().split(b"\0")):
                        found.add(int(entry.name))
        return found
    listing = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        pid, _, rest = line.strip().partition(" ")
        if set(variables) <= set(rest.split()):
            found.add(int(pid))
    return found


def of_cluster(folder: Path) -> set[int]:
    """Processes started for the practice cluster in `folder`: servers, commands given over ssh, jobs left behind.

    They carry its folder in their environment; a server is also recorded below `run/pids`. Not this process.
    """
    found = {*_recorded(folder), *with_variables(f"{CLUSTER_VARIABLE}={folder}")}
    return {pid for pid in found if pid != os.getpid() and alive(pid)}


def _recorded(folder: Path) -> Iterable[int]:
    for entry in (folder / PID_FOLDER).glob("[0-9]*"):
        pid = int(entry.name)
        if str(folder) in command_of(pid):  # a pid of long ago may be anybody's by now
            yield pid


def end_all(folder: Path, spare: Iterable[int] = (), grace: float = 1.0) -> None:
    """End every process of the cluster: SIGQUIT (PostgreSQL's immediate shutdown), after `grace` seconds SIGKILL."""
    spared = set(spare)
    deadline = time.monotonic() + grace
    asked: set[int] = set()
    while True:
        left = of_cluster(folder) - spared
        if not left:
            break
        late = time.monotonic() > deadline
        for pid in left if late else left - asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGQUIT)
        asked |= left
        time.sleep(0.05)
    forget_shared_memory(folder)


def forget_shared_memory(folder: Path) -> None:
    """Remove the few bytes of System V shared memory that a killed server leaves behind, and its postmaster.pid."""
    libc = ctypes.CDLL(None, use_errno=True)
    for lock in (folder / "hosts").glob("*/data/*/*/postmaster.pid"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = lock.read_text().splitlines()
            if not alive(int(lines[0])):
                libc.shmctl(int(lines[6].split()[1]), 0, None)
                lock.unlink()


def end(pid: int, carrying: str, kind: signal.Signals = signal.SIGTERM) -> None:
    """Signal a process, if its command line carries this text: a recorded pid may be anybody's by now."""
    if carrying in command_of(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, kind)
