"""`gpmedic drill`: break a practice cluster on purpose, and watch gpmedic bring it back."""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gpmedic.errors import Refused
from gpmedic.practice.facts import Release
from gpmedic.practice.fault import Fault


class SlackKind(StrEnum):
    """In which Slack a drill is approved."""

    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class Drill:
    """What is broken, and how the user of the cluster would say it.

    Attributes:
        faults: in their order, each with the target that it wants.
        marked_down: segments that FTS will mark down; 0 where the catalog never shows the fault.
        mirrored: whether the practice cluster has mirrors.
        host_returns: whether the broken host answers again before the recovery begins.
        spare: the host that replaces the broken one.
    """

    told: str
    faults: Mapping[Fault, int | str | None]
    marked_down: int = 0
    mirrored: bool = True
    host_returns: bool = False
    spare: str | None = None


DRILLS: Mapping[str, Drill] = {
    "primary-down": Drill(
        "The primary of content 2 is killed; FTS will promote its mirror.", {Fault.KILL_PRIMARY: 2}, marked_down=1
    ),
    "mirror-down": Drill(
        "The mirror of content 0 is killed; FTS will mark it down.", {Fault.KILL_MIRROR: 0}, marked_down=1
    ),
    "host-down": Drill(
        "sdw1 loses its power, with two primaries and two mirrors; then it boots again.",
        {Fault.HOST_DOWN: "sdw1"},
        marked_down=4,
        host_returns=True,
    ),
    "double-fault": Drill(
        "Primary and mirror of content 1 are killed at once; nobody is left to promote.", {Fault.KILL_BOTH: 1}
    ),
    "mirrorless": Drill(
        "The primary of content 1 is killed, and this cluster has no mirrors.", {Fault.KILL_PRIMARY: 1}, mirrored=False
    ),
    "spare-host": Drill(
        "sdw1 is lost for good, with two primaries and two mirrors; sdw4 is to replace it.",
        {Fault.HOST_DOWN: "sdw1"},
        marked_down=4,
        spare="sdw4",
    ),
    "standby-down": Drill("The standby coordinator is killed.", {Fault.KILL_STANDBY: None}),
}


def _scenarios(incomplete: str) -> list[tuple[str, str]]:
    return [(name, drill.told) for name, drill in DRILLS.items() if name.startswith(incomplete)]


def drill(
    scenario: Annotated[
        str, typer.Argument(help=f"One of: {', '.join(DRILLS)}.", autocompletion=_scenarios)
    ] = "primary-down",
    generation: Annotated[
        Release, typer.Option("--generation", "-g", help="Which Greenplum the practice cluster is like.")
    ] = Release.V6,
    yes: Annotated[bool, typer.Option("--yes", help="Let the practice operator approve, also in a terminal.")] = False,
    slack: Annotated[
        SlackKind | None, typer.Option(help="Have it approved in a stand-in Slack, and show the conversation.")
    ] = None,
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
    from gpmedic.practice.dead_drills import forget_dead_drills, prefect_folder

    forget_dead_drills()
    with tempfile.TemporaryDirectory(prefix=prefect_folder(os.getpid())) as folder:
        alone = yes or not sys.stdin.isatty()
        held = exercise(DRILLS[scenario], generation.value, Path(folder), yes=alone, in_slack=slack is not None)
    raise typer.Exit(0 if held else 1)
