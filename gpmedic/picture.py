"""The picture of a cluster: hosts and their segments, every segment in its place and in its state."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Role, Segment
from gpmedic.diagnosis import diagnose
from gpmedic.picture_hosts import ascii_text, hosts_in_order, short_names
from gpmedic.picture_states import APPEARANCES, Appearance, Emphasis, State, dead, states_of
from gpmedic.probe import Probe

_COORDINATOR_NAMES: Final = {Role.PRIMARY: "CO", Role.MIRROR: "SB"}
_ROLE_WORDS: Final = {Role.PRIMARY: "primary", Role.MIRROR: "mirror"}


class Life(Enum):
    """Whether an instance lives, as far as is known: in a double fault a mirror may live and yet not serve."""

    ALIVE = "alive"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Cell:
    """One segment.

    Attributes:
        host: its full name, plain text.
        percent: how far it has caught up, 0 to 100; None where not told.
        changed: it looks different in the other picture, or is missing there.
    """

    dbid: int
    content: int
    host: str
    role: Role
    preferred_role: Role
    state: State
    life: Life = Life.ALIVE
    percent: int | None = None
    changed: bool = False

    @property
    def looks(self) -> Appearance:
        return APPEARANCES[self.state]

    @property
    def name(self) -> str:
        """The acting role and the content: `P12`, `M3`; `CO` and `SB` for the coordinator and the standby."""
        coordinator = self.content == COORDINATOR_CONTENT
        return _COORDINATOR_NAMES[self.role] if coordinator else f"{self.role.value.upper()}{self.content}"

    @property
    def switched(self) -> bool:
        return self.role is not self.preferred_role

    @property
    def progress(self) -> str:
        return "" if self.percent is None else f"{self.percent}%"

    @property
    def sentence(self) -> str:
        roles = f"acting {_ROLE_WORDS[self.role]}, preferred {_ROLE_WORDS[self.preferred_role]}"
        return f"{self.name} (dbid {self.dbid}) on {self.host}: {roles}; {self.looks.words} {self.progress}".rstrip()


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host.

    Attributes:
        name: short, ASCII, and no other host of the picture has it.
        primaries, mirrors: by the preferred role, so that a segment keeps its place when roles switch.
    """

    name: str
    primaries: tuple[Cell, ...]
    mirrors: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*self.primaries, *self.mirrors)

    @property
    def all_dead(self) -> bool:
        """Of several: a fault of the host rather than of its segments."""
        return len(self.cells) > 1 and all(cell.life is Life.DEAD for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many segments are in a state, and which contents they hold."""

    state: State
    count: int
    contents: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A cluster, ready to be drawn.

    Attributes:
        title: the cluster and its version.
        hosts: the coordinator's first, the standby's next, the others by name.
        unproven: acting primaries that the catalog calls up and nobody has asked.
        caption: `before`, `after` or nothing.
    """

    title: str
    hosts: tuple[HostRow, ...]
    unproven: int = 0
    caption: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(cell for host in self.hosts for cell in host.cells)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """The states that occur, the worst first: the legend and the summary in one."""
        return tuple(_tally(state, own) for state in State if (own := [c for c in self.cells if c.state is state]))

    @property
    def healthy(self) -> bool:
        return all(cell.looks.emphasis is Emphasis.QUIET and not cell.switched for cell in self.cells)

    @property
    def dead_hosts(self) -> tuple[str, ...]:
        """Hosts of which no segment lives."""
        return tuple(host.name for host in self.hosts if host.all_dead)

    @property
    def headline(self) -> str:
        """What a person reads first."""
        if self.healthy:
            single = any(cell.state is State.MIRRORLESS for cell in self.cells)
            synchronized = "up; some have no mirror" if single else "up, in sync and in their preferred roles"
            return f"All {len(self.cells)} segments are {synchronized}"
        told = [_claim(t) for t in self.tallies if APPEARANCES[t.state].emphasis is Emphasis.LOUD]
        hosts = [f"all of host {name} is dead" for name in self.dead_hosts[:3]]
        more = [f"all of {len(self.dead_hosts) - 3} more hosts"] if len(self.dead_hosts) > 3 else []
        switched = sum(1 for cell in self.cells if cell.switched)
        roles = [f"{switched} in switched roles"] if switched and "switched" not in " ".join(told) else []
        said = ", ".join([*hosts, *more, *told, *roles])
        return said[:1].upper() + said[1:]

    @property
    def note(self) -> str:
        """What the picture cannot prove; empty where it proves everything."""
        primaries = "1 acting primary was" if self.unproven == 1 else f"{self.unproven} acting primaries were"
        return f"{primaries} not probed: up is only what the catalog says" if self.unproven else ""


def picture(cluster: Cluster, probes: Sequence[Probe] = (), progress: Mapping[int, float] | None = None) -> Picture:
    """The picture of a cluster.

    Args:
        probes: those that were made; without them a dead primary may stand there as up.
        progress: percent by dbid, 0 to 100; shown where the segment resynchronizes.
    """
    by_dbid = {probe.dbid: probe for probe in probes}
    states = states_of(cluster, probes, diagnose(cluster, probes).findings)
    rows: dict[str, list[Cell]] = {host: [] for host in hosts_in_order(cluster)}
    for segment in sorted(cluster.segments, key=lambda s: (s.content, s.dbid)):
        probe, state = by_dbid.get(segment.dbid), states[segment.dbid]
        told = (progress or {}).get(segment.dbid) if state is State.RESYNCHRONIZING else None
        life = Life.DEAD if dead(segment, probe) else Life.ALIVE
        rows[segment.hostname].append(_cell(segment, state, life, told))
    names = short_names(tuple(rows))
    hosts = tuple(HostRow(names[host], *_by_preferred_role(cells)) for host, cells in rows.items())
    unproven = sum(1 for s in cluster.acting_primaries if s.is_up and s.dbid not in by_dbid)
    return Picture(f"{ascii_text(cluster.name)}, {ascii_text(cluster.version)}", hosts, unproven)


def before_and_after(before: Picture, after: Picture) -> tuple[Picture, Picture]:
    """Both pictures, each with the cells marked that the other shows differently or not at all."""
    return replace(_marked(before, after), caption="before"), replace(_marked(after, before), caption="after")


def numbers(of: Iterable[int]) -> str:
    """`0-3, 7`: ascending numbers, neighbours drawn together."""
    spans = groupby(enumerate(sorted(set(of))), key=lambda pair: pair[1] - pair[0])
    ends = [(span[0][1], span[-1][1]) for _, group in spans if (span := list(group))]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends)


