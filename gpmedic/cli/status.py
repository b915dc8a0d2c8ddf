"""`gpmedic status` and `gpmedic plan`: look, and change nothing. Neither imports Prefect."""

import json as jsonlib
from typing import Annotated

import typer

from gpmedic.access.observe import Observation, observe
from gpmedic.cli.choose import choose_cluster
from gpmedic.cli.screen import show_diagnosis, show_plan
from gpmedic.diagnosis import Diagnosis
from gpmedic.plan import Plan, make_plan
from gpmedic.report import diagnosis_json, plan_json
from gpmedic.settings import ClusterSettings

ClusterName = Annotated[str | None, typer.Argument(help="The cluster's name; may be left out if there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")]


def status(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Show what is wrong with a cluster. Exit code 0: healthy, 1: action needed, 2: error."""
    settings = choose_cluster(cluster)
    diagnosis = observe(settings).diagnosis
    if json:
        print(jsonlib.dumps(diagnosis_json(diagnosis), indent=2))
    else:
        show_diagnosis(diagnosis)
    raise typer.Exit(0 if diagnosis.healthy else 1)


def plan(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Show what `gpmedic recover` would do now. Exit code 0: nothing, 1: a plan, 2: error or refused."""
    settings = choose_cluster(cluster)
    steps = _plan(settings, observe(settings))
    if json:
        print(jsonlib.dumps(plan_json(steps), indent=2))
    else:
        show_plan(steps)
    raise typer.Exit(1 if steps.steps else 0)


def _plan(settings: ClusterSettings, observation: Observation) -> Plan:
    diagnosis: Diagnosis = observation.diagnosis
    return make_plan(diagnosis, observation.capabilities, settings.policy)
