"""What is wrong or dangerous in a recovery configuration file, held against the cluster that it is meant for."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Role, Segment
from gpmedic.recovery_config import Place, RecoveryConfig, RecoveryLine


class Fault(StrEnum):
    """Each fault with what it leads to."""

    EMPTY = "no segment is named: gprecoverseg does nothing, or fails"
    SAME_GROUP_TWICE = "both groups are the same place: a full copy over the data in place"
    SAME_DIRECTORY = "the target is the failed segment's own directory: a full copy over the data in place"
    NAMED_TWICE = "the same failed segment is named twice"
    TARGET_TWICE = "two targets share a directory or a port on one host"
    UNKNOWN_SEGMENT = "no segment of the cluster has this address, port and directory"
    NOT_DOWN = "the segment is up: gprecoverseg stops it and starts it again"
    ACTING_PRIMARY = "the segment is the acting primary: there is nothing to recover it from"
    NO_SOURCE = "the acting primary is down in the catalog too: there is nothing to recover from"
    BESIDE_ITS_PRIMARY = "the target is on the host of the acting primary: one host lost would lose both copies"
    PORT_TAKEN = "another segment of the target's host has this port"
    DIRECTORY_TAKEN = "another segment of the target's host has this directory"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault and the segment line (counted from 1, comments left out) that has it; 0 for the whole file."""

    fault: Fault
    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.fault.value}" if self.line else self.fault.value


def lint(config: RecoveryConfig, cluster: Cluster) -> tuple[Problem, ...]:
    """Every problem, in the order of the lines; none means that gprecoverseg would do what the lines say."""
    if not config.lines:
        return (Problem(Fault.EMPTY, 0),)
    return tuple(
        Problem(fault, number)
        for number, line in enumerate(config.lines, start=1)
        for fault in (
            *_groups(line),
            *_twice(line, config.lines[: number - 1], cluster),
            *_segment(line, cluster),
            *_target(line, config, cluster),
        )
    )


def _groups(line: RecoveryLine) -> Iterator[Fault]:
    target, failed = line.target, line.failed
    if target is None or target.address != failed.address or target.directory != failed.directory:
        return
    yield Fault.SAME_GROUP_TWICE if target.port == failed.port else Fault.SAME_DIRECTORY


def _twice(line: RecoveryLine, earlier: tuple[RecoveryLine, ...], cluster: Cluster) -> Iterator[Fault]:
    if any(_same(line.failed, other.failed) for other in earlier):
        yield Fault.NAMED_TWICE
    targets = [other.target for other in earlier if other.target is not None]
    if line.target is not None and any(_collide(line.target, other, cluster) for other in targets):
        yield Fault.TARGET_TWICE


def _same(one: Place, other: Place) -> bool:
    return (one.address, one.port, one.directory) == (other.address, other.port, other.directory)


def _host(place: Place, cluster: Cluster) -> str:
    """The host behind an address, as far as the catalog knows it."""
    name = place.hostname or place.address
    return next((s.hostname for s in cluster.segments if name in {s.hostname, s.address}), name)


def _ports(place: Place | Segment) -> set[int]:
    return {port for port in (place.port, place.replication_port) if port is not None}


def _collide(one: Place, other: Place, cluster: Cluster) -> bool:
    shared = one.directory == other.directory or bool(_ports(one) & _ports(other))
    return shared and _host(one, cluster) == _host(other, cluster)


def find(place: Place, cluster: Cluster) -> Segment | None:
    """The segment that a failed group names, by address or host name, port and directory; never the coordinator."""
    return next(
        (
            s
            for s in cluster.segments
            if s.content != COORDINATOR_CONTENT
            and place.address in {s.address, s.hostname}
            and (s.port, s.datadir) == (place.port, place.directory)
        ),
        None,
    )


def _segment(line: RecoveryLine, cluster: Cluster) -> Iterator[Fault]:
    segment = find(line.failed, cluster)
    if segment is None:
        yield Fault.UNKNOWN_SEGMENT
        return
    if segment.role is Role.PRIMARY:
        yield Fault.ACTING_PRIMARY
    elif segment.is_up:
        yield Fault.NOT_DOWN
    if not _primary(segment, cluster).is_up:
        yield Fault.NO_SOURCE


def _primary(segment: Segment, cluster: Cluster) -> Segment:
    return next(pair.primary for pair in cluster.pairs if pair.content == segment.content)


def _target(line: RecoveryLine, config: RecoveryConfig, cluster: Cluster) -> Iterator[Fault]:
    if line.target is None:
        return
    host = _host(line.target, cluster)
    failed = find(line.failed, cluster)
    if failed is not None and _primary(failed, cluster).hostname == host:
        yield Fault.BESIDE_ITS_PRIMARY
    moved = [find(other.failed, cluster) for other in config.lines if other.target is not None]
    stays = [s for s in cluster.segments if s.hostname == host and s not in moved]
    if any(_ports(line.target) & _ports(s) for s in stays):
        yield Fault.PORT_TAKEN
    if any(line.target.directory == s.datadir for s in stays):
        yield Fault.DIRECTORY_TAKEN
