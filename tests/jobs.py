"""The detached jobs of a practice cluster, as they lie on its coordinator's host."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from gpmedic.practice import PracticeCluster


def jobs_of(cluster: PracticeCluster) -> set[Path]:
    return {pids.parent for pids in (cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*/pids")}


def until(condition: Callable[[], object], what: str, seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def stop_the_utility(cluster: PracticeCluster, before: set[Path], step: str, has_said: str) -> tuple[Path, int]:
    """Stop the utility of this step when it has said this; its job, and its process, which goes on at SIGCONT."""
    job = wait_for_job(cluster, before, step)
    until(lambda: has_said in (job / "out").read_text(), f"{step} did not say {has_said!r}")
    pid = utility_of(job)
    os.kill(pid, signal.SIGSTOP)
    return job, pid


def utility_of(job: Path) -> int:
    """The process of the job's utility."""
    return int((job / "pids").read_text().split()[2])


def wait_for_job(cluster: PracticeCluster, before: set[Path], step: str) -> Path:
    def fresh() -> list[Path]:
        return [job for job in jobs_of(cluster) - before if job.name.startswith(f"{step}-{cluster.name}-")]

    until(fresh, f"no job {step} was started")
    (job,) = fresh()
    return job
