"""Read in the logs of mirrors why they went down again: an explanation, never a judgement."""

from collections.abc import Iterable, Iterator, Sequence

from gpmedic.access.evidence import read_evidence, server_log
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import GpmedicError
from gpmedic.known_causes import Told, known_cause
from gpmedic.settings import ClusterSettings


def read_known_causes(
    settings: ClusterSettings, cluster: Cluster, mirrors: Sequence[Segment]
) -> tuple[tuple[Segment, Told], ...]:
    """Of these, those whose logs name a known cause; none where they cannot be read."""
    try:
        with Shell.connect(settings.ssh) as shell:
            parts = read_evidence(shell, settings.greenplum, cluster.coordinator.port, mirrors)
    except GpmedicError:
        return ()
    return tuple(told_by(parts, mirrors))


def told_by(evidence: Iterable[tuple[str, str]], segments: Iterable[Segment]) -> Iterator[tuple[Segment, Told]]:
    """The segments whose logs name a known cause, in what `read_evidence` has read of them."""
    texts = dict(evidence)
    for segment in segments:
        log = server_log(texts.get(f"dbid {segment.dbid} on {segment.hostname}", ""), segment.datadir)
        if (told := known_cause(log)) is not None:
            yield segment, told
