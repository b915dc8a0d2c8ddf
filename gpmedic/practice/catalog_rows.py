"""The coordinator's catalog: reading and changing gp_segment_configuration, and telling gp_configuration_history."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg2
from psycopg2.extras import RealDictCursor

from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Release
from gpmedic.practice.layout import Row
from gpmedic.practice.servers import Connection

T = TypeVar("T")

_COLUMNS = ("content", "role", "preferred_role", "mode", "status", "port", "hostname", "address")
_SELECT = {
    Release.V4_3: (
        "SELECT c.dbid, c.content, c.role, c.preferred_role, c.mode, c.status, c.port, c.hostname, c.address,"
        " c.replication_port, e.fselocation AS datadir FROM gp_segment_configuration c"
        " JOIN pg_filespace_entry e ON e.fsedbid = c.dbid ORDER BY c.dbid"
    ),
    Release.V6: (
        "SELECT dbid, content, role, preferred_role, mode, status, port, hostname, address, datadir"
        " FROM gp_segment_configuration ORDER BY dbid"
    ),
}
_SELECT[Release.V7] = _SELECT[Release.V6]
_FILESPACE = 3052  # oid of pg_system
# Rows change while others read them, and a catalog has no primary key here: one writer at a time.
_ALLOW = "SET allow_system_table_mods = on; LOCK gp_segment_configuration IN SHARE ROW EXCLUSIVE MODE;"

Change = Mapping[str, Any]


class CatalogRows:
    """The rows of the cluster's catalog; the last ones read stay known while the coordinator is down.

    Args:
        connect: opens a session on the coordinator.
        rows: as they were made.
    """

    def __init__(self, release: Release, connect: Callable[[], Connection], rows: Sequence[Row]) -> None:
        self._release = release
        self._connect = connect
        self._known = tuple(sorted(rows, key=lambda row: row.dbid))
        self._session: Connection | None = None
        self._lock = threading.RLock()

    @property
    def known(self) -> tuple[Row, ...]:
        """The rows as last read."""
        return self._known

    def read(self) -> tuple[Row, ...]:
        """The rows now; psycopg2.Error where the coordinator does not answer."""

        def select(cursor: RealDictCursor) -> tuple[Row, ...]:
            cursor.execute(_SELECT[self._release])
            return tuple(Row.of(dict(row)) for row in cursor.fetchall())

        self._known = self._transaction(select)
        return self._known

    def create(self, rows: Sequence[Row], identity: tuple[str, str], password: str) -> None:
        """Fill the catalog of a fresh coordinator, whose superuser gets this password."""

        def fill(cursor: RealDictCursor) -> None:
            cursor.execute(_ALLOW)
            for row in rows:
                self._insert(cursor, row.as_json())
            cursor.execute("INSERT INTO gpmedic_practice.identity (name, folder) VALUES (%s, %s)", identity)
            cursor.execute("ALTER ROLE CURRENT_USER PASSWORD %s", (password,))

        self._transaction(fill)

    def change(self, changes: Sequence[Change], descriptions: Mapping[int, str]) -> None:
        """Update rows (each change names its dbid) and write history, in one transaction.

        Raises:
            PracticeError: no such dbid or column.
        """

        def update(cursor: RealDictCursor) -> None:
            cursor.execute(_ALLOW)
            for change in changes:
                self._update(cursor, dict(change))
            self._tell(cursor, descriptions)

        self._transaction(update)
        self.read()

    def insert(self, row: Change, description: str) -> None:
        def add(cursor: RealDictCursor) -> None:
            cursor.execute(_ALLOW)
            self._insert(cursor, row)
            self._tell(cursor, {int(row["dbid"]): description} if description else {})

        self._transaction(add)
        self.read()

    def delete(self, dbid: int, description: str) -> None:
        def remove(cursor: RealDictCursor) -> None:
            cursor.execute(_ALLOW)
            cursor.execute("DELETE FROM gp_segment_configuration WHERE dbid = %s", (dbid,))
            if self._release is Release.V4_3:
                cursor.execute("DELETE FROM pg_filespace_entry WHERE fsedbid = %s", (dbid,))
            self._tell(cursor, {dbid: description} if description else {})

        self._transaction(remove)
        self.read()

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Any statement on the coordinator; its rows."""

        def run(cursor: RealDictCursor) -> list[dict[str, Any]]:
            cursor.execute(statement, parameters)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

        return self._transaction(run)

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _insert(self, cursor: RealDictCursor, row: Change) -> None:
        filerep = self._release is Release.V4_3
        columns = ["dbid", *_COLUMNS, "replication_port" if filerep else "datadir"]
        marks = ", ".join(["%s"] * len(columns))
        cursor.execute(
            f"INSERT INTO gp_segment_configuration ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 (our names)
            [row.get(column) for column in columns],
        )
        if filerep:
            cursor.execute(
                "INSERT INTO pg_filespace_entry VALUES (%s, %s, %s)", (_FILESPACE, row["dbid"], row["datadir"])
            )

    def _update(self, cursor: RealDictCursor, change: dict[str, Any]) -> None:
        dbid = change.pop("dbid")
        filerep = self._release is Release.V4_3
        allowed = {*_COLUMNS, "datadir", *(["replication_port"] if filerep else [])}
        if unknown := set(change) - allowed:
            raise PracticeError(f"gp_segment_configuration has no column {', '.join(sorted(unknown))}.")
        if filerep and "datadir" in change:
            location = change.pop("datadir")
            cursor.execute("UPDATE pg_filespace_entry SET fselocation = %s WHERE fsedbid = %s", (location, dbid))
        if change:
            settings = ", ".join(f"{column} = %s" for column in change)
            cursor.execute(
                f"UPDATE gp_segment_configuration SET {settings} WHERE dbid = %s",  # noqa: S608 (checked above)
                [*change.values(), dbid],
            )
            if cursor.rowcount != 1:
                raise PracticeError(f"There is no segment with dbid {dbid}.")

    @staticmethod
    def _tell(cursor: RealDictCursor, descriptions: Mapping[int, str]) -> None:
        for dbid, description in descriptions.items():
            cursor.execute(
                "INSERT INTO gp_configuration_history VALUES (clock_timestamp(), %s, %s)", (dbid, description)
            )

    def _transaction(self, work: Callable[[RealDictCursor], T]) -> T:
        with self._lock:
            if self._session is None or self._session.closed:
                self._session = self._connect()
                self._session.autocommit = False
            try:
                with self._session, self._session.cursor(cursor_factory=RealDictCursor) as cursor:
                    return work(cursor)
            except psycopg2.OperationalError:
                self._session.close()
                self._session = None
                raise
