"""How much effort a part takes: all of it for the record, little to see that it works."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effort:
    """Attributes:
    repetitions: of each measurement; the median counts.
    segments: sizes of a catalog.
    hosts: how many are asked at once.
    resync: seconds for which mirrors are kept from being in sync while a whole recovery is measured.
    waits: lengths in seconds of a wait for sync of which the calls to Prefect are counted.
    noticed: how often the moment in which a mirror is in sync is awaited.
    """

    repetitions: int
    segments: tuple[int, ...]
    hosts: tuple[int, ...]
    resync: float
    waits: tuple[float, ...]
    noticed: int


FULL: Final = Effort(5, (100, 1000, 4000), (10, 50, 200, 500), 30, (30, 120, 3600), 11)
QUICK: Final = Effort(1, (100, 400), (4, 10), 3, (5, 15), 2)
