"""Every call of a stand-in for Greenplum's utilities, in a log that a test can hold against what people approved.

The stand-in's shim notes the beginning, the stand-in its end: run/invocations in the cluster's folder, a line each.
"""

import atexit
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from gpmedic.practice.control import CLUSTER_VARIABLE
from gpmedic.practice.processes import alive

INVOCATION_VARIABLE = "GPMEDIC_PRACTICE_INVOCATION"
"""The process that is the invocation; what it starts inherits the variable and is another process."""
_LOG = Path("run") / "invocations"
_READ_ONLY = frozenset({"--help", "-?", "--version", "-o"})
"""With one of these a utility that changes something else only tells: its options, or a recovery file (-o)."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a utility.

    Attributes:
        command: the utility's name and its arguments, with blanks between them.
        job: the key of the detached job that it is a part of, None for a call in the foreground.
        begun, ended: places in the log, so that they can be compared; `ended` is None while it runs, or was killed.
        at: seconds since the epoch when it began.
    """

    command: str
    job: str | None
    pid: int
    begun: int
    at: int
    ended: int | None = None

    @property
    def disruptive(self) -> bool:
        """Whether it is a command that needs an approval."""
        utility, *arguments = self.command.split()
        return utility != "gpstate" and _READ_ONLY.isdisjoint(arguments)

    @property
    def killed(self) -> bool:
        """Whether it has gone without noting its end; to be asked of a fresh reading."""
        return self.ended is None and not alive(self.pid)


def read_invocations(folder: Path) -> tuple[Invocation, ...]:
    """All calls in this cluster's folder, in the order in which they began; empty where there were none."""
    try:
        lines = (folder / _LOG).read_text().splitlines()
    except FileNotFoundError:
        return ()
    found: list[Invocation] = []
    for place, line in enumerate(lines):
        word, at, pid, *rest = line.split("\t", 4)
        if word == "begin":
            job, command = rest
            found.append(Invocation(command.strip(), None if job == "-" else job, int(pid), place, int(at)))
        else:  # the youngest: a process number is given again
            last = max(i for i, known in enumerate(found) if known.pid == int(pid) and known.ended is None)
            found[last] = replace(found[last], ended=place)
    return tuple(found)


def note_end() -> None:
    """Where this process is an invocation, note its end when it ends."""
    if os.environ.get(INVOCATION_VARIABLE) == str(os.getpid()):
        atexit.register(_append, Path(os.environ[CLUSTER_VARIABLE]) / _LOG, f"end\t{time.time():.0f}\t{os.getpid()}\n")


def _append(log: Path, line: str) -> None:
    if log.parent.is_dir():  # not where the cluster has been taken down meanwhile
        with log.open("a") as file:
            file.write(line)
