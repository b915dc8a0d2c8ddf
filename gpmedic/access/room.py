"""What full copies in place need and find, asked on the hosts of their sources and targets in one round."""

from collections.abc import Mapping, Sequence
from typing import Final

from gpmedic.access.facts import Answers, for_host
from gpmedic.access.facts_spare import SIZE_DEADLINE, SPARE_DEADLINE, ask_hosts, new_frame, space_in
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.room import Room
from gpmedic.settings import ClusterSettings

_SCRIPT: Final = "within+sizes+facts_room"


def room_for(settings: ClusterSettings, shell: Shell, cluster: Cluster, targets: Sequence[Segment]) -> Room:
    """The room for full copies of these segments from the acting primaries of their contents.

    What a host does not tell, or not in time, is missing.

    Raises:
        HostUnreachable: the connection to the coordinator's host was lost.
        UnsafeState: a name in the catalog is no host name.
    """
    wanted = {s.content for s in targets}
    sources = [s for s in cluster.acting_primaries if s.content in wanted]
    frame = new_frame()
    scripts = {
        host: _script(frame, [s for s in (*sources, *targets) if s.hostname == host])
        for host in sorted({s.hostname for s in (*sources, *targets)})
    }
    said = ask_hosts(settings, shell, frame, SPARE_DEADLINE, scripts)
    return Room(
        {s.content: space_in(str(s.content), s.datadir, said[s.hostname]) for s in targets},
        _sizes(sources, said),
        _sizes(targets, said),
    )


def _script(frame: str, segments: Sequence[Segment]) -> str:
    words = [str(SIZE_DEADLINE)]
    for s in segments:
        words += [str(s.content), str(len(s.directories)), *s.directories]
    return for_host(_SCRIPT, f"{frame}-host", *words)


def _sizes(segments: Sequence[Segment], said: Mapping[str, Answers]) -> dict[int, int]:
    told = {
        (host, int(number)): int(value)
        for host, answer in said.items()
        for key, number, value in answer.lines
        if key == "size" and number.isdecimal() and value.isdecimal()
    }
    return {s.content: told[s.hostname, s.content] for s in segments if (s.hostname, s.content) in told}
