"""What became of a recovery, or where it stands, and the words for it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Outcome(StrEnum):
    """How a recovery has ended, by its own word."""

    HEALTHY = "healthy"  # there was nothing to do
    RECOVERED = "recovered"  # proven
    UNPROVEN = "unproven"  # acted, but not every proof holds
    REFUSED = "refused"  # untouched
    STOPPED = "stopped"  # refused or declined after an earlier step had been done
    FAILED = "failed"  # acted and failed: a person decides


class Standing(StrEnum):
    """Where a recovery stands that has said no last word."""

    RUNNING = "running"
    WAITING = "waiting"  # for the answer of a person
    DIED = "died"  # its process ended without a word, or it was cancelled


OUTCOMES: Final[Mapping[Outcome | Standing, str]] = MappingProxyType(
    {
        Outcome.HEALTHY: "healthy, nothing was done",
        Outcome.RECOVERED: "recovered and proven healthy",
        Outcome.UNPROVEN: "acted, but not proven healthy",
        Outcome.REFUSED: "refused, the cluster is untouched",
        Outcome.STOPPED: "stopped before the end; what was done before stands",
        Outcome.FAILED: "failed, a person decides",
        Standing.RUNNING: "the recovery is still running",
        Standing.WAITING: "the recovery waits for an answer",
        Standing.DIED: "the recovery ended without a last word",
    }
)
