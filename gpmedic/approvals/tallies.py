"""What the service has seen and done since it began: written by its rounds, read by whoever counts.

Other threads read it: they ask for the keys that can be, and never walk over what a round may be writing to.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from gpmedic.alarms import Raised
from gpmedic.approvals.ends import Ends
from gpmedic.approvals.sight import Sight, sight
from gpmedic.approvals.thread import Thread
from gpmedic.approvals.view import View
from gpmedic.skipped import Reason


class Round(StrEnum):
    """What became of one round for one cluster."""

    DONE = "done"
    SLACK_AWAY = "slack_away"
    PREFECT_AWAY = "prefect_away"
    REFUSED = "refused"  # as where Slack does not take the app, its channel or its scopes
    FAILED = "failed"  # a fault of gpmedic; its log has it


class Tallies:
    """Figures of all clusters.

    Attributes:
        sights: the newest of each cluster.
        shown_at: when each cluster's thread last showed what is.
        rounds, recoveries, skipped: how many, by cluster and word.
    """

    def __init__(self) -> None:
        self.sights: dict[str, Sight] = {}
        self.shown_at: dict[str, datetime] = {}
        self.rounds: Counter[tuple[str, Round]] = Counter()
        self.recoveries: Counter[tuple[str, str]] = Counter()
        self.skipped: Counter[tuple[str, Reason]] = Counter()
        self._wrong_since: dict[str, datetime] = {}
        self._ends = Ends()

    def saw(self, view: View, thread: Thread | None, raised: tuple[Raised, ...] | None = ()) -> None:
        """Note what a round has read.

        Args:
            thread: of the newest incident, where it is known; while Slack is away none can be opened.
            raised: the alarms of its runs; None where they could not be looked for, and then the last ones stand.
        """
        before = self.sights.get(view.cluster)
        now = sight(view, self._incident_since(view, thread), raised or ())
        self.sights[view.cluster] = now if raised is not None or before is None else replace(now, alarms=before.alarms)
        for result, reason in self._ends.ended(view):
            self.recoveries[view.cluster, result] += 1
            if reason is not None:
                self.skipped[view.cluster, reason] += 1

    def ended(self, cluster: str, how: Round) -> None:
        """Note what became of a round."""
        self.rounds[cluster, how] += 1
        if how is Round.DONE:
            self.shown_at[cluster] = datetime.now(UTC)

    def _incident_since(self, view: View, thread: Thread | None) -> datetime | None:
        if view.wrong is False:
            self._wrong_since.pop(view.cluster, None)
            return None
        if thread is not None and not thread.over:
            return thread.opened_at
        if view.wrong and view.recent:
            return self._wrong_since.setdefault(view.cluster, view.looked_at or view.at)
        return None
