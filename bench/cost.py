"""What a program costs from its start to its end: as the kernel counts it, with everything that it has started."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SPAWN: Final = Path(__file__).with_name("spawn.py")


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
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_SPAWN), str(writing), *argv],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    with os.fdopen(reading) as told:
        cost = json.loads(told.read() or "{}")
    if cost.get("exit_code") != 0:
        raise RuntimeError(f"{' '.join(argv)[:200]} ended with {cost.get('exit_code')}: {done.stdout[-2000:]}")
    return Cost(cost["seconds"], cost["cpu"], cost["peak"] / 1e6, done.stdout)


def resident_mb(pid: int) -> float:
    """What a running process holds in memory now, in MB; Linux alone tells."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024 / 1e6
