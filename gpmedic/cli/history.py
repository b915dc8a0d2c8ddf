"""`gpmedic history`: the recoveries that Prefect knows."""

import json as jsonlib
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.amounts import duration
from gpmedic.cli.arguments import AsJson, registered

if TYPE_CHECKING:
    from flows.history import Incident
    from gpmedic.json_shapes import IncidentJson

HEADINGS = ("began (UTC)", "cluster", "run", "condition", "outcome", "approved by", "took")


def history(
    cluster: Annotated[
        str | None, typer.Argument(help="Only those of this cluster.", autocompletion=registered)
    ] = None,
    json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first.")] = 20,
) -> None:
    """List recoveries: when, of what, how they ended, who approved them, how long they took. Exit code 0."""
    from gpmedic.cli.recover import quiet_prefect, recorded_runs
    from gpmedic.cli.screen import console
    from gpmedic.table import Table

    quiet_prefect()
    with recorded_runs():
        from flows.history import history as recoveries

        known = list(recoveries(cluster, limit))
    if json:
        print(jsonlib.dumps([_json(incident) for incident in known], indent=2))
    elif not known:
        print(f"No recovery{f' of {cluster}' if cluster else ''} is on record.")
    else:
        print(Table(HEADINGS, tuple(map(_cells, known))).text(console.width if console.is_terminal else None))


def _cells(incident: "Incident") -> tuple[str, ...]:
    return (
        "-" if incident.began is None else f"{incident.began.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        incident.recovery.cluster,
        incident.recovery.name,
        incident.condition or "-",
        _ended(incident),
        ", ".join(incident.approved_by) or "-",
        "-" if incident.seconds is None else duration(incident.seconds),
    )


def _ended(incident: "Incident") -> str:
    """A refusal says whose it was: of a person, of the brake, of a check."""
    return incident.outcome.value + (f" ({incident.reason.replace('_', ' ')})" if incident.reason else "")


def _json(incident: "Incident") -> "IncidentJson":
    recovery = incident.recovery
    return {
        "cluster": recovery.cluster,
        "run": recovery.name,
        "id": str(recovery.run),
        "began": None if incident.began is None else incident.began.isoformat(),
        "seconds": incident.seconds,
        "condition": incident.condition or None,
        "outcome": incident.outcome.value,
        "reason": incident.reason or None,
        "approved_by": list(incident.approved_by),
    }
