"""Which recorded steps call a utility of Greenplum, how, and what a call came to."""

import re
from typing import NamedTuple

from tests.transcripts import Recorded, Step, recordings

UTILITIES = ("gpstate", "gprecoverseg", "gpstop", "gpstart", "gpinitstandby")
CALL = re.compile(rf"(?:^|[;&|(]\s*|\b[A-Z_]+=\S+ )({'|'.join(UTILITIES)})\b([^;\n<>|&)]*)")
COMMENT = re.compile(r"^#.*", re.M)


class Outcome(NamedTuple):
    """A run of the real utility or of its stand-in, normalised; `code` is None where it was ended from outside."""

    lines: list[str]
    code: int | None
    stderr: list[str]


def generation(step: Step) -> Recorded:
    return "gp4" if step.scenario[0].isdigit() else "gp6"


def calls() -> list[Step]:
    """Every recorded step that calls a utility, and every poll that does."""
    steps = [run for recorded in (*recordings("gp6"), *recordings("gp4")) for run in (recorded, *recorded.polls)]
    return [step for step in steps if utility_of(step)]


def utility_of(step: Step) -> str:
    """The utility that a step calls first, "" where it calls none."""
    called = CALL.search(COMMENT.sub("", step.command))
    return called[1] if called else ""


def arguments_of(step: Step) -> list[str]:
    called = CALL.search(step.command)
    return called[2].replace("~/", "/home/gpadmin/").split() if called else []


def step_of(name: str) -> Step:
    return next(step for step in (*recordings("gp6"), *recordings("gp4")) if str(step) == name)
