"""What becomes of a recovery whose process died: when gpmedic has it go on by itself, and when it is a person's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import takewhile
from typing import Final

MOST_IN_A_ROW: Final = 3
"""Runs that crashed soon, one after the other: then it is no accident, and a person must look."""
SOON: Final = timedelta(minutes=30)
"""What has worked for longer has got further: the process was ended from outside, as where a worker is started anew."""
NOT_AFTER: Final = timedelta(days=1)
"""What has crashed so long ago is a person's to begin again."""


class Follows(Enum):
    """What becomes of it."""

    GOES_ON = "goes_on"  # the next health check starts it again
    AGAIN_AND_AGAIN = "again_and_again"
    LONG_AGO = "long_ago"  # no health check has started it again in time
    A_PERSONS = "a_persons"  # it ran in a terminal, or had not yet got the cluster


@dataclass(frozen=True, slots=True)
class Crash:
    """How a run has crashed.

    Attributes:
        at: aware.
        ran: for how long processes worked on it; waiting for answers is not counted.
        deployed: it can be started again without its terminal.
    """

    at: datetime
    ran: timedelta
    deployed: bool


def follows(runs: Iterable[Crash | None], now: datetime) -> Follows | None:
    """What becomes of the newest recovery of a cluster; None where it has not crashed.

    Args:
        runs: how each recovery has crashed, None where it has not, the newest first.
    """
    newest, *before = (*runs, None)
    if newest is None:
        return None
    if not newest.deployed:
        return Follows.A_PERSONS
    if now - newest.at > NOT_AFTER:
        return Follows.LONG_AGO
    soon = list(takewhile(lambda crash: crash is not None and crash.ran < SOON, (newest, *before)))
    return Follows.AGAIN_AND_AGAIN if len(soon) >= MOST_IN_A_ROW else Follows.GOES_ON
