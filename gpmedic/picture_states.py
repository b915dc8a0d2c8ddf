"""What a segment of the picture looks like: one table, a row a state, and one of when it is in it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Mode, Segment
from gpmedic.conditions import Condition
from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.pair_states import PairState, pair_state
from gpmedic.probe import Probe, ProbeState


class State(Enum):
    """What matters most about one segment; the worst first."""

    DOUBLE_FAULT = "double fault"
    DEAD = "dead"
    DOWN = "down"
    HANGS = "hangs"
    UNKNOWN = "unknown"
    STARTING = "starting"
    NO_STREAM = "no stream"
    CHANGE_TRACKING = "change tracking"
    NOT_IN_SYNC = "not in sync"
    RESYNCHRONIZING = "resynchronizing"
    SWITCHED = "switched"
    MIRRORLESS = "mirrorless"
    HEALTHY = "healthy"


class Emphasis(Enum):
    """Whether a cell shouts; what is well stays in the background."""

    LOUD = "loud"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Appearance:
    """One row of the table.

    Attributes:
        symbol: one column wide in a terminal.
        letter: ASCII, for where the symbol cannot be shown.
        colour: of Okabe and Ito's palette, which colour-blind people can tell apart; grey for what is no fault.
        tag: what stands in the cell, at most nine characters.
        words: what stands in the legend.
    """

    symbol: str
    letter: str
    colour: str
    tag: str
    words: str
    emphasis: Emphasis = Emphasis.LOUD

    @property
    def contrast(self) -> str:
        """Black or white, whichever is read better on the colour."""
        return "#000000" if luminance(self.colour) > 0.179 else "#FFFFFF"


BLACK, ORANGE, SKY_BLUE, GREEN, YELLOW, BLUE, VERMILLION, PURPLE, GREY = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#999999",
)
APPEARANCES: Final[Mapping[State, Appearance]] = MappingProxyType(
    {
        State.DOUBLE_FAULT: Appearance("✘", "X", BLACK, "NO COPY", "double fault, neither copy can serve"),
        State.DEAD: Appearance("!", "U", VERMILLION, "DEAD", "dead when probed, though the catalog says up"),
        State.DOWN: Appearance("↓", "D", VERMILLION, "DOWN", "down"),
        State.HANGS: Appearance("⧖", "H", PURPLE, "hangs", "does not answer, but its postmaster runs"),
        State.UNKNOWN: Appearance("?", "?", YELLOW, "unknown", "not known, let a person look and do not act on it"),
        State.STARTING: Appearance("»", "T", PURPLE, "starting", "starting, alive, takes no queries yet"),
        State.NO_STREAM: Appearance(
            "⊘", "B", PURPLE, "no stream", "no stream, does not follow whatever the catalog says"
        ),
        State.CHANGE_TRACKING: Appearance(
            "∆", "C", ORANGE, "tracking", "change tracking, serves without a second copy"
        ),
        State.NOT_IN_SYNC: Appearance("≠", "N", ORANGE, "no sync", "not in sync, serves without a second copy"),
        State.RESYNCHRONIZING: Appearance("↻", "R", SKY_BLUE, "resync", "resynchronizing, the mirror catches up"),
        State.SWITCHED: Appearance(
            "⇄", "W", BLUE, "switched", "roles switched, up and in sync but not in its preferred role"
        ),
        State.MIRRORLESS: Appearance("○", "L", GREY, "up", "up, has no mirror", Emphasis.QUIET),
        State.HEALTHY: Appearance("✓", ".", GREEN, "up", "up and in sync, in its preferred role", Emphasis.QUIET),
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment and what is known about it.

    Attributes:
        copies_dead: every copy of its content, of which there are several, is down or was found dead.
        conditions: those of the diagnosis that name its dbid.
    """

    segment: Segment
    probe: Probe | None
    pair: PairState | None
    copies_dead: bool
    conditions: frozenset[Condition]

    @property
    def answer(self) -> ProbeState | None:
        return None if self.probe is None else self.probe.state

    @property
    def mode(self) -> Mode | None:
        """None for the coordinator and the standby, where it means nothing (T16)."""
        return None if self.segment.content == COORDINATOR_CONTENT else self.segment.mode


