"""What sees to it that a practice cluster leaves nothing behind, and that none is started over another."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gpmedic.practice.control import SUPERVISOR_FILE, PracticeError
from gpmedic.practice.postgres import Programs
from gpmedic.practice.processes import alive


def refuse_running(folder: Path) -> None:
    """Return where no practice cluster runs in this folder.

    Raises:
        PracticeError: one does; nothing was touched.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        pid = json.loads((folder / SUPERVISOR_FILE).read_text())["pid"]
        if alive(pid):
            raise PracticeError(
                f"A practice cluster runs in {folder} already (pid {pid}).",
                f"Use it, or take it down first: gpmedic practice down {folder.name}",
            )


@contextlib.contextmanager
def socket_folder(installed: Programs) -> Iterator[Path]:
    """A folder for Unix sockets, outside of the cluster's: the path of one may have hardly more than 100 characters."""
    folder = Path(tempfile.mkdtemp(prefix="gpm-", dir="/tmp"))
    installed.account.own(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def watchdog(folder: Path, sockets: Path) -> Iterator[int]:
    """Its pid; it ends what is left of the cluster however this process ends."""
    dog = subprocess.Popen(
        [sys.executable, "-m", "gpmedic.practice.watchdog", str(folder), str(sockets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield dog.pid
    finally:
        assert dog.stdin is not None  # noqa: S101 (PIPE)
        dog.stdin.close()
        dog.wait()
