"""`gpmedic drill`: break a practice cluster on purpose, and watch gpmedic bring it back."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gpmedic.cli.attendants import choose_attendant
from gpmedic.cli.recover import quiet_prefect, run_recovery
from gpmedic.cli.screen import Ticker
from gpmedic.cluster import Status
from gpmedic.errors import Refused
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.report import Outcome, report_text

ROWS_BEFORE = 600


@dataclass(frozen=True, slots=True)
class Drill:
    """What is broken, and how the user of the cluster would say it."""

    fault: Fault
    content: int
    told: str


DRILLS: Mapping[str, Drill] = {
    "primary-down": Drill(Fault.KILL_PRIMARY, 2, "The primary of content 2 is killed; FTS will promote its mirror."),
    "mirror-down": Drill(Fault.KILL_MIRROR, 0, "The mirror of content 0 is killed; FTS will mark it down."),
}


def drill(
    scenario: Annotated[str, typer.Argument(help=f"One of: {', '.join(DRILLS)}.")] = "primary-down",
    generation: Annotated[str, typer.Option(help="Which Greenplum the practice cluster is like: 4.3, 6 or 7.")] = "6",
    yes: Annotated[bool, typer.Option("--yes", help="Let the practice operator approve, also in a terminal.")] = False,
) -> None:
    """Start a practice cluster, break it, recover it with approvals, and count its rows before and after."""
    if scenario not in DRILLS:
        raise Refused(f"There is no drill {scenario!r}.", f"Choose one of: {', '.join(DRILLS)}.")
    quiet_prefect()
    with tempfile.TemporaryDirectory(prefix="gpmedic-drill-") as folder:
        raise typer.Exit(_run(DRILLS[scenario], generation, Path(folder), yes=yes or not sys.stdin.isatty()))


def _run(chosen: Drill, generation: str, folder: Path, *, yes: bool) -> int:
    ticker = Ticker()
    ticker.say(f"Starting a practice cluster like Greenplum {generation}, and a Prefect server ...")
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1) as pool:
        cluster = PracticeCluster(f"drill-{os.getpid()}", generation)
        stack.callback(_take_away, cluster)
        starting = pool.submit(cluster.up)  # both start at once
        from flows.local_server import local_server

        stack.enter_context(local_server(folder))
        starting.result()
        cluster.register()
        ticker.say(
            f"{len(cluster.facts().segments)} PostgreSQL servers run; see them with: gpmedic status {cluster.name}"
        )
        return _break_and_recover(chosen, cluster, ticker, yes=yes)


def _take_away(cluster: PracticeCluster) -> None:
    cluster.unregister()
    cluster.down()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _break_and_recover(chosen: Drill, cluster: PracticeCluster, ticker: Ticker, *, yes: bool) -> int:
    cluster.write_rows(ROWS_BEFORE)
    ticker.say(f"{ROWS_BEFORE} rows are written, spread over all contents; users go on writing.")
    attendant = choose_attendant(cluster.settings, yes=yes)
    with cluster.writing_rows() as users:
        ticker.say(chosen.told)
        cluster.break_(chosen.fault, content=chosen.content)
        began = time.monotonic()
        cluster.wait_until(lambda facts: any(segment.status is Status.DOWN for segment in facts.segments))
        ticker.say(f"FTS has noticed, {time.monotonic() - began:.1f} s after the fault.")
        report = run_recovery(cluster.settings, attendant, ticker)
    print(report_text(report))
    before, after = ROWS_BEFORE + users.rows, cluster.count_rows()
    equal = before == after
    print(f"Rows written / found: {before} / {after}. Rows before / after: {'equal' if equal else 'NOT EQUAL'}")
    return 0 if equal and report.outcome is Outcome.RECOVERED else 1
