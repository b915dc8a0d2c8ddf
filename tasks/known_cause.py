"""Read in the logs of mirrors why they went down again: an explanation, never a judgement."""

from collections.abc import Sequence
from typing import Final

from gpmedic.access.evidence import read_evidence, server_log
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import GpmedicError
from gpmedic.known_causes import Told, known_cause
from gpmedic.settings import ClusterSettings

MOST: Final = 3
"""Logs that are read: each host that hangs costs its deadline, and somebody waits for the word."""


def read_known_cause(
    settings: ClusterSettings, cluster: Cluster, mirrors: Sequence[Segment]
) -> tuple[Segment, Told] | None:
    """The first of them whose log names a known cause; None also where they cannot be read."""
    asked = mirrors[:MOST]
    try:
        with Shell.connect(settings.ssh) as shell:
            logs = dict(read_evidence(shell, settings.greenplum, cluster.coordinator.port, asked))
    except GpmedicError:
        return None
    for mirror in asked:
        log = server_log(logs.get(f"dbid {mirror.dbid} on {mirror.hostname}", ""), mirror.datadir)
        if (told := known_cause(log)) is not None:
            return mirror, told
    return None
