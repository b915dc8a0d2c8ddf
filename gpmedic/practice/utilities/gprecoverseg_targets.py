"""Which segments gprecoverseg recovers, from where and to where; and which it only says that it skips."""

import os.path
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from gpmedic.cluster import COORDINATOR_CONTENT, Role, Status
from gpmedic.practice.facts import Facts, Release, SegmentFacts, SshState


class Failed(Exception):
    """An exception that the real one does not expect: `gprecoverseg failed. (Reason='...') exiting...`, code 2."""


class UsageFault(Exception):
    """Arguments that do not go together: `gprecoverseg: error: ...`, code 2."""


class Refused(Exception):
    """An exception that the real one foresees: `gprecoverseg error: ...`, code 2."""


class Copy(StrEnum):
    """How the data come to a target; the values are what a list of failures says."""

    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Target:
    """One recovery.

    Attributes:
        failed: where the segment was.
        live: the acting primary that it is recovered from.
        failover: where it goes, None for in place.
        copy: a place elsewhere is always a full copy.
    """

    failed: SegmentFacts
    live: SegmentFacts
    failover: SegmentFacts | None
    copy: Copy

    @property
    def full(self) -> bool:
        return self.copy is Copy.FULL

    @property
    def place(self) -> SegmentFacts:
        """The segment as it will be."""
        return self.failover or self.failed


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a configuration file for -i, split into its fields.

    Attributes:
        new: empty for a recovery in place.
        copy: what the line itself asks for (7.1), None where it leaves that to the command line.
    """

    number: int
    text: str
    failed: tuple[str, ...]
    new: tuple[str, ...] = ()
    copy: Copy | None = None


def in_pair_order(facts: Facts) -> list[SegmentFacts]:
    """Every primary and mirror by content, the acting primary first: the order in which utilities list them."""
    return sorted(facts.data_segments, key=lambda s: (s.content, s.role is not Role.PRIMARY))


def reachable(facts: Facts, host: str) -> bool:
    """Whether `ssh host` answers, as the utilities try it from the coordinator's host; an unknown name does not."""
    return any(h.name == host and h.reachable and h.ssh in (SshState.NORMAL, SshState.BANNER) for h in facts.hosts)


def unreachable_hosts(facts: Facts, hosts: Iterable[str]) -> list[str]:
    """Those of `hosts` that ssh does not reach, each once, by name."""
    return sorted({host for host in hosts if not reachable(facts, host)})


def downed(facts: Facts) -> list[SegmentFacts]:
    """What the catalog calls down, by content."""
    return [s for s in in_pair_order(facts) if s.status is Status.DOWN]


def in_place(facts: Facts, copy: Copy) -> list[Target]:
    """Every segment that is marked down, where it was. 6 and 7 leave out what ssh does not reach (T2)."""
    return [
        _target(facts, segment, None, copy)
        for segment in downed(facts)
        if facts.release is Release.V4_3 or reachable(facts, segment.hostname)
    ]


class Room(Protocol):
    """What a new host has to offer."""

    def port_is_free(self, host: str, port: int, used: Set[tuple[str, int]]) -> bool: ...

    def directory_on(self, host: str, segment: SegmentFacts) -> str: ...


def to_new_hosts(facts: Facts, hosts: Sequence[str], room: Room) -> list[Target]:
    """-p: the failed hosts by name, zipped with the given ones; ports are assigned anew (T9)."""
    segments = downed(facts)
    failed_hosts = sorted({s.hostname for s in segments})
    if len(hosts) < len(failed_hosts):
        raise Failed("Not enough new recovery hosts given for recovery.")
    used = {(s.hostname, s.port) for s in facts.segments}
    lowest = min(s.port for s in facts.data_segments)
    lowest_replication = min((s.replication_port or 0 for s in facts.data_segments), default=0)
    targets = []
    for failed_host, host in zip(failed_hosts, hosts, strict=False):
        for segment in (s for s in segments if s.hostname == failed_host):
            port = lowest
            while not room.port_is_free(host, port, used):
                port += 1
            used.add((host, port))
            replication = lowest_replication + port - lowest if segment.replication_port else None
            place = replace(
                segment,
                hostname=host,
                address=host,
                port=port,
                replication_port=replication,
                datadir=room.directory_on(host, segment),
            )
            targets.append(_target(facts, segment, place, Copy.FULL))
    return targets


