"""The health check of large catalogs: its own time, and how often it asks.

Own time is processor time of gpmedic's process: what the database, psql and the hosts do meanwhile is theirs.
"""

import json
import sys

from bench.cost import cost_of
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from gpmedic.practice.layout import SETTINGS
from gpmedic.practice.scale import scale_cluster


def measure(effort: Effort) -> Result:
    """One process looks at each catalog several times; its first look, in which it still imports, does not count."""
    figures = Figures()
    with scale_cluster() as cluster:
        for segments in effort.segments:
            cluster.fill(segments)
            argv = [sys.executable, "-m", "bench.health_look", str(cluster.folder / SETTINGS), str(effort.repetitions)]
            done = cost_of(argv)
            for line in done.output.splitlines():
                figures.add(_name(segments), **json.loads(line))
            figures.add(_name(segments), peak_MB=done.peak_mb)
    *_, smaller, largest = sorted(effort.segments)
    own = figures.median(_name(largest), "own s")
    ratio = own / figures.median(_name(smaller), "own s")
    return Result(
        figures.result().figures,
        (
            Goal(f"own seconds at {largest} segments", own, 0.5),
            Goal(f"own time at {largest} segments as a multiple of that at {smaller}", ratio, largest / smaller),
        ),
    )


def _name(segments: int) -> str:
    return f"{segments} segments"
