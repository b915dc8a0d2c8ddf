"""The lines that move the segments of a lost host to the spare, and back: made, read, and held against the cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gpmedic.cluster import Cluster, Segment, Version
from gpmedic.errors import UnsafeState
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.recovery_config import Dialect, Place, RecoveryConfig, RecoveryLine, parse, render
from gpmedic.recovery_config_lint import find, lint
from gpmedic.spare import SpareRequest
from gpmedic.steps import SegmentMove


def from_catalog(segments: Sequence[Segment], request: SpareRequest) -> RecoveryConfig:
    """A line for each segment with the ports and paths that it had; a folder named after the host gets the new name."""
    lines = []
    for s in segments:
        extra = tuple(_renamed(path, request) for _, path in _filespaces(s))
        target = Place(request.spare, s.port, _renamed(s.datadir, request), None, s.replication_port, extra)
        lines.append(RecoveryLine.moved(s, target))
    return RecoveryConfig(tuple(lines), _order(segments))


def from_text(text: str, version: Version) -> RecoveryConfig:
    """What a person, or gprecoverseg -o, has written.

    Raises:
        RecoveryFileRefused: a line that this version does not understand.
    """
    return parse(text, Dialect.of_version(version))


def to_text(config: RecoveryConfig, version: Version) -> str:
    """What gprecoverseg is to read: in the words that every version of the generation knows, unless a line says more.

    Raises:
        RecoveryFileRefused: a place that cannot be written in such a file.
    """
    more = any(line.type is not None or line.failed.hostname is not None for line in config.lines)
    return render(config, Dialect.of_version(version) if more else Dialect.of(version.generation))


def typed(config: RecoveryConfig, version: Version) -> RecoveryConfig:
    """The same lines, as full copies by name where this version can be told so; two groups are one anyway."""
    if Dialect.of_version(version) is not Dialect.TYPED:
        return config
    return replace(config, lines=tuple(replace(line, type=RecoveryType.FULL) for line in config.lines))


def require_sound(config: RecoveryConfig, cluster: Cluster, moved: Sequence[Segment], spare: str) -> None:
    """Return where the file moves exactly the lost segments, all of them, to the spare, and harms nothing (T8, T21).

    Raises:
        UnsafeState: every problem, with its line.
    """
    problems = [str(p) for p in lint(config, cluster)]
    named = [find(line.failed, cluster) for line in config.lines]
    for number, (line, segment) in enumerate(zip(config.lines, named, strict=True), 1):
        if line.target is None:
            problems.append(f"line {number}: it moves nothing, it recovers in place")
        elif (line.target.hostname or line.target.address) != spare:
            problems.append(f"line {number}: it does not lead to {spare}")
        if segment is not None and segment not in moved:
            problems.append(f"line {number}: {segment} is not a segment of the lost host")
    problems += [f"{s} is missing" for s in moved if s not in named]
    if problems:
        raise UnsafeState(
            f"The recovery configuration is not sound: {'; '.join(problems)}; nothing was touched.",
            "Correct the file, or run the flow without one.",
        )


def move_back(config: RecoveryConfig, cluster: Cluster) -> RecoveryConfig:
    """The file that moves everything back from the spare, made from the catalog as it was before the move."""
    lines, before = [], []
    for line in config.lines:
        segment = find(line.failed, cluster)
        if segment is None or line.target is None:
            continue
        extra = tuple(path for _, path in _filespaces(segment))
        home = Place(segment.address, segment.port, segment.datadir, None, segment.replication_port, extra)
        there = replace(line.target, replication_port=None, filespaces=())
        lines.append(RecoveryLine(there, home))
        before.append(segment)
    return typed(RecoveryConfig(tuple(lines), _order(before)), cluster.version)


def moves(config: RecoveryConfig, cluster: Cluster) -> tuple[SegmentMove, ...]:
    """Old and new place of each segment, for people."""
    return tuple(_moves(config, cluster))


def _moves(config: RecoveryConfig, cluster: Cluster) -> Iterator[SegmentMove]:
    for line in config.lines:
        segment = find(line.failed, cluster)
        if segment is not None and line.target is not None:
            old = f"{segment.hostname}:{segment.port}:{segment.datadir}"
            place = line.target
            new = f"{place.hostname or place.address}:{place.port}:{place.directory}"
            yield SegmentMove(segment.content, segment.dbid, old, new)


_SYSTEM_FILESPACE: Final = "pg_system"


def _filespaces(segment: Segment) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, path) for name, path in segment.filespaces if name != _SYSTEM_FILESPACE))


def _order(segments: Sequence[Segment]) -> tuple[str, ...]:
    return tuple(name for name, _ in _filespaces(segments[0])) if segments else ()


def _renamed(path: str, request: SpareRequest) -> str:
    return "/".join(request.spare if part == request.lost else part for part in path.split("/"))