def from_lines(facts: Facts, lines: Sequence[Line], copy: Copy) -> list[Target]:
    """-i: what the file says, whether marked down or not; two groups are always a full copy (T8)."""
    targets = []
    for line in lines:
        segment = _described(facts, line)
        place = _place(facts, segment, line) if line.new else None
        wal = facts.release is not Release.V4_3
        if wal and not reachable(facts, segment.hostname):
            continue  # T19: even when the target is a healthy spare
        targets.append(_target(facts, segment, place, Copy.FULL if place else line.copy or copy))
    return targets


def _described(facts: Facts, line: Line) -> SegmentFacts:
    for segment in facts.segments:
        if (segment.address, str(segment.port), segment.datadir) == line.failed:
            return segment
    if facts.release is Release.V4_3:
        wanted = ":".join(line.failed)
        raise Failed(
            "A segment to recover was not found in configuration.  This segment is described by "
            f"address:port:directory '{wanted}' on the input line: {line.text}"
        )
    wanted = "|".join(line.failed)
    raise Failed(
        "A segment to recover was not found in configuration.  This segment is described by "
        f"address|port|directory '{wanted}'"
    )


def _place(facts: Facts, segment: SegmentFacts, line: Line) -> SegmentFacts:
    if facts.release is not Release.V4_3:
        host, port, directory = line.new
        return replace(segment, hostname=host, address=host, port=int(port), datadir=directory)
    host, port, replication, directory = line.new
    return replace(
        segment, hostname=host, address=host, port=int(port), replication_port=int(replication), datadir=directory
    )


def _target(facts: Facts, segment: SegmentFacts, place: SegmentFacts | None, copy: Copy) -> Target:
    live = facts.peer(segment)
    if live is None or live.content == COORDINATOR_CONTENT:
        raise Refused(f"Segment to recover from for content {segment.content} is not a correct segment")
    if live.role is not Role.PRIMARY:
        raise Refused(f"Segment to recover from for content {segment.content} is not a primary")
    if live.status is not Status.UP:
        raise Refused(f"Primary segment is not up for content {segment.content}")
    if facts.release is not Release.V4_3 and not reachable(facts, live.hostname):
        raise Refused(f"The recovery source segment {live.hostname} (content {live.content}) is unreachable.")
    return Target(segment, live, place, copy)


def check_conflicts(facts: Facts, targets: Sequence[Target]) -> None:
    """No two segments may share a port or a directory of one host once the targets are where they go."""
    places = {t.failed.dbid: t.place for t in targets}
    ports: dict[tuple[str, int], int] = {}
    for segment in sorted((places.get(s.dbid, s) for s in facts.segments), key=lambda s: s.content):
        other = ports.setdefault((segment.hostname, segment.port), segment.dbid)
        if other == segment.dbid:
            continue
        if facts.release is Release.V4_3:
            raise Failed(
                f"On host {segment.hostname}, a port for segment with dbid {segment.dbid} conflicts with "
                f"a port for segment dbid {other}"
            )
        raise Failed(
            f"Segment dbid's {segment.dbid} and {other} on host {segment.hostname} cannot have "
            f"the same port {segment.port}."
        )


def absolute(directory: str, file: str, number: int) -> str:
    """The directory, when it is a full path."""
    if not directory.startswith("/"):
        raise Failed(f"Path entered {file} is invalid; it must be a full path.  Path: '{directory}' from: {number}")
    return os.path.normpath(directory)
