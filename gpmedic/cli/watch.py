"""`gpmedic watch`: a cluster and its recovery, live. It only reads."""

import json as jsonlib
import os
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import ClusterName

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpmedic.approvals.incident import Incidents
    from gpmedic.live import Incident, Scene

REDRAWN_EVERY = 1.0
"""Seconds after which ages are drawn anew, also without a new look."""


def watch(
    cluster: ClusterName = None,
    interval: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two looks.")] = 2.0,
    json: Annotated[
        bool, typer.Option("--json", help="For programs: one JSON object a line, one line a look.")
    ] = False,
) -> None:
    """Show a cluster and its recovery, live, until Ctrl-C; changes nothing.

    In a pipe a line is printed whenever something has changed. A recovery is seen where PREFECT_API_URL is set.

    \b
    Exit code 0: healthy when it was seen last
              1: action needed
              2: it could not be seen
    """
    from gpmedic.access.follow import Follow
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.cli.repeated import Repeated
    from gpmedic.errors import AccessRefused, GpmedicError
    from gpmedic.live import Scene

    settings, changed = choose_cluster(cluster), threading.Event()
    looking = Repeated(Follow(settings).look, interval, changed)
    asking = Repeated(_Recovery(settings.name).look, interval, changed) if os.environ.get("PREFECT_API_URL") else None

    def scene() -> Scene:
        for one in (looking, asking):
            if one is not None and one.error is not None and not isinstance(one.error, GpmedicError):
                raise one.error
        if looking.seen is None and isinstance(looking.error, AccessRefused):
            raise looking.error  # settings that are wrong do not become right by waiting
        return Scene(
            settings.name,
            interval,
            looking.seen,
            looking.lost,
            asking.seen if asking is not None else None,
            asking.lost if asking is not None else None,
        )

    try:
        if json or not sys.stdout.isatty():
            _print_lines(scene, lambda: looking.looks, changed, json=json)
        else:
            _draw(scene, changed)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(scene().exit_code)


class _Recovery:
    """Looks at Prefect; it is imported, which takes seconds, in the thread that looks."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._incidents: Incidents | None = None

    def look(self) -> "Incident | None":
        """The newest recovery of the cluster.

        Raises:
            HostUnreachable: Prefect does not answer, or refuses.
        """
        from gpmedic.cli.recover import quiet_prefect

        quiet_prefect()
        import httpx
        from prefect.exceptions import PrefectException

        from gpmedic.approvals.incident import Incidents
        from gpmedic.errors import HostUnreachable
        from gpmedic.masking import masked

        self._incidents = self._incidents or Incidents(self._cluster)
        try:
            return self._incidents.look()
        except (httpx.HTTPError, PrefectException) as error:
            why = masked(str(error)).splitlines()[0] if str(error) else type(error).__name__
            raise HostUnreachable(f"Prefect does not answer: {why}.", "It is asked again.") from None


def _print_lines(
    scene: "Callable[[], Scene]", looks: "Callable[[], int]", changed: threading.Event, *, json: bool
) -> None:
    from gpmedic.live import scene_json, summary

    told: object = None
    while True:
        changed.wait()
        changed.clear()
        now = scene()
        if json:
            if looks() != told:
                told = looks()
                print(jsonlib.dumps(scene_json(now)), flush=True)
        elif (said := summary(now)) and said != told:
            told = said
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {now.cluster}: {said}", flush=True)


def _draw(scene: "Callable[[], Scene]", changed: threading.Event) -> None:
    from rich.live import Live
    from rich.text import Text

    from gpmedic.cli.screen import console
    from gpmedic.live_text import scene_text
    from gpmedic.picture_text import Glyphs, Ink

    glyphs = Glyphs.UNICODE if console.encoding.startswith("utf") else Glyphs.ASCII
    ink = Ink.PLAIN if console.color_system is None else Ink.ANSI
    shown = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            width, height = console.size
            text = scene_text(scene(), datetime.now(UTC), width, height, glyphs=glyphs, ink=ink)
            if (text, width, height) != shown:
                shown = text, width, height
                live.update(Text.from_ansi(text, no_wrap=True, overflow="crop"), refresh=True)
            changed.wait(REDRAWN_EVERY)
            changed.clear()
