"""What must be known of a lost host and of its spare, asked from the coordinator's host in one round each."""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from gpmedic.access.environment import prelude
from gpmedic.access.facts import HOST_NAME, Answers, answers, ask_all, for_host
from gpmedic.access.job import ALIVE, launch, status
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import UnsafeState, UtilityBusy
from gpmedic.gprecoverseg import sample_argv
from gpmedic.room import TargetDirectory
from gpmedic.settings import ClusterSettings
from gpmedic.spare import LostHost, SpareRequest
from gpmedic.spare_facts import Hop, SpareFacts

LOST_DEADLINE: Final = 12
"""Seconds that a host gets which is not expected to answer, half of them to be reached."""
SPARE_DEADLINE: Final = 60
SIZE_DEADLINE: Final = 25
"""Seconds for the size of one directory; what takes longer is not told, and said to be so."""
MAPPING_DEADLINE: Final = 240.0


def look_at_both(
    settings: ClusterSettings, shell: Shell, request: SpareRequest, segments: Sequence[Segment]
) -> tuple[LostHost, SpareFacts]:
    """Whether the host that is said to be lost answers, and still has data; and whether the spare does, no more.

    Raises:
        UnsafeState: a name is no host name.
    """
    frame = new_frame()
    scripts = {
        request.lost: for_host("facts_lost", f"{frame}-host", *(s.datadir for s in segments)),
        request.spare: for_host("facts_lost", f"{frame}-host"),
    }
    said = ask_hosts(settings, shell, frame, LOST_DEADLINE, scripts)
    lost, spare = said[request.lost], said[request.spare]
    state = LostHost.ANSWERS if any(key == "exists" for key, _, _ in lost.lines) else LostHost.EMPTY
    facts = SpareFacts(request.spare, spare.reachable, spare.detail, spare.noise)
    return (state if lost.reachable else LostHost.SILENT), facts


def look_at_spare(
    settings: ClusterSettings, shell: Shell, cluster: Cluster, spare: str, directories: Mapping[int, Sequence[str]]
) -> SpareFacts:
    """The facts of the spare and of the acting primaries that the copies come from, in one round.

    Args:
        directories: by content, those on the spare into which its segment is to be copied.
    """
    frame = new_frame()
    paths = [path for of_content in directories.values() for path in of_content]
    sources = [s for s in cluster.acting_primaries if s.content in directories]
    peers = sorted({s.hostname for s in sources})
    scripts = {peer: _for_source(frame, spare, [s for s in sources if s.hostname == peer]) for peer in peers}
    words = (settings.greenplum.home, str(len(peers)), *peers, *paths)
    scripts[spare] = for_host("within+machine+packages+facts_hop+sizes+facts_spare", f"{frame}-host", *words)
    said = ask_hosts(settings, shell, frame, SPARE_DEADLINE, scripts)
    own = said[spare]
    back = [(peer, said[peer]) for peer in peers if peer != spare]
    return SpareFacts(
        spare,
        own.reachable,
        own.detail,
        own.noise,
        own.single.get("user", ""),
        own.single.get("version", "").strip(),
        own.clock_skew if own.reachable else None,
        frozenset(map(int, own.single["ports"].split())) if "ports" in own.single else None,
        tuple(_directory(str(number), path, own) for number, path in enumerate(paths)),
        (*_hops(spare, peers, own), *(hop for peer, answer in back for hop in _hops(peer, [spare], answer))),
        {int(content): int(kb) for _, answer in back for key, content, kb in answer.lines if key == "size"},
        own.packages,
        frozenset(peer for peer, answer in back if answer.machine and answer.machine == own.machine),
    )


def mapping_of(settings: ClusterSettings, shell: Shell, port: int, spare: str) -> tuple[str, str]:
    """Where `gprecoverseg -p` would move what is down: the file that `-o` writes, and what was said.

    It changes nothing, but holds gprecoverseg's lock: it is a detached job, so that neither a lost connection nor a
    deadline of ours ends it and leaves a stale lock behind (T22).

    Args:
        port: the coordinator's database port.

    Raises:
        UtilityBusy: it has not ended within `MAPPING_DEADLINE`; it goes on.
    """
    _require_names(spare)
    key = f"mapping-{settings.name}-{secrets.token_hex(8)}"
    path = f"{home_of(shell)}/.gpmedic/{key}.cfg"
    deadline, pause = time.monotonic() + MAPPING_DEADLINE, 0.1
    seen = launch(shell, key, sample_argv(path, new_host=spare), prelude(settings.greenplum, port))
    while seen.state in ALIVE:
        if time.monotonic() > deadline:
            raise UtilityBusy(
                f"gprecoverseg -p {spare} -o has not ended within {MAPPING_DEADLINE:g} s; it goes on, and changes"
                " nothing.",
                f"Wait until it has ended, never kill it; its output is ~/.gpmedic/jobs/{key}/out.",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
        seen = status(shell, key)
    return shell.run('cat "$1" 2>/dev/null; rm -f "$1"', path).stdout, seen.output


def home_of(shell: Shell) -> str:
    """The folder of our user on the coordinator's host."""
    return shell.run('printf %s "$HOME"').stdout


def _for_source(frame: str, spare: str, sources: Sequence[Segment]) -> str:
    words = [spare, str(SIZE_DEADLINE)]
    for s in sources:
        words += [str(s.content), str(len(s.directories)), *s.directories]
    return for_host("within+machine+facts_hop+sizes+facts_source", f"{frame}-host", *words)


def ask_hosts(
    settings: ClusterSettings, shell: Shell, frame: str, deadline: int, scripts: Mapping[str, str]
) -> dict[str, Answers]:
    _require_names(*scripts)
    words = [word for host, text in scripts.items() for word in (host, text)]
    _, *parts = ask_all(shell, settings, frame, deadline, words)
    return {host: answers(host, part, frame, deadline) for host, part in zip(scripts, parts, strict=True)}


def _require_names(*hosts: str) -> None:
    """A name becomes an argument of ssh and of gprecoverseg."""
    for host in hosts:
        if not HOST_NAME.fullmatch(host):
            raise UnsafeState(f"{host!r} is not a host name; nothing was touched.", "Give the name that ssh knows.")


def _hops(origin: str, destinations: Sequence[str], said: Answers) -> list[Hop]:
    hops = []
    for key, number, value in said.lines:
        code, _, words = value.partition(" ")
        if key == "hop" and number.isdecimal() and int(number) < len(destinations) and code.isdecimal():
            hops.append(Hop(origin, destinations[int(number)], int(code), words.strip()))
    return hops


def _directory(number: str, path: str, said: Answers) -> TargetDirectory:
    own = {key: value for key, n, value in said.lines if n == number and key != "hop"}
    entries = own.get("entries", "0")
    return replace(
        space_in(number, path, said),
        entries=int(entries) if entries.isdecimal() else 1,
        parent_writable="writable" in own,
    )


def space_in(number: str, path: str, said: Answers) -> TargetDirectory:
    """The file system of a directory, of which a host has told under this number."""
    told = next((value for key, n, value in said.lines if key == "space" and n == number), "")
    space = re.fullmatch(r"(\d+) (\d+) (.+)", told)
    if space is None:
        return TargetDirectory(path)
    return TargetDirectory(path, filesystem=space[3], free_kb=int(space[1]), total_kb=int(space[2]))


def new_frame() -> str:
    return f"gpmedic-{secrets.token_hex(12)}"