def dead(segment: Segment, probe: Probe | None) -> bool:
    """Down by the catalog, or found dead by a probe; what merely hangs is not dead."""
    return not segment.is_up or (probe is not None and not probe.state.alive and not probe.hangs)


# The first rule that holds decides. The judgement is that of the diagnosis wherever it has one.
RULES: Final[tuple[tuple[State, Callable[[Seen], bool]], ...]] = (
    (State.DOUBLE_FAULT, lambda s: s.copies_dead or Condition.DOUBLE_FAULT in s.conditions),
    (State.DOWN, lambda s: not s.segment.is_up),
    (State.DEAD, lambda s: dead(s.segment, s.probe)),
    (State.HANGS, lambda s: s.probe is not None and s.probe.hangs),
    (State.UNKNOWN, lambda s: s.answer in (ProbeState.NOT_ADMITTED, ProbeState.UNKNOWN)),
    (State.UNKNOWN, lambda s: Condition.UNKNOWN_STATE in s.conditions),
    (State.STARTING, lambda s: s.answer is ProbeState.STARTING),
    (State.NO_STREAM, lambda s: not s.conditions.isdisjoint({Condition.REPLICATION_MISSING, Condition.STANDBY_DOWN})),
    (State.MIRRORLESS, lambda s: s.pair is PairState.MIRRORLESS),
    (State.CHANGE_TRACKING, lambda s: s.mode is Mode.CHANGE_TRACKING),
    (State.RESYNCHRONIZING, lambda s: s.pair is PairState.RESYNCHRONIZING),
    (State.NOT_IN_SYNC, lambda s: s.mode is Mode.NOT_IN_SYNC),
    (State.SWITCHED, lambda s: not s.segment.in_preferred_role),
    (State.HEALTHY, lambda _: True),
)


def state_of(seen: Seen) -> State:
    return next(state for state, holds in RULES if holds(seen))


def states_of(cluster: Cluster, probes: Sequence[Probe], findings: Sequence[Finding]) -> dict[int, State]:
    """The state of each segment, by dbid.

    Args:
        findings: what was diagnosed of this cluster from these probes.
    """
    by_dbid = {probe.dbid: probe for probe in probes}
    pairs = {pair.content: pair_state(pair, cluster.version.generation) for pair in cluster.pairs}
    lost = _without_living_copy(cluster, by_dbid)
    conditions: dict[int, set[Condition]] = {}
    for finding in findings:
        for dbid in finding.dbids:
            conditions.setdefault(dbid, set()).add(finding.condition)
    return {
        s.dbid: state_of(
            Seen(s, by_dbid.get(s.dbid), pairs.get(s.content), s.content in lost, frozenset(conditions.get(s.dbid, ())))
        )
        for s in cluster.segments
    }


def segments_by_state(diagnosis: Diagnosis) -> dict[str, int]:
    """How many segments are in each state, by the state's word; empty where the coordinator could not be asked."""
    if diagnosis.cluster is None:
        return {}
    found = states_of(diagnosis.cluster, diagnosis.probes, diagnosis.findings)
    return dict(Counter(state.value for state in found.values()))


def _without_living_copy(cluster: Cluster, probes: Mapping[int, Probe]) -> set[int]:
    """The contents of which every copy, of several, is dead."""
    copies: dict[int, list[Segment]] = {}
    for segment in cluster.segments:
        if segment.content != COORDINATOR_CONTENT:
            copies.setdefault(segment.content, []).append(segment)
    return {c for c, own in copies.items() if len(own) > 1 and all(dead(s, probes.get(s.dbid)) for s in own)}


def luminance(colour: str) -> float:
    """The relative luminance of `#RRGGBB` by WCAG, 0 to 1."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
