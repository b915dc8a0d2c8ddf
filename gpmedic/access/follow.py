"""Look at one cluster again and again: one session and one ssh connection, which are kept while they last."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gpmedic.access.brake import pulled
from gpmedic.access.freshness import Freshness
from gpmedic.access.probe_cluster import probe_cluster
from gpmedic.access.ssh import Shell
from gpmedic.access.standby import look_at_standby
from gpmedic.access.watch import Watch
from gpmedic.cluster import Cluster, StandbyLook
from gpmedic.diagnosis import diagnose
from gpmedic.limits import Limits
from gpmedic.live import Look
from gpmedic.probe import Probe
from gpmedic.settings import ClusterSettings
from gpmedic.sync import SyncProgress, advance, observe_replication

PROBED_EVERY: Final = 30.0
"""Seconds between two probes of a cluster whose catalog stays as it is: each opens a session on every primary."""


class Follow:
    """Looks at a cluster; nothing is set in motion, FTS neither. `close` it at the end.

    A look costs two statements, whatever the size of the cluster, and one script over ssh; where the catalog has
    changed, or the last probes are old, the primaries are probed too.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._watch: Watch | None = None
        self._shell: Shell | None = None
        self._probed: tuple[float, Cluster, tuple[Probe, ...], StandbyLook | None] | None = None
        self._sync: SyncProgress | None = None

    def look(self) -> Look:
        """What is to be seen now. After a failure the next look connects again.

        Raises:
            GpmedicError: the coordinator or its host does not answer, or refuses.
        """
        try:
            return self._look()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up both connections; a second call does nothing."""
        if self._watch is not None:
            self._watch.close()
        if self._shell is not None:
            self._shell.close()
        self._watch = self._shell = self._probed = None

    def _look(self) -> Look:
        self._watch = self._watch or Watch(self._settings)
        self._shell = self._shell or Shell.connect(self._settings.ssh)
        cluster = self._watch.look(Freshness.AS_IT_IS)
        brake = pulled(self._shell, self._settings)
        at, probes, standby = self._probes(self._shell, cluster)
        cluster = replace(cluster, standby_look=standby)
        self._sync = _advanced(self._sync, cluster)
        return Look(
            at=datetime.now(UTC),
            diagnosis=diagnose(cluster, probes),
            limits=Limits(self._settings.policy.automation, brake),
            probes_age=time.monotonic() - at,
            sync=self._sync,
        )

    def _probes(self, shell: Shell, cluster: Cluster) -> tuple[float, tuple[Probe, ...], StandbyLook | None]:
        now = time.monotonic()
        if self._probed is not None:
            at, seen, probes, standby = self._probed
            readable = (seen.replication is None) == (cluster.replication is None)
            if seen.segments == cluster.segments and readable and now - at < PROBED_EVERY:
                return at, probes, standby
        probes = probe_cluster(self._settings, shell, cluster)
        standby = look_at_standby(shell, self._settings.greenplum, cluster)
        self._probed = now, cluster, probes, standby
        return now, probes, standby


def _advanced(before: SyncProgress | None, cluster: Cluster) -> SyncProgress | None:
    """None where no mirror that is up has to catch up: one that is down does not."""
    up = {p.content for p in cluster.pairs if p.mirror is not None and p.mirror.is_up}
    now = observe_replication(cluster, time.monotonic())
    contents = tuple(c for c in now.contents if c.content in up)
    return advance(before, replace(now, contents=contents)) if contents else None
