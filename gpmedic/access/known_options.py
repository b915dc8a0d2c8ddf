"""The options of a cluster's gprecoverseg, asked once in a while: asking starts a Python on its coordinator's host."""

import time
from typing import Final

from gpmedic.cluster import Version
from gpmedic.settings import ClusterSettings

KEPT_FOR: Final = 600.0
"""Seconds; a process that lives longer notices within that time what an update has brought."""

_Greenplum = tuple[str, int, str, Version]
_known: dict[_Greenplum, tuple[float, frozenset[str]]] = {}


def recall(settings: ClusterSettings, version: Version) -> frozenset[str] | None:
    """What this process was told lately of this Greenplum; None where it has to ask."""
    kept = _known.get(_greenplum(settings, version))
    return kept[1] if kept is not None and time.monotonic() - kept[0] < KEPT_FOR else None


def remember(settings: ClusterSettings, version: Version, options: frozenset[str]) -> None:
    """Keep what was told; not an empty set, which says that it was not understood: that is asked again."""
    if options:
        _known[_greenplum(settings, version)] = (time.monotonic(), options)


def _greenplum(settings: ClusterSettings, version: Version) -> _Greenplum:
    return settings.ssh.host, settings.ssh.port, settings.greenplum.home, version
