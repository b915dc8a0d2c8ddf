"""Whether what is to be copied fits where it is to go: by file system, and the policy's share must stay free."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gpmedic.amounts import size
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Segment
from gpmedic.settings import PolicySettings

_KB: Final = 1024


@dataclass(frozen=True, slots=True)
class TargetDirectory:
    """A directory into which a segment is to be copied.

    Attributes:
        entries: what lies in it already; 0 where it does not exist.
        parent_writable: its nearest existing parent can be written to.
        filesystem: its mount point; empty where it could not be told, and then the sizes are None.
        free_kb, total_kb: of that file system, free for our user.
    """

    path: str
    entries: int = 0
    parent_writable: bool = True
    filesystem: str = ""
    free_kb: int | None = None
    total_kb: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What copies in place need and find.

    Attributes:
        targets: by content, the directory that is to be overwritten.
        source_kb: by content, what is to be copied; contents whose size could not be told are missing.
        target_kb: the same of what is to be overwritten, which makes room.
    """

    targets: Mapping[int, TargetDirectory] = field(default_factory=dict)
    source_kb: Mapping[int, int] = field(default_factory=dict)
    target_kb: Mapping[int, int] = field(default_factory=dict)


def judge_room(targets: Sequence[Segment], room: Room, policy: PolicySettings) -> Iterator[Check]:
    """Whether full copies of these segments fit where they are, all those of a file system together.

    With filespaces on other file systems the whole is counted where the data directory is: never too little.
    """
    needed = {content: max(0, kb - room.target_kb.get(content, 0)) for content, kb in room.source_kb.items()}
    contents: dict[tuple[str, str], set[int]] = defaultdict(set)
    systems: dict[tuple[str, str], TargetDirectory] = {}
    for segment in targets:
        system = room.targets.get(segment.content, TargetDirectory(segment.datadir))
        where = (segment.hostname, system.filesystem or system.path)
        systems.setdefault(where, system)
        contents[where].add(segment.content)
    for where, own in contents.items():
        yield fits(systems[where], where[0], own, needed, policy)


def fits(
    system: TargetDirectory, host: str, contents: set[int], needed_kb: Mapping[int, int], policy: PolicySettings
) -> Check:
    """Whether what these contents need fits into a file system of a host."""
    target = f"{system.filesystem or system.path} on {host}"
    unknown = sorted(contents - needed_kb.keys())
    if unknown or system.free_kb is None or system.total_kb is None:
        what = f"the size of content {', '.join(map(str, unknown))}" if unknown else "free space"
        action = f"Compare du on the acting primaries with df on {host} yourself."
        return Check(CheckName.DISK_SPACE, target, Verdict.WARN, f"{what} could not be told", action)
    needed = sum(needed_kb[content] for content in contents)
    left = 100 * (system.free_kb - needed) / max(1, system.total_kb)
    detail = (
        f"{size(needed * _KB)} needed, {size(system.free_kb * _KB)} free: {left:.0f} % would be left,"
        f" {policy.free_space_percent} % wanted"
    )
    if left < policy.free_space_percent:
        action = "Make room or name a larger host: a copy that fills the disk fails at its end."
        return Check(CheckName.DISK_SPACE, target, Verdict.FAIL, detail, action)
    return Check(CheckName.DISK_SPACE, target, Verdict.PASS, detail)
