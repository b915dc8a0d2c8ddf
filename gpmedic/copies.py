"""Which copy of a content is the current one: pg_controldata of both, catalog and history, judged by a table of rules.

The position of a mirror's control file is that of its last restart point and always behind: it never speaks alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gpmedic.cluster import Generation, Segment, SegmentPair
from gpmedic.control_data import ControlData, read_control_data


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

    @property
    def mirror_may_be_newer(self) -> bool:
        """Whether what is copied over the mirror could destroy commits that no other copy has."""
        return self.current in {Current.MIRROR, Current.UNKNOWN}

    @property
    def covered(self) -> str:
        """What a person's approval rests on, one line: what was found of each copy, and what follows from it."""
        return "; ".join((f"content {self.content}: {self.current.value}", *map(_found, self.copies)))

    @property
    def mirror_found(self) -> str:
        """What was found of the mirror's copy alone; a primary at work moves on."""
        return "" if self.mirror is None else _found(self.mirror)

    def __str__(self) -> str:
        return f"content {self.content}: current is {self.current.value}, because {self.reason}"


def _found(copy: Copy) -> str:
    data = copy.data
    said = "" if data is None else f", {data.system} {data.state} {data.timeline} {data.checkpoint}"
    return f"dbid {copy.segment.dbid} {copy.presence.value}{said}"


_NO_CONTROL_FILE: Final = re.compile(r'could not open file "?[^"\n]*global/pg_control"?[^\n]*No such file or directory')


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


def compare(pair: SegmentPair, primary: Copy, mirror: Copy | None, generation: Generation) -> Comparison:
    """Which copy holds every commit, and why: the first rule of the table that holds."""
    both = Both(pair, primary, mirror, generation)
    rule = next(rule for rule in RULES if rule.holds(both))
    return Comparison(pair.content, primary, mirror, rule.current, rule.reason)


@dataclass(frozen=True, slots=True)
class Both:
    """What the rules judge."""

    pair: SegmentPair
    primary: Copy
    mirror: Copy | None
    generation: Generation

    def read(self) -> tuple[ControlData, ControlData] | None:
        """Those of primary and mirror; None unless both were read."""
        if self.mirror is None or self.primary.data is None or self.mirror.data is None:
            return None
        return self.primary.data, self.mirror.data

    def mirror_is_later(self) -> bool:
        """On one timeline, and no restart point explains it: the mirror holds a checkpoint that the primary lacks."""
        found = self.read()
        return found is not None and found[0].timeline == found[1].timeline and found[1].position > found[0].position

    def foreign(self) -> bool:
        found = self.read()
        return found is not None and found[0].system != found[1].system

    def mirror_timeline_is_later(self) -> bool:
        found = self.read()
        return found is not None and found[1].timeline > found[0].timeline

    def primary_timeline_is_later(self) -> bool:
        found = self.read()
        return found is not None and found[0].timeline > found[1].timeline

    def mirror_is_a_primary(self) -> bool:
        """It was started without recovery.conf or standby.signal; in 4.3 both have the primary's control file."""
        data = None if self.mirror is None else self.mirror.data
        return data is not None and data.is_a_primarys and self.generation is Generation.WAL

    def primary_is_a_mirror(self) -> bool:
        """The catalog made it primary, and it was never promoted: its control file is still a mirror's."""
        return self.primary.data is not None and self.primary.data.is_a_mirrors

    def unread_primary(self) -> bool:
        return self.primary.data is None

    def unread_mirror(self) -> bool:
        return self.mirror is not None and self.mirror.data is None

    def lost_mirror(self) -> bool:
        return self.mirror is not None and self.mirror.presence.lost

    def synchronized(self) -> bool:
        """As the catalog shows it; then FTS has decided nothing yet."""
        return self.pair.synchronized


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    holds: Callable[[Both], bool]
    current: Current
    reason: str


# The first that holds counts. What contradicts the catalog comes before what agrees with it.
RULES: Final[tuple[Rule, ...]] = (
    Rule(lambda b: b.mirror is None and b.primary.presence.lost, Current.UNKNOWN, "the only copy is lost"),
    Rule(lambda b: b.mirror is None and b.unread_primary(), Current.UNKNOWN, "the only copy could not be read"),
    Rule(lambda b: b.mirror is None, Current.PRIMARY, "it is the only copy"),
    Rule(lambda b: b.primary.presence.lost and b.lost_mirror(), Current.UNKNOWN, "both copies are lost"),
    Rule(
        lambda b: b.unread_primary() and b.synchronized(),
        Current.UNKNOWN,
        "the acting primary could not be read; its mirror was synchronized by the catalog, which proves nothing of"
        " what came after",
    ),
    Rule(Both.unread_primary, Current.UNKNOWN, "the acting primary could not be read, and its mirror was behind"),
    Rule(Both.foreign, Current.UNKNOWN, "their system identifiers differ: they are no copies of each other"),
    Rule(
        Both.mirror_timeline_is_later,
        Current.MIRROR,
        "its timeline is the later one: it was promoted although the catalog calls it a mirror",
    ),
    Rule(
        lambda b: b.synchronized() and b.mirror_is_a_primary(),
        Current.UNKNOWN,
        "the acting mirror was started as a primary, by its control file, and the catalog calls it synchronized",
    ),
    Rule(
        lambda b: b.synchronized() and b.primary_is_a_mirror(),
        Current.UNKNOWN,
        "the acting primary was never promoted, by its control file, and the catalog shows the pair synchronized",
    ),
    Rule(
        Both.primary_timeline_is_later,
        Current.PRIMARY,
        "its timeline is the later one: it was promoted after the other failed",
    ),
    Rule(Both.lost_mirror, Current.PRIMARY, "the other copy is lost"),
    Rule(
        lambda b: b.synchronized() and b.unread_mirror(),
        Current.PRIMARY,
        "the catalog shows the pair synchronized when both failed; the other copy could not be read",
    ),
    Rule(
        lambda b: b.synchronized() and not b.mirror_is_later(),
        Current.EITHER,
        "the catalog shows the pair synchronized when both failed; the acting primary serves",
    ),
    Rule(
        Both.primary_is_a_mirror,
        Current.PRIMARY,
        "it was synchronized when the catalog made it primary, so that it holds every commit; it was not yet promoted,"
        " so that its checkpoint is only a restart point",
    ),
    Rule(
        Both.mirror_is_later,
        Current.UNKNOWN,
        "the acting mirror has a later checkpoint on the same timeline, which the catalog does not explain",
    ),
    Rule(
        Both.unread_mirror,
        Current.PRIMARY,
        "the catalog shows that it went on alone; the other copy could not be read",
    ),
    Rule(lambda _: True, Current.PRIMARY, "the catalog shows that it went on alone, and nothing contradicts it"),
)
