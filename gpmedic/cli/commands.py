"""Which commands there are: one row each, so that a module is imported only when its command runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Command, Context


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command, or a group of them, stands.

    Attributes:
        name: of the function, or of the `typer.Typer` of a group.
        help: the first line of its help.
    """

    module: str
    name: str
    help: str


COMMANDS: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "status": Place(
            "gpmedic.cli.status",
            "status",
            "Show what is wrong with a cluster. Exit code 0: healthy, 1: action needed, 2: error; of several the"
            " highest.",
        ),
        "plan": Place(
            "gpmedic.cli.status",
            "plan",
            "Show what `gpmedic recover` would do now. Exit code 0: nothing, 1: a plan, 2: error or refused.",
        ),
        "recover": Place(
            "gpmedic.cli.recover",
            "recover",
            "Recover failed segments, with a question before every disruptive step.",
        ),
        "recover-to-spare": Place(
            "gpmedic.cli.recover_to_spare",
            "recover_to_spare",
            "Move every segment of a lost host to a spare one, with the same questions and exit codes as `gpmedic"
            " recover`.",
        ),
        "approve": Place(
            "gpmedic.cli.decide",
            "approve",
            "Say yes to the step that a recovery of the cluster waits with; the plan is shown first.",
        ),
        "reject": Place(
            "gpmedic.cli.decide",
            "reject",
            "Say no to the step that a recovery of the cluster waits with; it is not run.",
        ),
        "serve": Place(
            "gpmedic.cli.serve",
            "serve",
            "Check each cluster every minute, run what is started on Prefect's page or in Slack, until it is ended.",
        ),
        "setup": Place(
            "gpmedic.cli.setup",
            "setup",
            "Register a cluster: asks for what is not said, tries every access, saves only what works.",
        ),
        "doctor": Place(
            "gpmedic.cli.doctor",
            "doctor",
            "Try every access that gpmedic needs, and say what to do about each that fails. Changes nothing.",
        ),
        "drill": Place(
            "gpmedic.cli.drill",
            "drill",
            "Start a practice cluster, break it, recover it with approvals, and count its rows before and after.",
        ),
        "approvals": Place("gpmedic.cli.approvals", "app", "Incidents and approvals in Slack."),
        "brake": Place(
            "gpmedic.cli.brake", "app", "Stop what gpmedic would start on a cluster; what runs already runs on."
        ),
        "practice": Place(
            "gpmedic.practice.commands",
            "app",
            "A practice cluster on this machine: real servers to break and recover.",
        ),
    }
)


class Commands(TyperGroup):
    """Lists the commands of the table by their rows, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        rows = {name: TyperCommand(name, callback=None, help=place.help) for name, place in COMMANDS.items()}
        self.commands = {**rows, **self.commands}

    def resolve_command(self, ctx: "Context", args: list[str]) -> tuple[str | None, "Command | None", list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name is not None and name in COMMANDS else command, rest


def loaded(name: str) -> "Command":
    """The command of this row, whose module is imported for it."""
    place = COMMANDS[name]
    found = getattr(import_module(place.module), place.name)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)
