"""Look for the alarms of each cluster in every round; whatever goes wrong there keeps nobody from a question."""

import logging
import time
from typing import Final

from gpmedic.alarms import Raised
from gpmedic.approvals.alarms import alarms, look_at_runs
from gpmedic.approvals.view import View
from tasks.find_runs import Runs

RUNS_EVERY: Final = 10.0
"""Seconds between two looks at the runs of all clusters: what is late is so for minutes."""
_log = logging.getLogger("gpmedic.approvals")


class AlarmLooks:
    """What has been read of the runs of all clusters, and when it is read again."""

    def __init__(self) -> None:
        self._runs: Runs | None = None
        self._runs_again = 0.0
        self._not_before: dict[str, float] = {}

    def raised(self, view: View) -> tuple[Raised, ...] | None:
        """The alarms of this cluster; None where they cannot be found, so that those which stand are left standing."""
        if time.monotonic() < self._not_before.get(view.cluster, 0.0):
            return None
        try:
            return alarms(view, self._look())
        except Exception:
            _log.exception("%s: its alarms cannot be found; its questions are told all the same.", view.cluster)
            self._not_before[view.cluster] = time.monotonic() + RUNS_EVERY
            return None

    def _look(self) -> Runs:
        if self._runs is None or time.monotonic() >= self._runs_again:
            self._runs = look_at_runs()
            self._runs_again = time.monotonic() + RUNS_EVERY
        return self._runs
