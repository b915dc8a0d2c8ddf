"""How a drill goes: start, write, break, recover, count."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gpmedic.cli.attendants import Attending, choose_attendant
from gpmedic.cli.drill import Drill
from gpmedic.cli.recover import import_flows, newest_incident, quiet_prefect, run_page
from gpmedic.cli.report import format_of, rendered, write
from gpmedic.cli.screen import Ticker
from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.fault import wanted_target
from gpmedic.practice.layout import DRILL_PREFIX, Mirrors
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterSettings
from gpmedic.training import Score

ROWS_BEFORE = 600
SLOWER = 2
"""Seconds that a mirror needs longer to catch up, so that there is something to watch."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a drill went.

    Attributes:
        broken_at: when the fault was made; where a person was asked first, that much later.
        score: what that person's answers are worth; None where nobody was asked.
    """

    report: RecoveryReport
    written: int
    found: int
    broken_at: datetime
    score: Score | None = None

    @property
    def held(self) -> bool:
        """Whether the cluster is recovered and no row is lost."""
        return self.written == self.found and self.report.outcome is Outcome.RECOVERED


Quiz = Callable[[ClusterSettings], Score]
"""Has a person say what they would do, before gpmedic does anything."""


def exercise(
    drill: Drill,
    generation: str,
    folder: Path,
    *,
    yes: bool,
    in_slack: bool = False,
    quiz: Quiz | None = None,
    report: Path | None = None,
) -> Ended:
    """Run one drill and show it.

    Args:
        folder: an empty one for the Prefect server of the drill.
        yes: the practice operator answers instead of the person at the terminal.
        in_slack: people in a stand-in Slack answer instead, and their conversation is shown.
        quiz: then what is broken is not said before.
        report: a file for the report, also of a recovery that was refused or has failed.
    """
    quiet_prefect()
    ticker = Ticker()
    ticker.say(f"Starting a practice cluster like Greenplum {generation}, and a Prefect server ...")
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1) as pool:
        cluster = PracticeCluster(
            f"{DRILL_PREFIX}{os.getpid()}", generation, mirrors=Mirrors.YES if drill.mirrored else Mirrors.NO
        )
        stack.callback(_take_away, cluster)
        with _saying_that_it_ends(ticker):
            starting = pool.submit(cluster.up)  # both start at once
            from flows.local_server import local_server

            stack.enter_context(local_server(folder, meanwhile=import_flows))
            starting.result()
            cluster.register()
            ticker.say(
                f"{len(cluster.facts().segments)} PostgreSQL servers run; see them with: gpmedic status {cluster.name}"
            )
            stack.callback(_keep_report, cluster.name, report)
            if not in_slack:
                attendant = choose_attendant(cluster.settings, yes=yes)
                return _break_and_recover(drill, cluster, ticker, attendant, quiz)
            from gpmedic.cli.slack_drill import conversation

            with conversation(cluster.settings) as slack:
                ended = _break_and_recover(drill, cluster, ticker, None, quiz)
            print(f"\nThe conversation in Slack:\n\n{slack.transcript()}")
            return ended


def _keep_report(cluster: str, file: Path | None) -> None:
    incident = newest_incident(cluster) if file is not None else None
    if file is not None and incident is not None and incident.journal is not None:
        from flows.history import report_of

        write(file, rendered(report_of(incident), format_of(file)))
        print(f"The report of the drill is in {file}.")


@contextmanager
def _saying_that_it_ends(ticker: Ticker) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        ticker.say("Interrupted. What the drill has started is being taken away, which takes some seconds ...")
        raise


def _take_away(cluster: PracticeCluster) -> None:
    cluster.unregister()
    cluster.down()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _break_and_recover(
    drill: Drill, cluster: PracticeCluster, ticker: Ticker, attending: Attending | None, quiz: Quiz | None
) -> Ended:
    cluster.write_rows(ROWS_BEFORE)
    ticker.say(f"{ROWS_BEFORE} rows are written, spread over all contents; users go on writing.")
    with cluster.writing_rows() as users:
        cluster.break_(Fault.SLOW_RESYNC, seconds=SLOWER)
        ticker.say(drill.told if quiz is None else "Something breaks ...")
        broken_at, score = datetime.now(UTC), None
        _break(drill, cluster, ticker)
        if quiz is not None:
            asked_at = datetime.now(UTC)
            score = quiz(cluster.settings)
            broken_at += datetime.now(UTC) - asked_at
            ticker.say(f"What it was: {drill.told}")
        report = run_page(lambda: _page(drill, cluster.name), attending, ticker, cluster.name)
    print(report_text(report))
    before, after = ROWS_BEFORE + users.rows, cluster.count_rows()
    print(f"Rows of the practice ledger on all acting primaries: {before} written, {after} found.")
    print(f"Rows before / after: {'equal' if before == after else 'NOT EQUAL'}")
    return Ended(report, before, after, broken_at, score)


def _break(drill: Drill, cluster: PracticeCluster, ticker: Ticker) -> None:
    for fault, target in drill.faults.items():
        _on_target(cluster.break_, fault, target)
    if drill.marked_down == 0:
        ticker.say("The catalog does not show it.")
        return
    began = time.monotonic()
    cluster.wait_until(lambda facts: sum(s.status is Status.DOWN for s in facts.data_segments) >= drill.marked_down)
    ticker.say(f"FTS has noticed, {time.monotonic() - began:.1f} s after the fault.")
    if drill.host_returns:
        for fault, target in drill.faults.items():
            _on_target(cluster.heal, fault, target)
        ticker.say("The host answers again; its segments are still down.")


def _on_target(act: Callable[..., object], fault: Fault, target: int | str | None) -> None:
    wanted = wanted_target(fault)
    act(fault, **({} if wanted is None else {wanted: target}))


def _page(drill: Drill, cluster: str) -> RecoveryReport:
    from flows.recover import recover
    from flows.recover_to_spare import recover_to_spare

    if drill.spare is None:
        return recover(cluster)
    return recover_to_spare(cluster, str(drill.faults[Fault.HOST_DOWN]), drill.spare)
