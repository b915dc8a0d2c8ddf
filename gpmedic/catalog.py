"""The catalog of every generation: which SQL to send and how its rows become a Cluster. No I/O here."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Mode, Replication, Role, Segment, Status, Version
from gpmedic.errors import AccessRefused, UnreadableOutput

_Letter = TypeVar("_Letter", Role, Mode, Status)

_TABLE: Final = "gp_segment_configuration"
_SEGMENT_COLUMNS: Final = (
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "port",
    "hostname",
    "address",
)
_OPTIONAL_COLUMNS: Final = ("datadir", "replication_port")
_REPLICATION_COLUMNS: Final = ("gp_segment_id", "application_name", "state", "sync_state")
_SYSTEM_FILESPACE: Final = "pg_system"


def _columns_sql(relation: str) -> str:
    # Without ::regclass, which is an error where the relation does not exist: then the answer is simply empty.
    return (
        "SELECT a.attname AS column_name FROM pg_catalog.pg_attribute a"  # noqa: S608
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        # The relation is one of the constants below.
        f" WHERE n.nspname = 'pg_catalog' AND c.relname = '{relation}' AND a.attnum > 0 AND NOT a.attisdropped"
    )


VERSION_SQL: Final = "SELECT version() AS version"
COLUMNS_SQL: Final = _columns_sql("gp_segment_configuration")
REPLICATION_COLUMNS_SQL: Final = _columns_sql("gp_stat_replication")
ACTIVITY_COLUMNS_SQL: Final = _columns_sql("pg_stat_activity")
HISTORY_SQL: Final = (
    'SELECT "time", dbid, "desc" AS description FROM pg_catalog.gp_configuration_history ORDER BY 1 DESC LIMIT 100'
)
LIVENESS_SQL: Final = "SELECT gp_segment_id AS content, count(*) AS answered FROM gp_dist_random('pg_class') GROUP BY 1"
FTS_PROBE_SQL: Final = "SELECT gp_request_fts_probe_scan() AS probed"


def columns_from_rows(rows: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The answer to one of the *COLUMNS_SQL."""
    return frozenset(str(row["column_name"]) for row in rows)


def segments_sql(columns: frozenset[str]) -> str:
    """The query for every row of gp_segment_configuration with its data directory.

    Raises:
        AccessRefused: a column without which the cluster cannot be understood is missing.
    """
    _require(columns, _SEGMENT_COLUMNS, "gp_segment_configuration")
    names = [f"c.{name}" for name in (*_SEGMENT_COLUMNS, *(o for o in _OPTIONAL_COLUMNS if o in columns))]
    if "datadir" in columns:
        tail = "FROM pg_catalog.gp_segment_configuration c ORDER BY c.content, c.preferred_role DESC, c.dbid"
    else:  # 4.3 and 5 keep the directories by filespace
        names += ["f.fsname", "e.fselocation"]
        tail = (
            "FROM pg_catalog.gp_segment_configuration c"
            " JOIN pg_catalog.pg_filespace_entry e ON e.fsedbid = c.dbid"
            " JOIN pg_catalog.pg_filespace f ON f.oid = e.fsefsoid"
            " ORDER BY c.content, c.preferred_role DESC, c.dbid, f.fsname"
        )
    return f"SELECT {', '.join(names)} {tail}"


def replication_sql(columns: frozenset[str]) -> str | None:
    """The query for gp_stat_replication; None where there is no such view (4.3 and 5).

    It asks every primary and fails as a whole while one is dead: then replication is unknown, not empty.

    Raises:
        AccessRefused: the view is there, but a column that is needed is not.
    """
    if not columns:
        return None
    _require(columns, _REPLICATION_COLUMNS, "gp_stat_replication")
    style = "lsn" if "replay_lsn" in columns else "location"  # renamed with PostgreSQL 10, so from 7 on
    _require(columns, (f"sent_{style}", f"replay_{style}"), "gp_stat_replication")
    names = [*_REPLICATION_COLUMNS, f"sent_{style}::text AS sent", f"replay_{style}::text AS replayed"]
    return f"SELECT {', '.join(names)} FROM pg_catalog.gp_stat_replication ORDER BY 1"  # noqa: S608


def running_queries_sql(columns: frozenset[str]) -> str:
    """The query for what a rebalance would cancel: pid, username, seconds, query.

    Raises:
        AccessRefused: a column that is needed is missing.
    """
    old = "procpid" in columns  # 4.3 and 5
    pid, query = ("procpid", "current_query") if old else ("pid", "query")
    _require(columns, (pid, query, "usename", "query_start", "datname"), "pg_stat_activity")
    # An open transaction is rolled back too: "<IDLE> in transaction". A state that may not be seen is not idle.
    busy = "current_query <> '<IDLE>'" if old else "(state <> 'idle' OR state IS NULL AND query <> '')"
    return (
        f"SELECT {pid} AS pid, usename AS username, {query} AS query,"  # noqa: S608  # only the names above
        " CAST(extract(epoch FROM now() - query_start) AS int) AS seconds"
        # Streams of mirrors stand in this view too; they belong to no database.
        f" FROM pg_catalog.pg_stat_activity WHERE datname IS NOT NULL AND {pid} <> pg_backend_pid() AND {busy}"
        " ORDER BY query_start"
    )


