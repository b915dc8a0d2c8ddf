"""Who answers a flow's approvals on the command line: the person at the terminal, or a practice operator."""

import getpass
import select
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from gpmedic.errors import Refused
from gpmedic.practice.drills import PRACTICE_OPERATOR
from gpmedic.settings import ClusterSettings

if TYPE_CHECKING:
    from flows.attend import Attendant
    from tasks.approve import Answer, Request

TERMINAL = "terminal"
LOOK_EVERY = 0.5
"""Seconds between two looks whether somebody else has answered."""
IS_PRACTICE_SQL = "SELECT count(*) AS known FROM pg_namespace WHERE nspname = 'gpmedic_practice'"


@dataclass(frozen=True, slots=True)
class Attending:
    """Who answers, and how those who watch call them."""

    answer: "Attendant"
    name: str


def choose_attendant(settings: ClusterSettings, *, yes: bool) -> Attending:
    """Who will answer.

    Args:
        yes: the practice operator approves everything; only a practice cluster accepts that.

    Raises:
        Refused: `yes` for a cluster that is not a practice cluster, or nobody is there to ask.
    """
    if yes:
        _require_practice(settings)
        return Attending(_approve_as_practice_operator, f"the {PRACTICE_OPERATOR}")
    if not sys.stdin.isatty():
        raise Refused(
            "There is no terminal to ask for approvals; nothing was done.",
            "Run it in a terminal, or deploy the flow and answer in Prefect's page.",
        )
    return Attending(_ask_at_the_terminal, "a person")


def _require_practice(settings: ClusterSettings) -> None:
    # The file alone is no proof: it may have been copied and pointed at a real cluster.
    from gpmedic.access.sql import Database

    confirmed = False
    if settings.practice:
        with Database.connect(settings.database) as database:
            confirmed = database.rows(IS_PRACTICE_SQL)[0]["known"] == 1
    if not confirmed:
        raise Refused(
            f"--yes is for practice clusters only, and {settings.name} is none; nothing was done.",
            "Run it without --yes and answer each question yourself.",
        )


def _approve_as_practice_operator(request: "Request") -> "Answer":
    from flows.drill import approve_as_practice_operator

    _show(request)
    answer = approve_as_practice_operator(request)
    print(f"Approved by the {answer.operator}.\n")
    return answer


class _AnsweredElsewhere(Exception):
    """In another terminal, on Prefect's page or in Slack, while this terminal waited."""


def _ask_at_the_terminal(request: "Request") -> "Answer | None":
    _show(request)
    _forget_what_was_typed_ahead()
    try:
        return _typed(request)
    except _AnsweredElsewhere:
        print("\nThis question waits for no answer any more.")
        return None


def _typed(request: "Request") -> "Answer":
    from tasks.approve import Answer

    operator = getpass.getuser()
    if request.approved_by is not None:
        # Who administers Greenplum often shares one account, so the account does not tell two people apart.
        who = f"{request.approved_by} has approved it, and this step needs a second person. Your name: "
        while not (operator := _line(who)):
            pass
    until = f"asked until {request.expires_at:%H:%M} UTC; anything but y leaves the cluster as it is"
    if _line(f"Do it? ({until}) [y/N]: ").lower() in {"y", "yes"}:
        return Answer(decision="yes", operator=operator, via=TERMINAL)
    reason = _line("Why not? (kept with the record; Enter for no reason): ")
    return Answer(decision="no", operator=operator, reason=reason, via=TERMINAL)


def _line(prompt: str) -> str:
    """What is typed, while nobody else answers.

    Raises:
        _AnsweredElsewhere: somebody else has.
        Abort: the terminal is gone.
    """
    from flows.attend import answered_elsewhere

    print(prompt, end="", flush=True)
    while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
        if answered_elsewhere():
            raise _AnsweredElsewhere
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.strip()


def _forget_what_was_typed_ahead() -> None:
    # A second y, typed before this question was there, is no answer to it.
    import termios

    termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _show(request: "Request") -> None:
    from gpmedic.cli.screen import console, page

    console.print()
    console.print(page(request.proposal.text))
