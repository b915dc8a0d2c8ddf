"""What gprecoverseg does to a cluster, apart from what it says: the seam between its text and the practice cluster.

The program is written against `Hands`. In the lab they are the supervisor's verbs (`gprecoverseg_live`); the fidelity
test answers from a recording of the real one instead, so that the same program must come out with the same words.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.utilities.gprecoverseg_targets import Target


class Ending(StrEnum):
    """How the recovery of one segment ended."""

    RECOVERED = "recovered"
    COPY_FAILED = "copy failed"  # pg_rewind or pg_basebackup
    START_FAILED = "start failed"  # the copy is there, the instance does not start


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one recovery; `log` is the file on the target's host where pg_rewind or pg_basebackup wrote."""

    target: Target
    ending: Ending
    log: str = ""


Show = Callable[[Sequence[tuple[Target, str]]], None]
"""Takes the last line that each copy has printed; "" from one that has printed nothing."""


class Hands(Protocol):
    """Every effect of gprecoverseg. Each waits until it is done."""

    @property
    def home(self) -> str:
        """GPHOME."""

    @property
    def data_directory(self) -> str:
        """The coordinator's data directory, from -d or the environment."""

    def facts(self) -> Facts: ...

    def has_file(self, path: str) -> bool: ...

    def read(self, path: str) -> str:
        """A configuration file; FileNotFoundError where it is missing."""

    def write(self, path: str, text: str) -> None: ...

    def reply(self) -> str | None:
        """The next line of stdin, None at its end."""

    def pause(self, seconds: float) -> None: ...

    def era(self) -> str:
        """Of the coordinator's last start."""

    def control_data(self, segment: SegmentFacts) -> str | None:
        """What pg_controldata prints of its data directory; None where that cannot be read."""

    def port_is_free(self, host: str, port: int, used: Set[tuple[str, int]]) -> bool:
        """Whether a segment may be moved to this port of a host, with these ports of hosts in `used` as taken.

        A lab has one address for all its hosts.
        """

    def directory_on(self, host: str, segment: SegmentFacts) -> str:
        """The segment's data directory on another host: the same path, but that a lab's hosts are folders."""

    def stop(self, segments: Sequence[SegmentFacts]) -> None: ...

    def probe(self) -> None:
        """Have FTS look at every segment."""

    def mark(self, targets: Sequence[Target]) -> None:
        """Write into the catalog where the targets go and that they are down, before any data is copied (T15)."""

    def unmark(self, targets: Sequence[Target]) -> None:
        """Write the old places back, after a copy that failed (T21)."""

    def recover(self, targets: Sequence[Target], show: Show) -> Sequence[Result]:
        """Copy and start every target, at the same time. It goes on when this process is killed (T22)."""


class FilerepHands(Hands, Protocol):
    """What 4.3 does beside."""

    def start_resynchronization(self, targets: Sequence[Target]) -> None:
        """Start the mirrors, mark them up and the pairs in resynchronization, and let that run in the background."""

    def parent_exists(self, segment: SegmentFacts) -> bool:
        """Whether the directory above the data directory is there."""
