"""What a program costs from its start to its end: as the kernel counts it, with everything that it has started."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# ru_maxrss is in bytes on macOS and in kilobytes elsewhere.
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of a program.

    Attributes:
        seconds: from its start to its end, by the clock.
        cpu: seconds of processor, its own and those of the processes that it has waited for.
        peak_mb: the most memory that any one of these held, in MB.
    """

    seconds: float
    cpu: float
    peak_mb: float
    output: str


def cost_of(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program to its end.

    Raises:
        RuntimeError: its exit code is not 0; with what it said.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        list(argv),
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 (PIPE)
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)[:200]} ended with {process.returncode}: {output[-2000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT / 1e6, output)


def resident_mb(pid: int) -> float:
    """What a running process holds in memory now, in MB; Linux alone tells."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024 / 1e6
