"""How a drill goes on its own practice cluster, whoever recovers it: write rows, break, have it recovered, count."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from gpmedic.cluster import Status
from gpmedic.practice.drills import Drill
from gpmedic.practice.fault import Fault, wanted_target
from gpmedic.practice.layout import DRILL_PREFIX, Mirrors
from gpmedic.practice.practice_cluster import PracticeCluster

T = TypeVar("T")
Say = Callable[[str], None]

ROWS_BEFORE = 600
SLOWER = 2
"""Seconds that a mirror needs longer to catch up, so that there is something to watch."""


@dataclass(frozen=True, slots=True)
class Drilled(Generic[T]):
    """How a drill went.

    Attributes:
        recovered: what the recovery gave.
        written, found: rows of the practice ledger, found on all acting primaries when it was over.
        broken_at: when the fault was made.
    """

    recovered: T
    written: int
    found: int
    broken_at: datetime

    @property
    def rows_equal(self) -> bool:
        return self.written == self.found

    @property
    def rows(self) -> str:
        """Both numbers, in one line."""
        return f"Rows of the practice ledger on all acting primaries: {self.written} written, {self.found} found."


@contextmanager
def drill_cluster(drill: Drill, generation: str) -> Iterator[PracticeCluster]:
    """A practice cluster for this process's drill, not yet up; taken away with its registration and folder."""
    mirrors = Mirrors.YES if drill.mirrored else Mirrors.NO
    cluster = PracticeCluster(f"{DRILL_PREFIX}{os.getpid()}", generation, mirrors=mirrors)
    try:
        yield cluster
    finally:
        cluster.unregister()
        cluster.down()
        shutil.rmtree(cluster.folder, ignore_errors=True)


def drilled(
    drill: Drill, cluster: PracticeCluster, say: Say, recover: Callable[[], T], told: str | None = None
) -> Drilled[T]:
    """Write rows, break the cluster while users go on writing, have it recovered, and count the rows.

    Args:
        recover: called once the cluster is broken; what it raises is raised.
        told: what is said while it breaks; None for what it is.
    """
    cluster.write_rows(ROWS_BEFORE)
    say(f"{ROWS_BEFORE} rows are written, spread over all contents; users go on writing.")
    with cluster.writing_rows() as users:
        cluster.break_(Fault.SLOW_RESYNC, seconds=SLOWER)
        say(told or drill.told)
        broken_at = datetime.now(UTC)
        _break(drill, cluster, say)
        recovered = recover()
    return Drilled(recovered, ROWS_BEFORE + users.rows, cluster.count_rows(), broken_at)


def _break(drill: Drill, cluster: PracticeCluster, say: Say) -> None:
    for fault, target in drill.faults.items():
        _on_target(cluster.break_, fault, target)
    if drill.marked_down == 0:
        say("The catalog does not show it.")
        return
    began = time.monotonic()
    cluster.wait_until(lambda facts: sum(s.status is Status.DOWN for s in facts.data_segments) >= drill.marked_down)
    say(f"FTS has noticed, {time.monotonic() - began:.1f} s after the fault.")
    if drill.host_returns:
        for fault, target in drill.faults.items():
            _on_target(cluster.heal, fault, target)
        say("The host answers again; its segments are still down.")


def _on_target(act: Callable[..., object], fault: Fault, target: int | str | None) -> None:
    wanted = wanted_target(fault)
    act(fault, **({} if wanted is None else {wanted: target}))
