"""Which copy of a content is the current one: pg_controldata of both, catalog and history, judged by a table of rules.

The position of a mirror's control file is that of its last restart point and always behind: it never speaks alone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.cluster import Segment, SegmentPair


class Current(StrEnum):
    PRIMARY = "the acting primary"
    MIRROR = "the acting mirror"
    EITHER = "both copies"
    UNKNOWN = "not known"


class Presence(StrEnum):
    """What was found of a copy on its host."""

    READ = "read"
    GONE = "its data directory does not exist"
    UNUSABLE = "its data directory has no pg_control"
    UNREADABLE = "its control file could not be read"
    NOT_SEEN = "its host does not answer"

    @property
    def lost(self) -> bool:
        """Proven to hold no data that an instance could be started from; a host that is silent proves nothing."""
        return self in {Presence.GONE, Presence.UNUSABLE}


@dataclass(frozen=True, slots=True)
class ControlData:
    """What pg_controldata says of an instance.

    Attributes:
        state: such as "in production", "in archive recovery", "shut down".
        timeline: of the latest checkpoint.
        checkpoint, prior: locations of the latest checkpoint and of the one before, as printed.
    """

    system: str
    state: str
    timeline: int
    checkpoint: str
    prior: str = ""

    @property
    def position(self) -> int:
        """The latest checkpoint as a number of bytes."""
        high, _, low = self.checkpoint.partition("/")
        return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a content.

    Attributes:
        data: only where it was read.
        history: its newest lines of gp_configuration_history, the newest first, each with its time.
    """

    segment: Segment
    presence: Presence
    data: ControlData | None = None
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both copies of a content, by the roles of the catalog; `mirror` is None where there is none."""

    content: int
    primary: Copy
    mirror: Copy | None
    current: Current
    reason: str

    @property
    def copies(self) -> tuple[Copy, ...]:
        return (self.primary,) if self.mirror is None else (self.primary, self.mirror)

    @property
    def lost(self) -> bool:
        """Whether every copy is proven to be lost."""
        return all(copy.presence.lost for copy in self.copies)

    def __str__(self) -> str:
        return f"content {self.content}: current is {self.current.value}, because {self.reason}"


_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Database system identifier": "system",
        "Database cluster state": "state",
        "Latest checkpoint location": "checkpoint",
        "Prior checkpoint location": "prior",  # 4.3 and 6; 7 keeps none
        "Latest checkpoint's TimeLineID": "timeline",
    }
)
_LOCATION: Final = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
_NO_CONTROL_FILE: Final = re.compile(r'could not open file "?[^"\n]*global/pg_control"?[^\n]*No such file or directory')


def read_control_data(text: str) -> ControlData | None:
    """The output of pg_controldata; None where it is not whole, or its checksum is wrong and nothing counts."""
    if "CRC" in text and "does not match" in text:
        return None
    found: dict[str, str] = {}
    for line in text.splitlines():
        label, separator, value = line.partition(":")
        if separator and label.strip() in _LABELS:
            found.setdefault(_LABELS[label.strip()], value.strip())
    timeline, checkpoint = found.get("timeline", ""), found.get("checkpoint", "")
    if not timeline.isdecimal() or not _LOCATION.fullmatch(checkpoint) or not found.get("state"):
        return None
    return ControlData(
        found.get("system", ""), found["state"], int(timeline), checkpoint.upper(), found.get("prior", "")
    )


def inspect(segment: Segment, said: str | None, exists: bool | None, history: Sequence[str] = ()) -> Copy:
    """One copy, from what its host said.

    Args:
        said: the output of pg_controldata; None where the host was not asked.
        exists: whether its data directory is there; None where the host did not answer.
    """
    if exists is None:
        return Copy(segment, Presence.NOT_SEEN, None, tuple(history))
    if not exists:
        return Copy(segment, Presence.GONE, None, tuple(history))
    data = read_control_data(said or "")
    if data is not None:
        return Copy(segment, Presence.READ, data, tuple(history))
    presence = Presence.UNUSABLE if _NO_CONTROL_FILE.search(said or "") else Presence.UNREADABLE
    return Copy(segment, presence, None, tuple(history))


def compare(pair: SegmentPair, primary: Copy, mirror: Copy | None) -> Comparison:
    """Which copy holds every commit, and why: the first rule of the table that holds."""
    both = _Both(pair, primary, mirror)
    rule = next(rule for rule in RULES if rule.holds(both))
    return Comparison(pair.content, primary, mirror, rule.current, rule.reason)


@dataclass(frozen=True, slots=True)
class _Both:
    pair: SegmentPair
    primary: Copy
    mirror: Copy | None

    def timelines(self) -> tuple[int, int] | None:
        """Those of primary and mirror; None unless both were read."""
        if self.mirror is None or self.primary.data is None or self.mirror.data is None:
            return None
        return self.primary.data.timeline, self.mirror.data.timeline

    def mirror_is_later(self) -> bool:
        """On one timeline, and no restart point explains it: the mirror holds a checkpoint that the primary lacks."""
        if self.mirror is None or self.primary.data is None or self.mirror.data is None:
            return False
        mine, other = self.primary.data, self.mirror.data
        return mine.timeline == other.timeline and other.position > mine.position

    def foreign(self) -> bool:
        if self.mirror is None or self.primary.data is None or self.mirror.data is None:
            return False
        return self.primary.data.system != self.mirror.data.system

    def primary_is_a_mirror(self) -> bool:
        """The catalog made it primary, and it was never promoted: its control file is still a mirror's."""
        return self.primary.data is not None and "archive recovery" in self.primary.data.state

    def mirror_was_up(self) -> bool:
        return self.mirror is not None and self.mirror.segment.is_up and self.pair.synchronized


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    holds: Callable[[_Both], bool]
    current: Current
    reason: str


