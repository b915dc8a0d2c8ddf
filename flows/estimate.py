"""What earlier recoveries of the same cluster tell about the time that a step takes."""

from collections.abc import Iterator
from typing import Final

from flows.journal import Journal, known_journal
from gpmedic.estimate import in_words, took
from tasks.find_recovery import ended_recoveries

LOOKED_AT: Final = 5
"""Earlier runs; each costs a call when a person is asked."""


def estimate(cluster: str, step: str) -> str:
    """For a person who is about to decide."""
    seconds = [took(step, journal.approvals, journal.events) for journal in earlier(cluster)]
    return in_words([s for s in seconds if s is not None])


def earlier(cluster: str) -> Iterator[Journal]:
    """The journals of the newest recoveries that are over, at most `LOOKED_AT`; of this version alone."""
    for run in ended_recoveries(cluster, LOOKED_AT):
        if (journal := known_journal(run)) is not None:
            yield journal
