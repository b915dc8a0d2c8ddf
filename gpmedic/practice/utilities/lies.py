"""Hands that do nothing, and words that deny what was done: runs of a stand-in under the fault `utility_lies`.

Greenplum's utilities exit with 0 although they did nothing (T1, T3, T23), and with a Python error although they did all
of it (T30).
"""

import re
from collections.abc import Callable, Sequence

from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.fault import Fault, Lie
from gpmedic.practice.utilities.gprecoverseg_hands import Ending, Result, Show
from gpmedic.practice.utilities.gprecoverseg_live import LiveHands
from gpmedic.practice.utilities.gprecoverseg_targets import Failed, Target
from gpmedic.practice.utilities.gpstop_hands import LiveClusterHands

_SUCCESS = re.compile(
    r"-(The rebalance operation has completed|Segments successfully|Updating segments for resynchronization is)"
)


def lies(facts: Facts, lie: Lie) -> bool:
    """Whether this lie is in force."""
    return lie.value in (facts.fault(Fault.UTILITY_LIES) or "").split(",")


class IdleHands(LiveHands):
    """gprecoverseg's: everything succeeds, and nothing is done."""

    def stop(self, segments: Sequence[SegmentFacts]) -> None:
        pass

    def mark(self, targets: Sequence[Target]) -> None:
        pass

    def recover(self, targets: Sequence[Target], show: Show) -> Sequence[Result]:
        return [Result(target, Ending.RECOVERED) for target in targets]

    def start_resynchronization(self, targets: Sequence[Target]) -> None:
        pass


class IdleClusterHands(LiveClusterHands):
    """gpstart's: nothing is started, and nothing has failed to start."""

    def start(self, without: Sequence[SegmentFacts]) -> Sequence[SegmentFacts]:
        return ()


def failing_at_last(write: Callable[[str], None]) -> Callable[[str], None]:
    """A `write` that raises where the run is about to say that it has succeeded, as 4.3 did once (T30)."""
    denied = False

    def say(text: str) -> None:
        nonlocal denied
        if not denied and _SUCCESS.search(text):
            denied = True
            raise Failed("'NoneType' object has no attribute 'wasSuccessful'")
        write(text)

    return say