def _without_primary(both: _Both) -> bool:
    return both.primary.data is None


def _mirror_is_ahead(both: _Both) -> bool:
    found = both.timelines()
    return found is not None and found[1] > found[0]


def _primary_is_ahead(both: _Both) -> bool:
    found = both.timelines()
    return found is not None and found[0] > found[1]


# The first that holds counts. What contradicts the catalog comes before what agrees with it.
RULES: Final[tuple[Rule, ...]] = (
    Rule(
        lambda both: both.primary.presence.lost and both.mirror is None,
        Current.UNKNOWN,
        "the only copy is lost",
    ),
    Rule(
        lambda both: both.primary.presence.lost and both.mirror is not None and both.mirror.presence.lost,
        Current.UNKNOWN,
        "both copies are lost",
    ),
    Rule(
        lambda both: _without_primary(both) and both.mirror_was_up(),
        Current.UNKNOWN,
        "the acting primary could not be read; its mirror was synchronized by the catalog, which proves nothing of"
        " what came after",
    ),
    Rule(_without_primary, Current.UNKNOWN, "the acting primary could not be read, and its mirror was behind"),
    Rule(lambda both: both.mirror is None, Current.PRIMARY, "it is the only copy"),
    Rule(_Both.foreign, Current.UNKNOWN, "their system identifiers differ: they are no copies of each other"),
    Rule(
        _mirror_is_ahead,
        Current.MIRROR,
        "its timeline is the later one: it was promoted although the catalog calls it a mirror",
    ),
    Rule(_primary_is_ahead, Current.PRIMARY, "its timeline is the later one: it was promoted after the other failed"),
    Rule(
        lambda both: both.mirror is not None and both.mirror.presence.lost,
        Current.PRIMARY,
        "the other copy is lost",
    ),
    Rule(
        lambda both: both.mirror_was_up() and both.mirror is not None and both.mirror.data is None,
        Current.PRIMARY,
        "the catalog shows the pair synchronized when both failed; the other copy could not be read",
    ),
    Rule(
        lambda both: both.mirror_was_up() and not both.mirror_is_later(),
        Current.EITHER,
        "the catalog shows the pair synchronized when both failed; the acting primary serves",
    ),
    Rule(
        _Both.primary_is_a_mirror,
        Current.PRIMARY,
        "it was synchronized when the catalog made it primary, so that it holds every commit; it was not yet promoted,"
        " so that its checkpoint is only a restart point",
    ),
    Rule(
        _Both.mirror_is_later,
        Current.UNKNOWN,
        "the acting mirror has a later checkpoint on the same timeline, which the catalog does not explain",
    ),
    Rule(
        lambda both: both.mirror is not None and both.mirror.data is None,
        Current.PRIMARY,
        "the catalog shows that it went on alone; the other copy could not be read",
    ),
    Rule(lambda _: True, Current.PRIMARY, "the catalog shows that it went on alone, and nothing contradicts it"),
)