def _cell(segment: Segment, state: State, life: Life, progress: float | None) -> Cell:
    told = progress is not None and math.isfinite(progress)
    percent = max(0, min(100, math.floor(progress))) if told and progress is not None else None
    host = ascii_text(segment.hostname)
    return Cell(segment.dbid, segment.content, host, segment.role, segment.preferred_role, state, life, percent)


def _by_preferred_role(cells: Sequence[Cell]) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    primaries = tuple(cell for cell in cells if cell.preferred_role is Role.PRIMARY)
    return primaries, tuple(cell for cell in cells if cell.preferred_role is Role.MIRROR)


def _tally(state: State, cells: Sequence[Cell]) -> Tally:
    own = numbers(cell.content for cell in cells if cell.content != COORDINATOR_CONTENT)
    names = [cell.name for cell in cells if cell.content == COORDINATOR_CONTENT]
    word = "content" if own.isdecimal() else "contents"
    contents = ", ".join(
        [*({"CO": "coordinator", "SB": "standby"}[n] for n in names), *([f"{word} {own}"] if own else [])]
    )
    return Tally(state, len(cells), contents)


def _claim(tally: Tally) -> str:
    """Of a double fault the contents count, not the copies."""
    if tally.state is not State.DOUBLE_FAULT:
        return f"{tally.count} {tally.state.value}"
    short = len(tally.contents) <= 40
    return f"double fault of {tally.contents if short else f'{tally.count // 2} contents'}"


def _marked(own: Picture, other: Picture) -> Picture:
    there = {cell.dbid: cell for cell in other.cells}

    def mark(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        return tuple(replace(cell, changed=there.get(cell.dbid) != cell) for cell in cells)

    hosts = tuple(replace(h, primaries=mark(h.primaries), mirrors=mark(h.mirrors)) for h in own.hosts)
    return replace(own, hosts=hosts)
