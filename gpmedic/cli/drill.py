"""`gpmedic drill`: break a practice cluster on purpose, and watch gpmedic bring it back."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gpmedic.errors import Refused
from gpmedic.practice.facts import Release
from gpmedic.practice.fault import Fault


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
    generation: Annotated[
        Release, typer.Option("--generation", "-g", help="Which Greenplum the practice cluster is like.")
    ] = Release.V6,
    yes: Annotated[bool, typer.Option("--yes", help="Let the practice operator approve, also in a terminal.")] = False,
) -> None:
    """Start a practice cluster, break it, recover it with approvals, and count its rows before and after.

    \b
    Exit code 0: recovered, proven healthy, and no row is lost
              1: not every proof holds, or rows are lost
              2: refused, declined or failed; it says what to do next
            130: ended by Ctrl-C
    """
    if scenario not in DRILLS:
        raise Refused(f"There is no drill {scenario!r}.", f"Choose one of: {', '.join(DRILLS)}.")
    from gpmedic.cli.exercise import exercise

    with tempfile.TemporaryDirectory(prefix="gpmedic-drill-") as folder:
        held = exercise(DRILLS[scenario], generation.value, Path(folder), yes=yes or not sys.stdin.isatty())
    raise typer.Exit(0 if held else 1)
