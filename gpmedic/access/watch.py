"""One open session on the coordinator for many looks at the catalog: what a wait polls, without probing anything."""

import time
from collections.abc import Callable

from gpmedic.access.freshness import Freshness
from gpmedic.access.sql import Database, QueryFailed
from gpmedic.capabilities import parse_version
from gpmedic.catalog import (
    COLUMNS_SQL,
    FTS_PROBE_SQL,
    REPLICATION_COLUMNS_SQL,
    VERSION_SQL,
    cluster_from_rows,
    columns_from_rows,
    replication_sql,
    segments_sql,
)
from gpmedic.cluster import Cluster, Generation
from gpmedic.errors import Transient
from gpmedic.settings import ClusterSettings


class Watch:
    """Snapshots of one cluster from one session.

    Raises:
        HostUnreachable: the coordinator does not answer, at the beginning or at any look.
        AccessRefused: what answers is not the cluster of the settings.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._name = settings.name
        self._database = Database.connect(settings.database)
        try:
            self._version = parse_version(str(self._database.rows(VERSION_SQL)[0]["version"]))
            self._segments = segments_sql(columns_from_rows(self._database.rows(COLUMNS_SQL)))
            self._replication = replication_sql(columns_from_rows(self._database.rows(REPLICATION_COLUMNS_SQL)))
        except BaseException:
            self._database.close()
            raise

    def look(self, freshness: Freshness = Freshness.ASK_FTS) -> Cluster:
        """The catalog now; FTS is asked to probe first where it can be, or the catalog may be a minute old (T25)."""
        if freshness is Freshness.ASK_FTS and self._version.generation is Generation.WAL:
            self._database.rows(FTS_PROBE_SQL)
        segments = self._database.rows(self._segments)
        try:
            replication = self._database.rows(self._replication) if self._replication else None
        except (Transient, QueryFailed):  # it asks every primary and fails while one is dead: unknown, not empty (T5)
            replication = None
        return cluster_from_rows(self._name, self._version, segments, replication)

    def close(self) -> None:
        self._database.close()


def look_until(settings: ClusterSettings, satisfied: Callable[[Cluster], bool], patience: float) -> Cluster:
    """The first look that satisfies, or the last one within `patience` seconds; a look each second.

    Raises:
        Transient: the last look within that time failed; one that fails earlier is tried again.
    """
    deadline = time.monotonic() + patience
    watch: Watch | None = None
    try:
        while True:
            try:
                watch = watch or Watch(settings)
                cluster = watch.look()
            except Transient:
                if watch is not None:
                    watch.close()
                    watch = None
                if time.monotonic() > deadline:
                    raise
            else:
                if satisfied(cluster) or time.monotonic() > deadline:
                    return cluster
            time.sleep(1)
    finally:
        if watch is not None:
            watch.close()
