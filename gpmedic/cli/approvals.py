"""`gpmedic approvals serve`: the service that tells incidents in Slack and takes decisions there."""

import logging
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import registered
from gpmedic.errors import AccessRefused, HostUnreachable

if TYPE_CHECKING:
    from starlette.routing import Route

    from blocks.slack_app import SlackApp
    from gpmedic.approvals.service import Service
    from gpmedic.settings import ClusterSettings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Incidents and approvals in Slack.")


@app.command()
def connect(
    app_block: Annotated[str, typer.Option("--app", help="How the block is called.")] = "gpmedic",
    api_url: Annotated[str, typer.Option(hidden=True)] = "https://slack.com/api/",
) -> None:
    """Ask for the app's tokens, try them, save them as a block on the Prefect server; nothing is shown or logged."""
    from pydantic import SecretStr

    from blocks.slack_app import SlackApp
    from gpmedic.access.slack import SlackAway, try_app_token

    require_server()
    bot_token = typer.prompt("Bot token (xoxb-...)", hide_input=True)
    app_token = typer.prompt("App-level token (xapp-..., Enter for HTTP alone)", hide_input=True, default="")
    signing_secret = typer.prompt("Signing secret (Enter for Socket Mode alone)", hide_input=True, default="")
    if not app_token and not signing_secret:
        raise AccessRefused(
            "Without an app-level token and without a signing secret no click can come back; nothing was saved.",
            "Give the token for Socket Mode, or the secret for HTTP.",
        )
    block = SlackApp(
        bot_token=SecretStr(bot_token),
        app_token=SecretStr(app_token) if app_token else None,
        signing_secret=SecretStr(signing_secret) if signing_secret else None,
        api_url=api_url,
    )
    try:
        us = block.connect().who_am_i()
        if app_token:
            try_app_token(app_token, api_url)
    except SlackAway as error:
        raise HostUnreachable(
            f"Slack {error.what}; nothing was saved.", f"See what keeps this host from {api_url}, then connect again."
        ) from None
    block.save(app_block, overwrite=True)
    print(f"Slack knows the app as {us}; saved as block gpmedic-slack-app/{app_block}. Next: gpmedic approvals serve")


@app.command()
def serve(
    clusters: Annotated[
        list[str] | None,
        typer.Argument(help="Default: all whose settings have a slack section.", autocompletion=registered),
    ] = None,
    http: Annotated[str | None, typer.Option(help="HOST:PORT for HTTP interactivity, instead of Socket Mode.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="HOST:PORT for Prometheus (/metrics); the same as of --http: one port for both.")
    ] = None,
    app_block: Annotated[str, typer.Option("--app", help="The block gpmedic-slack-app to use.")] = "gpmedic",
) -> None:
    """Run until it is ended; needs a Prefect server (PREFECT_API_URL) and the block of the Slack app there."""
    require_addresses(http, metrics)
    require_server()
    chosen, stop = _chosen(clusters or []), Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: stop.set())
    with in_slack(chosen, app_block, http, metrics) as service:
        service.run(stop)
    print("Ended.")


@contextmanager
def in_slack(
    chosen: "dict[str, ClusterSettings]", app_block: str, http: str | None = None, metrics: str | None = None
) -> "Iterator[Service]":
    """The service for these clusters, connected with Slack until the block ends; whoever asks for it runs it.

    Args:
        http, metrics: HOST:PORT; see `serve`.

    Raises:
        GpmedicError: the block, an approver or Slack itself is missing; nothing is served.
    """
    from blocks.slack_app import load_app
    from gpmedic.approvals.doctor import require_approvers
    from gpmedic.approvals.service import Service

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    slack_app = load_app(app_block)
    slack = slack_app.connect()
    us = slack.who_am_i()
    for name, settings in chosen.items():
        if settings.slack is not None:
            require_approvers(slack, name, settings.slack)
    service = Service(slack, chosen)
    with ExitStack() as stack:
        for port in listening(slack_app, service, http, metrics):
            stack.enter_context(port)
        print(f"Serving {', '.join(chosen)} as {us}, {f'at {http}' if http else 'through Socket Mode'}.", flush=True)
        yield service


def require_addresses(http: str | None, metrics: str | None) -> None:
    """Raise AccessRefused where one of them is no HOST:PORT."""
    for option, where in (("--http", http), ("--metrics", metrics)):
        if where is not None:
            _address(option, where)


def require_server() -> None:
    """Return where a Prefect server is configured.

    Raises:
        AccessRefused: none is.
    """
    from prefect.settings import get_current_settings

    if get_current_settings().api.url is None:
        raise AccessRefused(
            "PREFECT_API_URL names no Prefect server; nothing was done.",
            "Set it to the address of the server that the flows use, such as http://prefect.example.com:4200/api; "
            "where there is none yet: prefect server start.",
        )


def _chosen(names: list[str]) -> "dict[str, ClusterSettings]":
    from blocks.greenplum import load_cluster
    from gpmedic.clusters_folder import cluster_names

    wanted = names or cluster_names()
    settings = {name: load_cluster(name) for name in wanted}
    told = {name: one for name, one in settings.items() if one.slack is not None}
    silent = ", ".join(sorted(settings.keys() - told.keys()))
    if not told or (names and silent):
        raise AccessRefused(
            f"No [slack] stands in the settings of {silent or 'any registered cluster'}.",
            "Say there which channel and which approvers (docs/slack.md).",
        )
    return told


@contextmanager
def _over_socket(slack_app: "SlackApp", service: "Service") -> Iterator[None]:
    from gpmedic.approvals.socket_mode import listening

    if slack_app.app_token is None:
        raise AccessRefused("The app's block has no app_token.", "Add it, or serve with --http HOST:PORT.")
    with listening(slack_app.app_token.get_secret_value(), slack_app.api_url, service.receive):
        yield


def listening(
    slack_app: "SlackApp", service: "Service", http: str | None, metrics: str | None
) -> Iterator[AbstractContextManager[None]]:
    """What is to be entered: a connection to Slack or a port for it, and a port for the metrics, or one for both."""
    from gpmedic.approvals.http import application, interactivity_route, served

    wanted: list[tuple[str, str, Route]] = []
    if http is None:
        yield _over_socket(slack_app, service)
    elif slack_app.signing_secret is None:
        raise AccessRefused("The app's block has no signing_secret.", "Add it, or serve without --http.")
    else:
        secret = slack_app.signing_secret.get_secret_value()
        wanted.append(("--http", http, interactivity_route(secret, service.receive, service.refuse)))
    if metrics is not None:
        from gpmedic.approvals.metrics import metrics_route

        wanted.append(("--metrics", metrics, metrics_route(service)))
    ports: dict[tuple[str, int], list[tuple[str, Route]]] = {}
    for option, where, route in wanted:
        ports.setdefault(_address(option, where), []).append((option, route))
    for (host, port), own in ports.items():
        yield served(application(*(route for _, route in own)), host, port, own[0][0])


def _address(option: str, where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    if not host or not port.isdecimal():
        raise AccessRefused(f"{option} {where} is no HOST:PORT.", f"Such as {option} 127.0.0.1:8199.")
    return host, int(port)
