"""How soon a wait for sync goes on once the last mirror is in sync, and what looking costs until then."""

import os
import sys

from bench.by_hand import lose_a_mirror
from bench.cost import cost_of
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from bench.working import said_by
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.layout import SETTINGS

_WAIT = "wait for sync"


def measure(effort: Effort) -> Result:
    """Waits of different lengths, with the pauses of a real cluster; each is a process of its own."""
    figures = Figures()
    with PracticeCluster(f"bench-{os.getpid()}") as cluster:
        for turn in range(effort.noticed):
            # Not a whole number of seconds apart, so that the end does not fall on the same place between two looks.
            length = effort.resync / 2 + 1.37 * turn
            cluster.break_(Fault.SLOW_RESYNC, seconds=length)
            lose_a_mirror(cluster)
            done = cost_of([sys.executable, "-m", "bench.noticing_wait", str(cluster.folder / SETTINGS)])
            figures.add(_WAIT, **said_by(done.output))
    return Result(
        figures.result().figures,
        (
            Goal("seconds until it goes on", figures.median(_WAIT, "noticed after s"), 1),
            Goal("share of a core in percent", figures.median(_WAIT, "percent of a core"), 1),
        ),
    )
