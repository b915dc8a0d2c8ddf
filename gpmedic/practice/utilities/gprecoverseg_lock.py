"""gprecoverseg's lock in the coordinator's data directory, and what a second run says about it: exit code 0 (T1).

6 and 7: a directory gprecoverseg.lock with a file PID, which stays when its owner is killed (T22).
4.3: a file gprecoverseg.pid.
"""

import os
import shutil
from pathlib import Path

from gpmedic.practice.facts import Release
from gpmedic.practice.processes import alive
from gpmedic.practice.utilities.console import Console

LOCK_DIRECTORY = "gprecoverseg.lock"
LOCK_FILE_4_3 = "gprecoverseg.pid"


def pid_file(release: Release, data_directory: Path) -> Path:
    """The file that names the lock's holder."""
    if release is Release.V4_3:
        return data_directory / LOCK_FILE_4_3
    return data_directory / LOCK_DIRECTORY / "PID"


def acquire(release: Release, data_directory: Path) -> int | None:
    """Take the lock; the holder's process id where somebody has it, even a dead one in 6 and 7.

    A data directory that is missing cannot be locked; the run itself then says so.
    """
    if release is Release.V4_3:
        return _acquire_file(data_directory / LOCK_FILE_4_3)
    path = data_directory / LOCK_DIRECTORY
    try:
        path.mkdir()
    except FileExistsError:
        return _read(path / "PID") or 0
    except FileNotFoundError:
        return None
    (path / "PID").write_text(str(os.getpid()))
    return None


def _acquire_file(path: Path) -> int | None:
    for _ in range(2):
        try:
            with path.open("x") as file:
                file.write(f"{os.getpid()}\n")
        except FileNotFoundError:
            return None
        except FileExistsError:
            holder = _read(path)
            if holder is not None and alive(holder):
                return holder
            path.unlink(missing_ok=True)  # pidlockfile breaks the lock of a dead process
        else:
            return None
    return _read(path)


def release(release_: Release, data_directory: Path) -> None:
    """Give the lock back."""
    if release_ is Release.V4_3:
        (data_directory / LOCK_FILE_4_3).unlink(missing_ok=True)
    else:
        shutil.rmtree(data_directory / LOCK_DIRECTORY, ignore_errors=True)


def say_held(console: Console, release_: Release, data_directory: Path, holder: int) -> None:
    """The words of a run that found the lock held by process `holder`."""
    if release_ is Release.V4_3:
        console.early_error(f"An instance of gprecoverseg is already running (pid {holder})")
        return
    path = data_directory / LOCK_DIRECTORY
    console.early_error(
        f"Lockfile {path} indicates that an instance of gprecoverseg is already running with PID {holder}"
    )
    console.early_error(f"If this is not the case, remove the lockfile directory at {path}")


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