def cluster_from_rows(
    name: str,
    version: Version,
    segment_rows: Sequence[Mapping[str, object]],
    replication_rows: Sequence[Mapping[str, object]] | None,
) -> Cluster:
    """The snapshot that these rows describe; columns that gpmedic does not know are passed over.

    Args:
        segment_rows: the answer to `segments_sql`; one row a filespace on 4.3 and 5.
        replication_rows: the answer to `replication_sql`; None where there is none or it failed.

    Raises:
        AccessRefused: a column is missing.
        UnreadableOutput: a row holds a value that gpmedic does not know, or rows contradict each other.
    """
    segments: dict[int, Segment] = {}
    for row in segment_rows:
        segment = _segment(row)
        known = segments.get(segment.dbid)
        if known is None:
            segments[segment.dbid] = segment
        elif segment.filespaces and replace(segment, filespaces=known.filespaces) == known:
            segments[segment.dbid] = replace(known, filespaces=known.filespaces + segment.filespaces)
        else:
            raise _unreadable(row, f"dbid {segment.dbid} stands there twice")
    found = tuple(_with_datadir(s) for s in segments.values())
    roles = [s.role for s in found if s.content == COORDINATOR_CONTENT]
    if roles.count(Role.PRIMARY) != 1 or roles.count(Role.MIRROR) > 1:
        raise UnreadableOutput(_TABLE, f"content -1 has the roles {[r.value for r in roles]}")
    replication = None if replication_rows is None else tuple(_replication(replication_rows))
    return Cluster(name, version, found, replication)


def _segment(row: Mapping[str, object]) -> Segment:
    _require(row.keys(), _SEGMENT_COLUMNS, _TABLE)
    if "datadir" not in row:
        _require(row.keys(), ("fsname", "fselocation"), "pg_filespace_entry")
    filespaces = () if "datadir" in row else ((_text(row, "fsname"), _text(row, "fselocation")),)
    return Segment(
        dbid=_number(row, "dbid"),
        content=_number(row, "content"),
        role=_letter(row, "role", Role),
        preferred_role=_letter(row, "preferred_role", Role),
        mode=_letter(row, "mode", Mode),
        status=_letter(row, "status", Status),
        port=_number(row, "port"),
        hostname=_text(row, "hostname"),
        address=_text(row, "address"),
        datadir=_text(row, "datadir") if "datadir" in row else "",
        replication_port=None if row.get("replication_port") is None else _number(row, "replication_port"),
        filespaces=filespaces,
    )


def _with_datadir(segment: Segment) -> Segment:
    if segment.datadir:
        return segment
    datadir = dict(segment.filespaces).get(_SYSTEM_FILESPACE)
    if not datadir:
        raise UnreadableOutput(_TABLE, f"{segment} has no filespace {_SYSTEM_FILESPACE}")
    return replace(segment, datadir=datadir)


def _replication(rows: Iterable[Mapping[str, object]]) -> Iterator[Replication]:
    for row in rows:
        _require(row.keys(), (*_REPLICATION_COLUMNS, "sent", "replayed"), "gp_stat_replication")
        if row["application_name"] is None:  # 6 gives a row of NULLs for a primary that has no stream
            continue
        yield Replication(
            content=_number(row, "gp_segment_id"),
            application_name=_text(row, "application_name"),
            state=str(row["state"] or ""),
            sync_state=str(row["sync_state"] or ""),
            sent=None if row["sent"] is None else str(row["sent"]),
            replayed=None if row["replayed"] is None else str(row["replayed"]),
        )


def _require(present: Collection[str], needed: Iterable[str], table: str) -> None:
    missing = [name for name in needed if name not in present]
    if missing:
        raise AccessRefused(
            f"{table} has no column {', '.join(missing)}; this catalog cannot be understood and nothing was touched.",
            "Compare its columns with those of Greenplum 4.3 to 7; gpmedic does not act on a catalog it does not know.",
        )


def _number(row: Mapping[str, object], column: str) -> int:
    value = row[column]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _unreadable(row, f"{column} is {value!r}")


def _text(row: Mapping[str, object], column: str) -> str:
    value = row[column]
    # A line break or NUL in a host name or path is no name: it would only serve to deceive a reader or a shell.
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise _unreadable(row, f"{column} is {value!r}")


def _letter(row: Mapping[str, object], column: str, kind: type[_Letter]) -> _Letter:
    try:
        return kind(str(row[column]))
    except ValueError:
        raise _unreadable(row, f"{column} is {row[column]!r}") from None


def _unreadable(row: Mapping[str, object], what: str) -> UnreadableOutput:
    return UnreadableOutput(_TABLE, f"dbid {row.get('dbid')!r}: {what}")
