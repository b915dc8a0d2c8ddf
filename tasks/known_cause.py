"""Read in the logs of segments why they went down again: an explanation, never a judgement."""

from collections.abc import Iterable

from gpmedic.access.evidence import read_evidence
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import GpmedicError
from gpmedic.known_causes import Told, known_cause
from gpmedic.settings import ClusterSettings


def read_known_cause(settings: ClusterSettings, cluster: Cluster, segments: Iterable[Segment]) -> Told | None:
    """The first known cause that their logs name; None also where they cannot be read."""
    try:
        with Shell.connect(settings.ssh) as shell:
            logs = read_evidence(shell, settings.greenplum, cluster.coordinator.port, segments)
    except GpmedicError:
        return None
    # The last part is of the coordinator's utilities, and tells of other runs too.
    return next((told for _, log in logs[:-1] if (told := known_cause(log)) is not None), None)
