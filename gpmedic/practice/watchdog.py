"""Waits for the supervisor's end and then sees to it that no process of the practice cluster is left.

Its stdin is a pipe whose other end only the supervisor holds: end of file is the supervisor's death, however it came.
"""

import shutil
import signal
import sys
from pathlib import Path

from gpmedic.practice.processes import end_all


def main(folder: Path, sockets: Path) -> None:
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(folder, grace=0.5)
    shutil.rmtree(sockets, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
