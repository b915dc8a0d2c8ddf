"""How often a wait for sync looks, and which of its figures are kept: as seldom as nobody misses anything."""

import math
from typing import Final

from gpmedic.sync import SyncProgress

NEAR: Final = 1.0
FAR: Final = 5.0
"""Seconds between two looks: where the end may be near, and where it is known to be far."""
SHARE_OF_A_CORE: Final = 0.01
_NEAR_FROM: Final = 10.0  # a tenth of the time left is waited, so that an estimate may be wrong

POINT: Final = 1.0
KEPT_AFTER: Final = 5.0
KEPT_WITHIN: Final = 60.0
"""Seconds between two figures that are kept: at least, and at most."""


def pause(progress: SyncProgress | None, look_cost: float) -> float:
    """Seconds until the next look.

    Args:
        look_cost: seconds of processor that a look takes; all looks together take at most a hundredth of a core.
    """
    return max(_wanted(progress), look_cost / SHARE_OF_A_CORE)


def _wanted(progress: SyncProgress | None) -> float:
    if progress is None or not progress.remaining or progress.closing is None:  # nothing tells how far it is
        return NEAR
    if progress.eta is None:  # the backlog grows
        return FAR
    return min(FAR, max(NEAR, progress.eta / _NEAR_FROM))


class Milestones:
    """Which figures of one wait are logged and stored: each new full point, and one a minute.

    So that a wait leaves a bounded trace: about a hundred figures, and sixty an hour where nothing moves.
    """

    def __init__(self) -> None:
        self._kept_at = -math.inf
        self._furthest = -math.inf

    def reached(self, percent: float | None, now: float) -> bool:
        """Whether this figure is one of them; `now` in seconds of any clock that only goes forward."""
        passed = now - self._kept_at
        further = percent is not None and percent >= self._furthest + POINT
        if passed < KEPT_AFTER or (passed < KEPT_WITHIN and not further):
            return False
        self._kept_at = now
        if further and percent is not None:
            self._furthest = percent
        return True
