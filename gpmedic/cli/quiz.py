"""What would you do? The person at the terminal answers before gpmedic shows its plan; then both are compared."""

from collections.abc import Sequence
from typing import Final

import typer

from gpmedic.access.observe import observe
from gpmedic.cli.screen import console, show_segments
from gpmedic.json_shapes import ScoreJson
from gpmedic.plan import make_plan
from gpmedic.settings import ClusterSettings
from gpmedic.steps import Action
from gpmedic.table import Table
from gpmedic.training import LOOKS_ONLY, WHY, Answer, Score, score

_MOST: Final = 12  # steps; the runbook has fewer


def quiz(settings: ClusterSettings, answers: Sequence[Answer] | None) -> Score:
    """Show what was found, let the person say what they would do, and compare it with gpmedic's plan.

    Args:
        answers: given beforehand, for scripts; None: the person at the terminal is asked.
    """
    seen = observe(settings)
    show_segments(seen.cluster)
    for finding in seen.diagnosis.findings:  # without its next action, which would be the answer
        console.print(f"{finding.facts.title}: {finding.detail}\n  {finding.facts.meaning}", markup=False)
    try:
        given = _ask() if answers is None else tuple(answers)
    except typer.Abort:
        raise KeyboardInterrupt from None  # which is what it was, and ends as everywhere
    result = score(given, make_plan(seen.diagnosis, seen.capabilities, settings.policy).steps)
    _show(result)
    return result


def score_json(of: Score) -> ScoreJson:
    """The score as JSON values."""
    return {
        "points": of.points,
        "most": of.most,
        "steps": [
            {
                "action": one.action.value,
                "command": one.planned.command if one.planned is not None else "",
                "answered": one.answer.command if one.answer is not None else "",
                "verdict": one.verdict.value,
                "points": one.points,
            }
            for one in of.judged
        ],
    }


def _ask() -> tuple[Answer, ...]:
    actions = tuple(Action)
    print("\nWhat would you do, step by step? The steps of the runbook:")
    for number, action in enumerate(actions, 1):
        print(f"  {number}  {action.step_name}")
    answers: list[Answer] = []
    while len(answers) < _MOST:
        number = typer.prompt(f"Step {len(answers) + 1} (1-{len(actions)}, 0 when nothing is left to do)", type=int)
        if number == 0:
            break
        if not 0 < number <= len(actions):
            print(f"There is no step {number}.")
            continue
        action = actions[number - 1]
        command = "" if action in LOOKS_ONLY else typer.prompt("  The command, as you would type it")
        answers.append(Answer(action, command))
    return tuple(answers)


def _show(result: Score) -> None:
    rows = [
        (
            one.action.step_name,
            (one.planned.command or "-") if one.planned is not None else "not in the plan",
            "not answered" if one.answer is None else one.answer.command or "-",
            one.verdict.value,
            str(one.points),
        )
        for one in result.judged
    ]
    width = console.width if console.is_terminal else None
    print("\nYour answer beside gpmedic's plan:\n")
    print(Table(("step", "gpmedic", "you", "verdict", "points"), tuple(rows)).text(width))
    print(f"\n{result.points} of {result.most} points. Why gpmedic does it so:")
    for action in dict.fromkeys(one.action for one in result.judged):
        console.print(f"  {action.step_name}: {WHY[action]}", markup=False)
    print()
