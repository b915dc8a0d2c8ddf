"""`gpmedic brake`: stop everything that gpmedic would start on a cluster, and let it go on again."""

import getpass
import json as jsonlib
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import AsJson, ClusterName

if TYPE_CHECKING:
    from gpmedic.json_shapes import BrakeJson

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Stop what gpmedic would start on a cluster; what runs already runs on.",
)


@app.command()
def on(
    cluster: ClusterName = None,
    why: Annotated[str, typer.Option("--why", help="For whoever finds it.")] = "no reason was given",
) -> None:
    """Pull the brake: from now on nothing is started there, whoever has approved it."""
    from gpmedic.access import brake
    from gpmedic.access.ssh import Shell
    from gpmedic.cli.choose import choose_cluster

    settings = choose_cluster(cluster)
    with Shell.connect(settings.ssh) as shell:
        print(f"On: {brake.pull(shell, settings, f'{getpass.getuser()}@{socket.gethostname()}: {why}')}")
    print(f"What runs already runs on. Next: gpmedic status {settings.name}; gpmedic brake off {settings.name}")


@app.command()
def off(cluster: ClusterName = None) -> None:
    """Release the brake of one cluster. Exit code 1: a brake for all clusters is still on."""
    from gpmedic.access import brake
    from gpmedic.access.ssh import Shell
    from gpmedic.cli.choose import choose_cluster

    settings = choose_cluster(cluster)
    with Shell.connect(settings.ssh) as shell:
        left = brake.release(shell, settings)
    if left is not None:
        print(f"Still on: {left}")
        print("That file is for every cluster of this account; remove it by hand when whoever made it agrees.")
        raise typer.Exit(1)
    print("Off.")


@app.command()
def show(cluster: ClusterName = None, json: AsJson = False) -> None:
    """Say whether it is on, and why. Exit code 0: off, 1: on."""
    from gpmedic.access import brake
    from gpmedic.access.ssh import Shell
    from gpmedic.cli.choose import choose_cluster

    settings = choose_cluster(cluster)
    with Shell.connect(settings.ssh) as shell:
        why = brake.pulled(shell, settings)
    if json:
        shown: BrakeJson = {"cluster": settings.name, "brake": "off" if why is None else "on", "detail": why or ""}
        print(jsonlib.dumps(shown, indent=2))
    else:
        print("Off." if why is None else f"On: {why}")
    raise typer.Exit(0 if why is None else 1)
