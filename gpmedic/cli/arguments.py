"""Arguments that several commands take, and what the shell completes for them."""

from typing import Annotated

import typer

from gpmedic.clusters_folder import cluster_names


def registered(incomplete: str) -> list[str]:
    """The registered clusters whose names begin like this."""
    return [name for name in cluster_names() if name.startswith(incomplete)]


ClusterName = Annotated[
    str | None,
    typer.Argument(help="The cluster's name; may be left out if there is one.", autocompletion=registered),
]
EveryCluster = Annotated[
    str | None,
    typer.Argument(help="Its name; else all that have a file or a block.", autocompletion=registered),
]
OneCluster = Annotated[str, typer.Argument(help="The cluster's name.", autocompletion=registered)]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object (docs/json.md).")]
RestOnStderr = Annotated[
    bool, typer.Option("--json", help="For programs: one JSON object on stdout, everything else on stderr.")
]
