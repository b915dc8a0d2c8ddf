"""How recoveries end, each counted once by a service that has seen it alive."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from flows.history import SILENCE
from flows.journal import Journal, known_journal
from flows.page import ended_early
from gpmedic.approvals.view import View
from gpmedic.report import Outcome
from gpmedic.skipped import Reason
from tasks.find_recovery import Recovery, read_recovery

UNKNOWN: Final = "unknown"
RESULTS: Final = (*(outcome.value for outcome in Outcome), UNKNOWN)
"""What becomes of a recovery; unknown where it never said: it crashed, was cancelled, or is of another version."""
NOT_DONE: Final = frozenset({Outcome.REFUSED, Outcome.STOPPED})
RUNS_REMEMBERED: Final = 50


class Ends:
    """The recoveries that rounds have seen, and which of them have been counted."""

    def __init__(self) -> None:
        self._counted: dict[str, dict[UUID, bool]] = {}

    def ended(self, view: View) -> Iterator[tuple[str, Reason | None]]:
        """The result of each recovery that has ended since the round before, and why it was not done.

        What had ended before the first round was for an earlier service to count. The others are read from Prefect
        only while a newer run stands before them.
        """
        newest, first = view.recovery, view.cluster not in self._counted
        runs = self._counted.setdefault(view.cluster, {})
        if newest is not None and newest.owner:
            runs.setdefault(newest.run, first and not newest.live)
        for run in [run for run, counted in runs.items() if not counted]:
            recovery, journal = newest, view.journal
            if newest is None or newest.run != run:
                recovery = read_recovery(run)
                journal = known_journal(recovery.run) if recovery is not None else None
            if recovery is not None and recovery.live:
                continue
            runs[run] = True
            if recovery is not None:  # else it was deleted, and nobody knows
                yield end_of(recovery, journal)
        for run in list(runs)[:-RUNS_REMEMBERED]:
            del runs[run]


def end_of(recovery: Recovery, journal: Journal | None) -> tuple[str, Reason | None]:
    """The result of a recovery that is over, and the reason where it was refused or stopped."""
    if journal is None:
        return UNKNOWN, None
    if journal.outcome is None:
        if not recovery.unanswered:
            return UNKNOWN, None
        return ended_early(SILENCE, journal).value, Reason.NOT_APPROVED  # no code of ours ran when it ended
    if journal.outcome not in NOT_DONE:
        return journal.outcome.value, None
    return journal.outcome.value, Reason(journal.reason) if journal.reason in set(Reason) else Reason.OTHER
