"""The probes of one look at a cluster, with a second look at those on which a restart would hang."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpmedic.access.facts import gather
from gpmedic.access.probe import probe_all
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.diagnosis import diagnose
from gpmedic.host_facts import PidState
from gpmedic.plan import silent_contents
from gpmedic.probe import Probe
from gpmedic.settings import ClusterSettings


def probe_cluster(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> tuple[Probe, ...]:
    """A probe of every acting primary, and of the mirrors of those that do not answer.

    A restart of the whole database must not hang on one slow answer: of a primary that would be dead, with nobody to
    take over, the host is asked whether its postmaster runs, and where it does, the primary once more.

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
    primaries = [s for s in cluster.acting_primaries if s.content in contents]
    twice = _look_twice(settings, shell, cluster, primaries, {probe.dbid: probe for probe in probes})
    return tuple(twice.get(probe.dbid, probe) for probe in probes)


def _look_twice(
    settings: ClusterSettings,
    shell: Shell,
    cluster: Cluster,
    primaries: Sequence[Segment],
    first: Mapping[int, Probe],
) -> dict[int, Probe]:
    if not primaries:
        return {}
    facts = gather(settings, shell, replace(cluster, segments=(cluster.coordinator, *primaries)))
    hosts = {host.host: host for host in facts}
    found = {}
    for segment in primaries:
        host = hosts[segment.hostname]
        directory = host.directory(segment.datadir) if host.reachable else None
        found[segment.dbid] = None if directory is None else directory.postmaster
    # A host that is silent too, or whose postmaster is gone, has confirmed the first answer.
    running = [s for s in primaries if found[s.dbid] is PidState.ALIVE]
    again = {probe.dbid: probe for probe in probe_all(shell, settings.greenplum, cluster, running)}
    return {s.dbid: replace(again.get(s.dbid, first[s.dbid]), postmaster=found[s.dbid]) for s in primaries}
