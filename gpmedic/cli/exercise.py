"""How a drill goes: start, write, break, recover, count."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gpmedic.cli.attendants import Attending, choose_attendant
from gpmedic.cli.recover import import_flows, newest_incident, quiet_prefect, run_page
from gpmedic.cli.report import format_of, rendered, write
from gpmedic.cli.screen import Ticker
from gpmedic.practice import PracticeCluster
from gpmedic.practice.drilling import drill_cluster, drilled
from gpmedic.practice.drills import Drill
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.settings import ClusterSettings
from gpmedic.training import Score


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
        cluster = stack.enter_context(drill_cluster(drill, generation))
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


def _break_and_recover(
    drill: Drill, cluster: PracticeCluster, ticker: Ticker, attending: Attending | None, quiz: Quiz | None
) -> Ended:
    from flows.drill import page_of

    page = page_of(drill, cluster.name)

    def recover() -> tuple[RecoveryReport, Score | None, timedelta]:
        score, asked_at = None, datetime.now(UTC)
        if quiz is not None:
            score = quiz(cluster.settings)
            ticker.say(f"What it was: {drill.told}")
        thought = datetime.now(UTC) - asked_at
        return run_page(page, attending, ticker, cluster.name), score, thought

    went = drilled(drill, cluster, ticker.say, recover, None if quiz is None else "Something breaks ...")
    report, score, thought = went.recovered
    print(report_text(report))
    print(went.rows)
    print(f"Rows before / after: {'equal' if went.rows_equal else 'NOT EQUAL'}")
    return Ended(report, went.written, went.found, went.broken_at + thought, score)
