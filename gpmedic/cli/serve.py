"""`gpmedic serve`: health checks, recoveries and Slack in one process, for who wants no worker."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import registered
from gpmedic.clusters_folder import clusters_folder
from gpmedic.errors import AccessRefused, GpmedicError

if TYPE_CHECKING:
    from gpmedic.approvals.service import Service
    from gpmedic.settings import ClusterSettings


def serve(
    clusters: Annotated[
        list[str] | None, typer.Argument(help="Default: all that are registered.", autocompletion=registered)
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The deployments; default: deployments/prefect.yaml here.")] = None,
    app_block: Annotated[str, typer.Option("--app", help="The block gpmedic-slack-app to use.")] = "gpmedic",
    metrics: Annotated[
        str | None, typer.Option(help="HOST:PORT for Prometheus (/metrics), where Slack is served.")
    ] = None,
) -> None:
    """Check each cluster every minute, run what is started on Prefect's page or in Slack, until it is ended.

    Needs a Prefect server (PREFECT_API_URL). It takes the place of a worker, and of `gpmedic approvals serve`.
    """
    from gpmedic.cli.approvals import require_addresses, require_server
    from gpmedic.cli.recover import configured_or_local_server, quiet_prefect

    require_addresses(None, metrics)
    names = clusters or _registered()
    require_server()
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")  # a service's output is its log
    from blocks.greenplum import load_cluster

    quiet_prefect()
    chosen, stop = {name: load_cluster(name) for name in names}, Event()
    told = {name: one for name, one in chosen.items() if one.slack is not None}
    if not told and metrics is not None:
        raise AccessRefused(
            "No cluster has a [slack] section, and the metrics are those of the service in Slack; nothing is served.",
            "Serve without --metrics, or say in a cluster's settings which channel is told (docs/slack.md).",
        )
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: stop.set())
    with configured_or_local_server(), ExitStack() as stack:
        from flows.deployments import FILE, environment, read_deployments, served
        from flows.serving import serving

        rows = read_deployments(file or FILE)
        os.environ.update(environment(rows))  # a run without its heartbeat would count as dead
        deployments = tuple(served(rows, tuple(chosen)))
        stack.enter_context(serving(deployments, stop))
        print(f"Serving {', '.join(chosen)}: {', '.join(deployment.name for deployment in deployments)}.", flush=True)
        service = _service_in_slack(stack, told, app_block, metrics)
        if service is None:
            stop.wait()
        else:
            service.run(stop)
        print(
            "Ending. What runs on a coordinator's host goes on there; a recovery in the middle of its work is continued"
            " by the first health check after the next start.",
            flush=True,
        )
    print("Ended.")


def _registered() -> list[str]:
    from gpmedic.cli.choose import registered_clusters

    known = registered_clusters()
    if not known:
        raise AccessRefused(
            f"No cluster is registered in {clusters_folder()}; nothing is served.",
            "Register one: gpmedic setup NAME.",
        )
    return known


def _service_in_slack(
    stack: ExitStack, told: "dict[str, ClusterSettings]", app_block: str, metrics: str | None
) -> "Service | None":
    """The approvals service; None where there is none, and then the clusters are watched all the same."""
    from gpmedic.cli.approvals import in_slack

    if not told:
        print("No cluster has a [slack] section: answer on Prefect's page or with gpmedic approve.", flush=True)
        return None
    try:
        return stack.enter_context(in_slack(told, app_block, metrics=metrics))
    except GpmedicError as error:
        print(f"Slack is not served: {error}", file=sys.stderr)
        print(
            "Then start gpmedic approvals serve beside this process, or this one again; until then answer on Prefect's"
            " page or with gpmedic approve.",
            file=sys.stderr,
            flush=True,
        )
        return None
