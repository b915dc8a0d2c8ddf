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
        help: what it does, short enough for a line of a terminal of 80 columns.
    """

    module: str
    name: str
    help: str


COMMANDS: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "status": Place("gpmedic.cli.status", "status", "What is wrong with a cluster, or with every cluster."),
        "watch": Place("gpmedic.cli.watch", "watch", "The same, live: picture, recovery, question, brake."),
        "plan": Place("gpmedic.cli.status", "plan", "What gpmedic would do about it now."),
        "recover": Place("gpmedic.cli.recover", "recover", "Recover failed segments; asks before each step."),
        "recover-to-spare": Place(
            "gpmedic.cli.recover_to_spare", "recover_to_spare", "Move the segments of a lost host to a spare one."
        ),
        "approve": Place("gpmedic.cli.decide", "approve", "Say yes to the step that a recovery waits with."),
        "reject": Place("gpmedic.cli.decide", "reject", "Say no to it."),
        "history": Place("gpmedic.cli.history", "history", "Recoveries: of what, how they ended, who approved."),
        "report": Place("gpmedic.cli.report", "report", "What one recovery has done, as text, page or JSON."),
        "brake": Place("gpmedic.cli.brake", "app", "Stop what gpmedic would start on a cluster."),
        "setup": Place("gpmedic.cli.setup", "setup", "Register a cluster, after every access was tried."),
        "doctor": Place("gpmedic.cli.doctor", "doctor", "Try every access, and say what to do where one fails."),
        "serve": Place("gpmedic.cli.serve", "serve", "Health checks, recoveries and Slack in one process."),
        "approvals": Place("gpmedic.cli.approvals", "app", "Incidents and approvals in Slack."),
        "drill": Place("gpmedic.cli.drill", "drill", "Break a practice cluster, and learn how it is recovered."),
        "practice": Place("gpmedic.practice.commands", "app", "A practice cluster: real servers to break and recover."),
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
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(found)
    return typer.main.get_command(alone)
