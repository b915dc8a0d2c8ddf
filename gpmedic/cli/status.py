"""`gpmedic status` and `gpmedic plan`: look, and change nothing. Neither imports Prefect."""

import json as jsonlib
from typing import Annotated, NoReturn

import typer

from gpmedic.cli.arguments import AsJson, ClusterName
from gpmedic.errors import AccessRefused

Everyone = Annotated[bool, typer.Option("--all", help="Every registered cluster in a list, the worst first.")]


def status(cluster: ClusterName = None, json: AsJson = False, everyone: Everyone = False) -> None:
    """Show what is wrong with a cluster. Exit code 0: healthy, 1: action needed, 2: error; of several the highest."""
    if everyone:
        _status_of_all(cluster, json)
    from gpmedic.access.limits import look_at_limits
    from gpmedic.access.observe import observe
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.cli.screen import show_diagnosis
    from gpmedic.report_json import diagnosis_json

    settings = choose_cluster(cluster)
    diagnosis, limits = observe(settings).diagnosis, look_at_limits(settings)
    if json:
        print(jsonlib.dumps(diagnosis_json(diagnosis, limits), indent=2))
    else:
        show_diagnosis(diagnosis)
        for line in limits.sentences:
            print(line)
    raise typer.Exit(0 if diagnosis.healthy else 1)


def _status_of_all(cluster: str | None, json: bool) -> NoReturn:
    from gpmedic.cli.overview import look_at_all, table
    from gpmedic.cli.screen import console

    if cluster is not None:
        raise AccessRefused(f"--all and {cluster} were given; nothing was looked at.", "Give one of them.")
    lines = look_at_all()
    if json:
        print(jsonlib.dumps([line.json for line in lines], indent=2))
    else:
        print(table(lines).text(console.width if console.is_terminal else None))
    raise typer.Exit(max(line.exit_code for line in lines))


def plan(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Show what `gpmedic recover` would do now. Exit code 0: nothing, 1: a plan, 2: error or refused."""
    from gpmedic.access.limits import look_at_limits
    from gpmedic.access.observe import observe
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.plan import make_plan
    from gpmedic.report import plan_text
    from gpmedic.report_json import plan_json

    settings = choose_cluster(cluster)
    seen = observe(settings)
    steps = make_plan(seen.diagnosis, seen.capabilities, settings.policy)
    limits = look_at_limits(settings)
    print(jsonlib.dumps(plan_json(steps, limits), indent=2) if json else plan_text(steps, limits))
    if steps.steps and not json:
        print(f"No host was checked for this plan: gpmedic recover {settings.name} does that before it asks.")
    raise typer.Exit(1 if steps.steps else 0)
