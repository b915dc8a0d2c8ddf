"""The probes of one look at a cluster, with a second look at those on which a restart would hang."""

from collections.abc import Sequence
from dataclasses import replace

from gpmedic.access.facts import gather
from gpmedic.access.probe import probe_all
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.diagnosis import diagnose
from gpmedic.plan import silent_contents
from gpmedic.probe import Probe
from gpmedic.settings import ClusterSettings


def probe_cluster(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> tuple[Probe, ...]:
    """A probe of every acting primary, and of the mirrors of those that do not answer.

    A restart of the whole database must not hang on one slow answer: a primary that would be dead, with nobody to take
    over, is asked twice, and then its host whether its postmaster runs.

    Args:
        shell: on the coordinator's host.

    Raises:
        HostUnreachable: the connection to the coordinator's host was lost.
        AccessRefused: there is no Greenplum or no psql at GPHOME.
    """
    probes = probe_all(shell, settings.greenplum, cluster)
    silent = {probe.dbid for probe in probes if not probe.state.alive}
    mirrors = [p.mirror for p in cluster.pairs if p.primary.dbid in silent and p.mirror is not None]
    probes = (*probes, *probe_all(shell, settings.greenplum, cluster, mirrors))
    contents = silent_contents(diagnose(cluster, probes))
    twice = _look_twice(settings, shell, cluster, [s for s in cluster.acting_primaries if s.content in contents])
    return tuple(twice.get(probe.dbid, probe) for probe in probes)


def _look_twice(
    settings: ClusterSettings, shell: Shell, cluster: Cluster, primaries: Sequence[Segment]
) -> dict[int, Probe]:
    again = {probe.dbid: probe for probe in probe_all(shell, settings.greenplum, cluster, primaries)}
    silent = [s for s in primaries if not again[s.dbid].state.alive]
    if not silent:
        return again
    facts = gather(settings, shell, replace(cluster, segments=(cluster.coordinator, *silent)))
    hosts = {host.host: host for host in facts}
    for segment in silent:
        host = hosts[segment.hostname]
        directory = host.directory(segment.datadir) if host.reachable else None
        postmaster = None if directory is None else directory.postmaster
        again[segment.dbid] = replace(again[segment.dbid], postmaster=postmaster)
    return again
