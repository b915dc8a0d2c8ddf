"""A read-only session on the coordinator, through psycopg2; every failure becomes one line without secrets."""

import selectors
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2
from psycopg2 import extensions

from gpmedic.access.sql_errors import QueryFailed, connection_error, query_error
from gpmedic.errors import AccessRefused, HostUnreachable
from gpmedic.settings import DatabaseSettings

__all__ = ["Database", "QueryFailed"]

_GRACE = 2.0  # seconds that a server gets beyond statement_timeout to say that it has stopped the statement
_DEAD_PEER = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


class Database:
    """One session; not to be used from two threads at once. Every statement is its own read-only transaction."""

    def __init__(self, settings: DatabaseSettings, connection: extensions.connection) -> None:
        self._settings = settings
        self._connection = connection

    @classmethod
    def connect(cls, settings: DatabaseSettings) -> Self:
        """Open a session within `connect_timeout` seconds.

        Raises:
            HostUnreachable: the coordinator refuses, is silent or lost the connection.
            Transient: it answers, but is starting up, shutting down or full.
            AccessRefused: the name, the password, the user, the database or pg_hba.conf is wrong.
        """
        deadline = time.monotonic() + settings.connect_timeout
        try:
            # Asynchronous, because a server that accepts and then says nothing would hold a synchronous session for
            # ever: its statement_timeout is the server's own.
            connection = psycopg2.connect(**_parameters(settings), async_=True)
            try:
                _wait(connection, deadline)
            except BaseException:
                connection.close()
                raise
        except TimeoutError:
            raise HostUnreachable(
                f"The database on {settings.host}:{settings.port} did not answer within {settings.connect_timeout} s.",
                f"See whether {settings.host} is up and whether the coordinator hangs (gpstate, its log).",
            ) from None
        except psycopg2.Error as error:
            raise connection_error(settings, error) from None
        return cls(settings, connection)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """The rows that one statement answers, by column name.

        Args:
            params: for the %s of `sql`; values are never written into the text.

        Raises:
            HostUnreachable: the connection was lost, or the deadline passed; the session is then closed.
            Transient: the server could not answer just now (a segment is down, it is shutting down, no room).
            QueryFailed: the server does not accept the statement.
        """
        deadline = time.monotonic() + self._settings.statement_timeout + _GRACE
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(params) or None)
                _wait(self._connection, deadline)
                if cursor.description is None:
                    return []
                names = [column.name for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except TimeoutError:
            self.close()
            raise HostUnreachable(
                f"The coordinator on {self._settings.host} took a query and did not answer within "
                f"{self._settings.statement_timeout + _GRACE:g} s.",
                "See whether it hangs (gpstate, its log), or raise database.statement_timeout.",
            ) from None
        except psycopg2.Error as error:
            raise query_error(self._settings, error, lost=bool(self._connection.closed)) from None

    @property
    def encrypted(self) -> bool:
        """Whether the session is encrypted."""
        return bool(self._connection.info.ssl_in_use)

    def close(self) -> None:
        """End the session; a second call does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _parameters(settings: DatabaseSettings) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "dbname": settings.dbname,
        "sslmode": settings.sslmode,
        "application_name": "gpmedic",
        "options": f"-c statement_timeout={settings.statement_timeout * 1000} -c default_transaction_read_only=on",
        "tcp_user_timeout": settings.connect_timeout * 1000,
        **_DEAD_PEER,
    }
    if settings.password is not None:
        parameters["password"] = settings.password.get_secret_value()
    if settings.password_file is not None:
        parameters["passfile"] = str(_checked(settings.password_file.expanduser()))
    return parameters


def _checked(path: Path) -> Path:
    """libpq passes over a password file that it cannot read or that others can, and then tells of a wrong password."""
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        raise AccessRefused(
            f"The password file {path} cannot be read ({error.strerror}).", "Correct database.password_file."
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AccessRefused(f"The password file {path} can be read by others.", f"Run: chmod 600 {path}")
    return path


def _wait(connection: extensions.connection, deadline: float) -> None:
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        event = selectors.EVENT_WRITE if state == extensions.POLL_WRITE else selectors.EVENT_READ
        left = deadline - time.monotonic()
        # A new selector every turn: libpq opens another socket for every address of a host.
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), event)
            if left <= 0 or not selector.select(left):
                raise TimeoutError
