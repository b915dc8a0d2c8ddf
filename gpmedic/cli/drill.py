"""`gpmedic drill`: break a practice cluster on purpose, and watch gpmedic bring it back."""

import json as jsonlib
import os
import sys
import tempfile
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import RestOnStderr
from gpmedic.errors import Refused
from gpmedic.practice.drills import DRILLS
from gpmedic.practice.facts import Release
from gpmedic.table import Table

if TYPE_CHECKING:
    from gpmedic.cli.exercise import Ended
    from gpmedic.json_shapes import DrillJson, ScenarioJson


class SlackKind(StrEnum):
    """In which Slack a drill is approved."""

    PRACTICE = "practice"


def _scenarios(incomplete: str) -> list[tuple[str, str]]:
    return [(name, drill.told) for name, drill in DRILLS.items() if name.startswith(incomplete)]


def drill(  # noqa: PLR0917 (the options of a command line)
    scenario: Annotated[
        str | None,
        typer.Argument(help="One of those that --list shows; default: primary-down.", autocompletion=_scenarios),
    ] = None,
    generation: Annotated[
        Release, typer.Option("--generation", "-g", help="Which Greenplum the practice cluster is like.")
    ] = Release.V6,
    yes: Annotated[bool, typer.Option("--yes", help="Let the practice operator approve, also in a terminal.")] = False,
    slack: Annotated[
        SlackKind | None, typer.Option(help="Have it approved in a stand-in Slack, and show the conversation.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Show what can be drilled, and what it teaches.")] = False,
    surprise: Annotated[
        bool, typer.Option("--surprise", help="Break something at random, and ask what you would do about it.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="With --surprise: the same number, the same fault.")] = None,
    answers: Annotated[
        Path | None, typer.Option(help="With --surprise: a file with a line for each step, as recover: gprecoverseg -a")
    ] = None,
    json: RestOnStderr = False,
    report: Annotated[
        Path | None, typer.Option(help="A file for its report: .html, .md, .txt or .json by its name.")
    ] = None,
) -> None:
    """Start a practice cluster, break it, recover it with approvals, and count its rows before and after.

    Its times stand beside those of earlier drills of the same scenario, kept in ~/.local/state/gpmedic.

    \b
    Exit code 0: recovered, proven healthy, and no row is lost
              1: not every proof holds, or rows are lost
              2: refused, declined or failed; it says what to do next
            130: ended by Ctrl-C
    """
    if show_list:
        _show_list(json=json)
        return
    if surprise and scenario is not None:
        raise Refused(f"--surprise and {scenario} were given; nothing was started.", "Give one of them.")
    if not surprise and (seed is not None or answers is not None):
        raise Refused("--seed and --answers belong to --surprise; nothing was started.", "Give --surprise too.")
    chosen = scenario or "primary-down"
    if chosen not in DRILLS:
        raise Refused(f"There is no drill {chosen!r}.", f"Choose one of: {', '.join(DRILLS)}.")
    from gpmedic.cli.surprise import answers_of, surprising

    given = answers_of(answers) if surprise else None
    from contextlib import nullcontext, redirect_stdout

    from gpmedic.cli.exercise import exercise
    from gpmedic.cli.quiz import quiz
    from gpmedic.cli.report import format_of
    from gpmedic.practice.dead_drills import forget_dead_drills, temporary_folder

    if report is not None:
        format_of(report)  # refused now rather than after the drill
    broken = DRILLS[chosen]
    if surprise:
        chosen, broken = surprising(seed)
    forget_dead_drills()
    with (
        redirect_stdout(sys.stderr) if json else nullcontext(),
        tempfile.TemporaryDirectory(prefix=temporary_folder(os.getpid())) as folder,
    ):
        alone = yes or not sys.stdin.isatty()
        asking = partial(quiz, answers=given) if surprise else None
        ended = exercise(
            broken, generation.value, Path(folder), yes=alone, in_slack=slack is not None, quiz=asking, report=report
        )
        shown = _compared(chosen, generation.value, ended)
    if json:
        print(jsonlib.dumps(shown, indent=2))
    raise typer.Exit(0 if ended.held else 1)


def _compared(scenario: str, generation: str, ended: "Ended") -> "DrillJson":
    """Show the times of a drill beside earlier ones, keep them where it went well, and give everything for programs."""
    from gpmedic.cli.drill_times import compare
    from gpmedic.cli.quiz import score_json
    from gpmedic.recovery_json import times_json
    from gpmedic.times import times

    now = times(ended.report, ended.broken_at)
    compared = compare(scenario, generation, now, ended.report.ended if ended.held else None)
    earlier = len(compared.earlier)
    print(f"\n{scenario} on {generation}, {earlier} earlier drill{'s' * (earlier != 1)}:\n{compared.table().text()}")
    return {
        "scenario": scenario,
        "generation": generation,
        "recovered": ended.held,
        "rows_written": ended.written,
        "rows_found": ended.found,
        "times": times_json(now),
        "earlier": len(compared.earlier),
        "best": None if compared.best is None else times_json(compared.best),
        "median": None if compared.median is None else times_json(compared.median),
        "score": None if ended.score is None else score_json(ended.score),
    }


def _show_list(*, json: bool) -> None:
    rows: list[ScenarioJson] = [
        {"scenario": name, "breaks": drill.told, "teaches": drill.teaches, "generations": list(Release)}
        for name, drill in DRILLS.items()
    ]
    if json:
        print(jsonlib.dumps(rows, indent=2))
        return
    cells = [(row["scenario"], row["breaks"], row["teaches"], ", ".join(row["generations"])) for row in rows]
    from gpmedic.cli.screen import console

    headings = ("scenario", "what breaks", "what it teaches", "generations")
    print(Table(headings, tuple(cells)).text(console.width if console.is_terminal else None))
