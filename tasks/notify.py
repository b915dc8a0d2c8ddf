"""Tell people and programs what happens: the run's log, live listeners in this process, Prefect events.

A listener is how the command line draws its display: `with listening(show): recover("gp6")`. Listeners are called in
the thread of the flow, one report after the other; what a listener raises is logged and never disturbs a recovery.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from prefect.events import emit_event
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from gpmedic.events import GPMEDIC, Artifact
from gpmedic.phases import Phase
from gpmedic.resync import Sample
from gpmedic.table import plain

__all__ = ["Level", "Listener", "Phase", "Progress", "announce", "listening", "tell"]


class Level(StrEnum):
    STILL = "still"  # the same goes on: a sign of life, which no report keeps
    INFO = "info"
    WARNING = "warning"
    PASSING = "passing"  # only moves a display: neither logged nor stored


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened, for a person who watches.

    Attributes:
        percent: how much of the phase is done, 0 to 100; None where nobody knows.
        source: who did it: gpmedic, a utility, a person.
        sample: how far the mirrors have caught up, where that is what it is about.
        artifact: what was kept with the run, where that is what it is about.
    """

    phase: Phase
    text: str
    level: Level = Level.INFO
    percent: float | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    source: str = GPMEDIC
    sample: Sample | None = None
    artifact: Artifact | None = None


Listener = Callable[[Progress], None]
_listeners: list[Listener] = []
_quiet = logging.getLogger("gpmedic.tasks")


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have the listener called with each `Progress` of the flows that this process runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(
    phase: Phase,
    text: str,
    level: Level = Level.INFO,
    percent: float | None = None,
    source: str = GPMEDIC,
    *,
    sample: Sample | None = None,
    artifact: Artifact | None = None,
) -> Progress:
    """Log the text in the current run, as one line without control characters, and hand it to the listeners.

    What is passing is not logged: a wait may tell something each second, for hours.
    """
    progress = Progress(phase, plain(text), level, percent, source=plain(source), sample=sample, artifact=artifact)
    logger = _logger()
    if level is not Level.PASSING:
        logger.log(logging.WARNING if level is Level.WARNING else logging.INFO, "%s: %s", phase.value, progress.text)
    for listener in tuple(_listeners):
        try:
            listener(progress)
        except Exception:
            logger.exception("A listener failed; the flow goes on.")
    return progress


def announce(cluster: str, event: str, payload: Mapping[str, object]) -> None:
    """Emit the Prefect event `gpmedic.<event>` about a cluster, for automations to act on."""
    emit_event(
        event=f"gpmedic.{event}",
        resource={"prefect.resource.id": f"gpmedic.cluster.{cluster}", "prefect.resource.name": cluster},
        payload={"cluster": cluster, **payload},
    )


def _logger() -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    try:
        return get_run_logger()
    except MissingContextError:
        return _quiet
