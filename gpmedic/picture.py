"""The picture of a cluster: hosts and their segments, every segment in its place and in its state."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Role, Segment
from gpmedic.conditions import Condition
from gpmedic.diagnosis import diagnose
from gpmedic.pair_states import pair_state
from gpmedic.picture_states import APPEARANCES, Appearance, Emphasis, Seen, State, dead, state_of
from gpmedic.probe import Probe
from gpmedic.table import plain

NAME_LENGTH: Final = 20  # characters of a host's name; what tells hosts apart stands at both ends
_COORDINATOR_NAMES: Final = {Role.PRIMARY: "CO", Role.MIRROR: "SB"}
_ROLE_WORDS: Final = {Role.PRIMARY: "primary", Role.MIRROR: "mirror"}
_DEAD: Final = (State.DOUBLE_FAULT, State.DEAD, State.DOWN)


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
    def lost(self) -> bool:
        return all(cell.state in _DEAD for cell in self.cells)


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
    def lost_hosts(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.hosts if host.lost)

    @property
    def headline(self) -> str:
        """What a person reads first."""
        if self.healthy:
            single = any(cell.state is State.MIRRORLESS for cell in self.cells)
            synchronized = "up; some have no mirror" if single else "up, in sync and in their preferred roles"
            return f"All {len(self.cells)} segments are {synchronized}"
        told = [_claim(t) for t in self.tallies if APPEARANCES[t.state].emphasis is Emphasis.LOUD]
        lost = [f"host {name} is lost" for name in self.lost_hosts[:3]]
        more = [f"{len(self.lost_hosts) - 3} more hosts are lost"] if len(self.lost_hosts) > 3 else []
        switched = sum(1 for cell in self.cells if cell.switched)
        roles = [f"{switched} in switched roles"] if switched and "switched" not in " ".join(told) else []
        said = ", ".join([*lost, *more, *told, *roles])
        return said[:1].upper() + said[1:]

    @property
    def note(self) -> str:
        """What the picture cannot prove; empty where it proves everything."""
        primaries = "1 acting primary was" if self.unproven == 1 else f"{self.unproven} acting primaries were"
        return f"{primaries} not probed: the catalog alone calls it up" if self.unproven else ""


def picture(cluster: Cluster, probes: Sequence[Probe] = (), progress: Mapping[int, float] | None = None) -> Picture:
    """The picture of a cluster.

    Args:
        probes: those that were made; without them a dead primary may stand there as up.
        progress: percent by dbid, 0 to 100; shown where the segment resynchronizes.
    """
    by_dbid = {probe.dbid: probe for probe in probes}
    findings = diagnose(cluster, probes).findings
    states = {pair.content: pair_state(pair, cluster.version.generation) for pair in cluster.pairs}
    lost = _without_living_copy(cluster, by_dbid)
    rows: dict[str, list[Cell]] = {host: [] for host in _hosts(cluster)}
    for segment in sorted(cluster.segments, key=lambda s: (s.content, s.dbid)):
        conditions = frozenset[Condition](f.condition for f in findings if segment.dbid in f.dbids)
        probe = by_dbid.get(segment.dbid)
        content = segment.content
        state = state_of(Seen(segment, probe, states.get(content), content in lost, conditions))
        told = (progress or {}).get(segment.dbid) if state is State.RESYNCHRONIZING else None
        rows[segment.hostname].append(_cell(segment, state, told))
    names = _names(tuple(rows))
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


def ascii_text(text: object) -> str:
    """One line in which every character is as wide as every other, whoever wrote it."""
    return plain(text).encode("ascii", "backslashreplace").decode()


def _cell(segment: Segment, state: State, progress: float | None) -> Cell:
    told = progress is not None and math.isfinite(progress)
    percent = max(0, min(100, math.floor(progress))) if told and progress is not None else None
    host = ascii_text(segment.hostname)
    return Cell(segment.dbid, segment.content, host, segment.role, segment.preferred_role, state, percent)


def _without_living_copy(cluster: Cluster, probes: Mapping[int, Probe]) -> set[int]:
    copies = {c: [s for s in cluster.segments if s.content == c] for c in cluster.contents}
    return {c for c, own in copies.items() if len(own) > 1 and all(dead(s, probes.get(s.dbid)) for s in own)}


def _hosts(cluster: Cluster) -> list[str]:
    """The coordinator's first; sdw2 before sdw10."""
    first = sorted((s for s in cluster.segments if s.content == COORDINATOR_CONTENT), key=lambda s: s.role.value != "p")
    others = sorted({s.hostname for s in cluster.segments}, key=_natural)
    return list(dict.fromkeys([*(s.hostname for s in first), *others]))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name))


def _names(hosts: Sequence[str]) -> Mapping[str, str]:
    """A short name for each host: its first label where that suffices, its ends where it is long, never one twice."""
    labels = [ascii_text(host).split(".")[0] for host in hosts]
    by_label = len(set(labels)) == len(hosts) and not any(label.isdecimal() or not label for label in labels)
    names: dict[str, str] = {}
    for host, label in zip(hosts, labels, strict=True):
        name = _shortened((label if by_label else ascii_text(host)) or "-", NAME_LENGTH)
        twins = sum(1 for n in names.values() if n == name)
        while name in names.values():
            twins += 1
            number = f"#{twins}"
            name = _shortened(ascii_text(host) or "-", NAME_LENGTH - len(number)) + number
        names[host] = name
    return names


def _shortened(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    tail = (length - 2) // 2
    return f"{name[: length - 2 - tail]}..{name[-tail:]}"


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
