"""The catalog of every generation: which SQL to send and how its rows become a Cluster. No I/O here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gpmedic.cluster import Cluster, Version


def _columns_sql(relation: str) -> str:
    # Without ::regclass, which is an error where the relation does not exist: then the answer is simply empty.
    return (
        "SELECT a.attname AS column_name FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = 'pg_catalog' AND c.relname = '{relation}' AND a.attnum > 0 AND NOT a.attisdropped"
    )


VERSION_SQL: Final = "SELECT version() AS version"
COLUMNS_SQL: Final = _columns_sql("gp_segment_configuration")
REPLICATION_COLUMNS_SQL: Final = _columns_sql("gp_stat_replication")
ACTIVITY_COLUMNS_SQL: Final = _columns_sql("pg_stat_activity")
HISTORY_SQL: Final = (
    'SELECT "time", dbid, "desc" AS description FROM pg_catalog.gp_configuration_history ORDER BY 1 DESC LIMIT 100'
)
LIVENESS_SQL: Final = "SELECT gp_segment_id AS content, count(*) AS rows FROM gp_dist_random('pg_class') GROUP BY 1"
FTS_PROBE_SQL: Final = "SELECT gp_request_fts_probe_scan() AS probed"


def columns_from_rows(rows: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The answer to one of the *COLUMNS_SQL."""
    return frozenset(str(row["column_name"]) for row in rows)


def segments_sql(columns: frozenset[str]) -> str:
    """The query for every row of gp_segment_configuration with its data directory.

    Raises:
        AccessRefused: a column without which the cluster cannot be understood is missing.
    """
    raise NotImplementedError


def replication_sql(columns: frozenset[str]) -> str | None:
    """The query for gp_stat_replication; None where there is no such view (4.3 and 5).

    It asks every primary and fails as a whole while one is dead: then replication is unknown, not empty.
    """
    raise NotImplementedError


def running_queries_sql(columns: frozenset[str]) -> str:
    """The query for what a rebalance would cancel: pid, username, seconds, query."""
    raise NotImplementedError


def cluster_from_rows(
    name: str,
    version: Version,
    segment_rows: Sequence[Mapping[str, object]],
    replication_rows: Sequence[Mapping[str, object]] | None,
) -> Cluster:
    """The snapshot that these rows describe.

    Args:
        segment_rows: the answer to `segments_sql`; one row a filespace on 4.3 and 5.
        replication_rows: the answer to `replication_sql`; None where there is none or it failed.

    Raises:
        UnreadableOutput: a row holds a value that gpmedic does not know, or rows contradict each other.
    """
    raise NotImplementedError
