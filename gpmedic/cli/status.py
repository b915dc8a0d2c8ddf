"""`gpmedic status` and `gpmedic plan`: look, and change nothing. Neither imports Prefect."""

import json as jsonlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gpmedic.settings import ClusterSettings

ClusterName = Annotated[str | None, typer.Argument(help="The cluster's name; may be left out if there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")]


def status(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Show what is wrong with a cluster. Exit code 0: healthy, 1: action needed, 2: error."""
    from gpmedic.access.observe import observe
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.cli.screen import show_diagnosis
    from gpmedic.report_json import diagnosis_json

    settings = choose_cluster(cluster)
    diagnosis = observe(settings).diagnosis
    if json:
        print(jsonlib.dumps(diagnosis_json(diagnosis), indent=2))
    else:
        show_diagnosis(diagnosis)
        for line in _limits(settings):
            print(line)
    raise typer.Exit(0 if diagnosis.healthy else 1)


def _limits(settings: "ClusterSettings") -> Iterator[str]:
    """What keeps gpmedic from acting on this cluster."""
    from gpmedic.access.brake import pulled
    from gpmedic.access.ssh import Shell
    from gpmedic.errors import GpmedicError
    from gpmedic.settings import Automation

    if settings.policy.automation is Automation.OBSERVE_ONLY:
        yield "gpmedic only observes this cluster (policy.automation)."
    try:
        with Shell.connect(settings.ssh) as shell:
            why = pulled(shell, settings.name)
    except GpmedicError as error:
        yield f"Whether the brake is on is not known: {error.message}"
        return
    if why is not None:
        yield f"The brake is on: {why}"


def plan(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Show what `gpmedic recover` would do now. Exit code 0: nothing, 1: a plan, 2: error or refused."""
    from gpmedic.access.observe import observe
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.plan import make_plan
    from gpmedic.report import plan_text
    from gpmedic.report_json import plan_json

    settings = choose_cluster(cluster)
    seen = observe(settings)
    steps = make_plan(seen.diagnosis, seen.capabilities, settings.policy)
    print(jsonlib.dumps(plan_json(steps), indent=2) if json else plan_text(steps))
    raise typer.Exit(1 if steps.steps else 0)
