"""In which order the hosts of a picture stand and how they are called: their names are somebody else's text."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster
from gpmedic.table import plain

NAME_LENGTH: Final = 20  # characters of a host's name; what tells hosts apart stands at both ends


def ascii_text(text: object) -> str:
    """One line in which every character is as wide as every other, whoever wrote it."""
    return plain(text).encode("ascii", "backslashreplace").decode()


def hosts_in_order(cluster: Cluster) -> list[str]:
    """The coordinator's first; sdw2 before sdw10."""
    first = sorted((s for s in cluster.segments if s.content == COORDINATOR_CONTENT), key=lambda s: s.role.value != "p")
    others = sorted({s.hostname for s in cluster.segments}, key=_natural)
    return list(dict.fromkeys([*(s.hostname for s in first), *others]))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name))


def short_names(hosts: Sequence[str]) -> Mapping[str, str]:
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
