"""What a part of a process costs, for tools that are loaded already when they are needed."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

MARK = "bench: "


@contextmanager
def working() -> Iterator[None]:
    """Print, after the block, its seconds by the clock and of processor, children's included."""
    began, cpu = time.perf_counter(), _cpu()
    yield
    print(MARK + json.dumps({"seconds": time.perf_counter() - began, "cpu_s": _cpu() - cpu}))


def said_by(output: str) -> dict[str, float]:
    """What was printed so; empty where nothing was."""
    lines = [line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK)]
    return json.loads(lines[-1]) if lines else {}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
