"""A host that is lost for good and the spare that takes its segments: which way leads there, and what forbids it.

`gprecoverseg -i FILE` does what a reviewed file says; `-p HOST` chooses ports by itself (T9). On 6 and 7 `-i` leaves
out whatever stood on a host that does not answer, with exit code 0 (T19), so there the way depends on the host.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.cluster import Cluster, Generation, Role, Segment, Status
from gpmedic.errors import UnsafeState
from gpmedic.recovery_config import RecoveryConfig


class LostHost(StrEnum):
    """What the host that is said to be lost does now, as seen from the coordinator's host."""

    SILENT = "does not answer"
    EMPTY = "answers, but the data directories of its segments are gone"
    ANSWERS = "answers, and has data directories of its segments"


class Way(StrEnum):
    """Which option of gprecoverseg leads to the spare."""

    NEW_HOST = "-p"
    FILE = "-i"


# Where a row is missing there is no way: what answers with its data is recovered in place.
WAYS: Final[Mapping[tuple[Generation, LostHost], tuple[Way, str]]] = MappingProxyType(
    {
        (Generation.FILEREP, LostHost.SILENT): (
            Way.FILE,
            "4.3 and 5 move segments by file while their host is down; the file keeps ports and paths.",
        ),
        (Generation.FILEREP, LostHost.EMPTY): (Way.FILE, "The file keeps ports and paths, and a person can review it."),
        (Generation.WAL, LostHost.SILENT): (
            Way.NEW_HOST,
            "gprecoverseg of 6 and 7 leaves out lines whose old host does not answer, and ends as if all were done.",
        ),
        (Generation.WAL, LostHost.EMPTY): (Way.FILE, "The file keeps ports and paths, and a person can review it."),
    }
)


@dataclass(frozen=True, slots=True)
class SpareRequest:
    """What a person asks for.

    Attributes:
        lost, spare: host names.
        file: the text of a recovery configuration file of their own; None to have one made.
    """

    lost: str
    spare: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """How the segments of the lost host come to the spare.

    Attributes:
        config: a line for each segment, its old and its new place.
        path: where the file lies on the coordinator's host; empty where the way is not by file.
    """

    request: SpareRequest
    way: Way
    reason: str
    config: RecoveryConfig
    path: str = ""


def choose_way(generation: Generation, state: LostHost, request: SpareRequest) -> tuple[Way, str]:
    """The way to the spare and why it is this one.

    Raises:
        UnsafeState: recovery in place is right, or the person's file would do nothing.
    """
    found = WAYS.get((generation, state))
    if found is None:
        raise UnsafeState(
            f"{request.lost} {state.value}: it is not lost, and recovery in place copies less; nothing was touched.",
            "Run the flow recover. Where its disks are to be given up, take the host off the network first.",
        )
    if request.file is not None and found[0] is not Way.FILE:
        raise UnsafeState(
            f"{request.lost} {state.value}, and then gprecoverseg -i does nothing: {found[1]} Nothing was touched.",
            f"Run the flow without a file: gprecoverseg -p {request.spare} works, and its mapping is shown before.",
        )
    return found


def lost_segments(cluster: Cluster, request: SpareRequest) -> tuple[Segment, ...]:
    """The segments that have to move, by dbid; none where the catalog shows them elsewhere already.

    Raises:
        UnsafeState: hosts that cannot be lost or spare, a segment that nothing took over for, or others are down too.
    """
    lost, spare = request.lost, request.spare
    if lost == spare:
        raise _refused(f"{lost} cannot be its own spare", "Name another host as the spare.")
    if lost == cluster.coordinator.hostname:
        raise _refused(
            f"{lost} is the coordinator's host", "Activating the standby (gpactivatestandby) is a person's decision."
        )
    own = [s for p in cluster.pairs for s in p.segments if s.hostname == lost]
    down = [p.mirror for p in cluster.pairs if p.mirror is not None and p.mirror.status is Status.DOWN]
    if not own:
        if spare in cluster.hosts:  # an earlier run has moved them: what is left is to wait and to prove
            return ()
        raise _refused(f"No segment of {cluster.name} is on {lost}", f"Known hosts: {', '.join(cluster.hosts)}.")
    serving = [s for s in own if s.role is Role.PRIMARY]
    if serving:
        raise _refused(
            f"{_listed(serving)} of {lost} still count as acting primaries, and nothing has taken over for them",
            "Where they do not answer, this is a double fault or FTS has yet to decide: run the flow recover and follow"
            " its next action. Never move the only copy.",
        )
    up = [s for s in own if s.is_up]
    if up:
        raise _refused(
            f"{_listed(up)} of {lost} count as up", "Ask FTS for a probe and look again: a lost host has nothing up."
        )
    others = [s for s in down if s.hostname != lost]
    if others:
        raise _refused(
            f"{_listed(others)} on other hosts are down too, and -p would take them for further lost hosts",
            "Recover them first (gprecoverseg -i with a line for each, in place), then run this flow again.",
        )
    return tuple(sorted(own, key=lambda s: s.dbid))


def require_two_hosts(cluster: Cluster, moved: Sequence[Segment], spare: str) -> None:
    """Return where no pair would have both copies on the spare.

    Raises:
        UnsafeState: gprecoverseg itself merely warns (T20).
    """
    beside = [p for p in cluster.pairs if p.mirror in moved and spare in {p.primary.hostname, p.primary.address}]
    if beside:
        raise _refused(
            f"{spare} already has the acting primary of content {', '.join(str(p.content) for p in beside)}: one host"
            " lost would lose both copies",
            "Name a spare that holds no copy of these contents.",
        )


def _listed(segments: Sequence[Segment]) -> str:
    return ", ".join(map(str, segments))


def _refused(what: str, next_action: str) -> UnsafeState:
    return UnsafeState(f"{what}; nothing was touched.", next_action)
