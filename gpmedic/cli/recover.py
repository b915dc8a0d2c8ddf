"""`gpmedic recover`: the recovery of one cluster, from the first look to the proofs, run in this process."""

import json as jsonlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import ClusterName, RestOnStderr
from gpmedic.cli.bug import STATE_FOLDER
from gpmedic.errors import GpmedicError, HostUnreachable, UnsafeState
from gpmedic.masking import masked
from gpmedic.policy import RepeatedFailure
from gpmedic.skipped import REASONS, reason_of

if TYPE_CHECKING:
    from flows.history import Incident
    from gpmedic.cli.attendants import Attending
    from gpmedic.cli.screen import Ticker
    from gpmedic.report import RecoveryReport

PREFECT_FOLDER = STATE_FOLDER / "prefect"
"""Where the runs of `gpmedic recover` are kept when no Prefect server is configured."""


def recover(
    cluster: ClusterName = None,
    yes: Annotated[bool, typer.Option("--yes", help="A practice operator approves: practice clusters only.")] = False,
    repeated_failure: Annotated[
        RepeatedFailure | None,
        typer.Option(help="What a segment that failed again within the hour means; default: the cluster's policy."),
    ] = None,
    json: RestOnStderr = False,
) -> None:
    """Recover failed segments, with a question before every disruptive step.

    \b
    Exit code 0: healthy, or recovered and proven
              1: it acted and not every proof holds
              2: refused, declined or failed; it says what to do next
            130: ended by Ctrl-C
    """
    from gpmedic.cli.attendants import choose_attendant
    from gpmedic.cli.choose import choose_cluster

    settings = choose_cluster(cluster)
    attending = choose_attendant(settings, yes=yes)

    def page() -> "RecoveryReport":
        from flows.recover import RepeatedFailureChoice
        from flows.recover import recover as recover_flow

        said = RepeatedFailureChoice.AS_THE_POLICY_SAYS
        if repeated_failure is not None:
            said = RepeatedFailureChoice(repeated_failure.value)
        return recover_flow(settings.name, said)

    run_and_report(page, attending, settings.name, json=json)


def run_and_report(
    page: "Callable[[], RecoveryReport]", attending: "Attending", cluster: str, *, json: bool = False
) -> None:
    """Run a page on the configured Prefect server or a local one, print its report, and exit by how it ended.

    Args:
        json: the report is one JSON object on stdout, and everything else, the questions too, stands on stderr.
    """
    from gpmedic.recovery_json import recovery_json
    from gpmedic.report import Outcome, report_text

    with redirect_stdout(sys.stderr) if json else nullcontext():
        report = _run(page, attending, cluster)
    print(jsonlib.dumps(recovery_json(report), indent=2) if json else report_text(report))
    raise typer.Exit(0 if report.outcome in (Outcome.HEALTHY, Outcome.RECOVERED) else 1)


def _run(page: "Callable[[], RecoveryReport]", attending: "Attending", cluster: str) -> "RecoveryReport":
    from gpmedic.cli.screen import Ticker

    quiet_prefect()
    ticker = Ticker()
    ticker.say("Reaching the Prefect server, or starting one ...")
    with configured_or_local_server():
        try:
            return run_page(page, attending, ticker, cluster)
        except KeyboardInterrupt:
            ticker.say(
                f"Interrupted. A command that was started on {cluster} goes on; gpmedic recover {cluster} takes it up."
            )
            raise


def run_page(
    page: "Callable[[], RecoveryReport]", attending: "Attending | None", ticker: "Ticker", cluster: str
) -> "RecoveryReport":
    """Run a flow in this process, show what it tells, and have the attendant answer it (None: others do)."""
    from flows.attend import attend
    from tasks.notify import Level, Phase, Progress, listening

    def show(told: Progress) -> None:
        if not (told.phase == Phase.REPORT and told.level is Level.WARNING):  # that is raised too, and shown at the end
            ticker(told)

    try:
        with listening(show):
            try:
                return page() if attending is None else attend(page, attending.answer, attending.name)
            finally:
                ticker.end_progress()
    except GpmedicError as error:
        _tell_what_was_done(cluster)
        if told := why_refused(error):
            print(told)
        raise


def _tell_what_was_done(cluster: str) -> None:
    """Print the report where a step had run before the one that was refused or has failed."""
    incident = newest_incident(cluster)
    if incident is not None and incident.journal is not None and incident.journal.acted:
        from flows.history import report_of
        from gpmedic.report import report_text

        print(report_text(report_of(incident)))


def newest_incident(cluster: str) -> "Incident | None":
    """The newest recovery of the cluster; None where Prefect does not tell: the failure itself is told in any case."""
    import httpx
    from prefect.exceptions import PrefectException

    from flows.history import LAST, find_incident

    with suppress(httpx.HTTPError, PrefectException, UnsafeState):
        return find_incident(LAST, cluster)
    return None


def why_refused(error: GpmedicError) -> str:
    """What this kind of refusal means and what ends it, whatever the cluster; empty for a failure."""
    reason = reason_of(error)
    return "" if reason is None else f"Not done ({reason}): {REASONS[reason].meaning} {REASONS[reason].next_action}"


def quiet_prefect() -> None:
    """Keep Prefect's log lines off the terminal, where gpmedic tells the same; its server still gets them."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def import_flows() -> None:
    """Import what a recovery needs; seconds, to be spent while something else starts."""
    import flows.recover  # noqa: F401


@contextmanager
def configured_or_local_server() -> Iterator[None]:
    """The Prefect server that this machine is configured for; a local one where there is none.

    Raises:
        HostUnreachable: the configured one does not answer; nothing was done.
    """
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is not None:
        _require_answer(url)
        yield
        return
    from flows.local_server import local_server

    home = PREFECT_FOLDER.expanduser()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with local_server(home, meanwhile=import_flows):
        yield


@contextmanager
def recorded_runs() -> Iterator[None]:
    """The server that has the record of recoveries: the configured one, else this account's own.

    Raises:
        HostUnreachable: the configured one does not answer.
        UnsafeState: none is configured, and this account has run no recovery by itself.
    """
    from prefect.settings import get_current_settings

    if get_current_settings().api.url is None and not list(PREFECT_FOLDER.expanduser().glob("prefect-*.db")):
        raise UnsafeState(
            "No Prefect server is configured, and no recovery was run from this account: nothing is on record.",
            "Set PREFECT_API_URL to the server on which your recoveries run.",
        )
    with configured_or_local_server():
        yield


def _require_answer(url: str) -> None:
    import httpx
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        failure = client.api_healthcheck()
    if isinstance(failure, httpx.TransportError):  # any answer, also a refusal, is Prefect's to explain
        raise HostUnreachable(
            f"The Prefect server at {masked(url)} does not answer ({failure}); nothing was done.",
            "Start it, correct PREFECT_API_URL, or unset that: gpmedic then brings a server of its own.",
        )
