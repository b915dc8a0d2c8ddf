"""The session on the coordinator, against a real PostgreSQL and sockets that misbehave."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.local_server import free_port
from gpmedic.access.sql import Database, QueryFailed
from gpmedic.capabilities import parse_version
from gpmedic.catalog import VERSION_SQL
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable, Transient
from gpmedic.practice.sshd import LOOPBACK
from tests.postgres_server import PASSWORD, PostgresServer


def one_line(error: GpmedicError) -> None:
    assert "\n" not in str(error)
    assert PASSWORD not in str(error)
    assert error.next_action


def test_rows_come_by_column_name(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database:
        assert database.rows("SELECT 1 AS dbid, 'p'::\"char\" AS role, NULL AS x") == [
            {"dbid": 1, "role": "p", "x": None}
        ]


@pytest.mark.parametrize("value", ["it's", "'; DROP TABLE x; --", "%s", "é\n", ""])
def test_values_travel_beside_the_statement(server: PostgresServer, value: str) -> None:
    with Database.connect(server.settings()) as database:
        assert database.rows("SELECT %s::text AS value", [value]) == [{"value": value}]


def test_a_percent_sign_needs_no_care_where_there_are_no_values(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database:
        assert database.rows("SELECT 7 % 4 AS rest") == [{"rest": 3}]


def test_a_session_says_who_it_is_and_cannot_write(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database:
        assert database.rows("SHOW application_name") == [{"application_name": "gpmedic"}]
        with pytest.raises(QueryFailed, match="read-only") as caught:
            database.rows("CREATE TABLE t (i int)")
    one_line(caught.value)


def test_a_statement_that_is_not_accepted_leaves_the_session_usable(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database:
        with pytest.raises(QueryFailed):
            database.rows("SELECT * FROM no_such_table")
        assert database.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_slow_statement_ends_at_the_statement_timeout(server: PostgresServer) -> None:
    with Database.connect(server.settings(statement_timeout=1)) as database:
        with pytest.raises(Transient, match="statement timeout") as caught:
            database.rows("SELECT pg_sleep(30)")
        one_line(caught.value)
        assert database.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_session_that_the_server_ends_is_lost(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database, Database.connect(server.settings()) as other:
        pid = database.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
        other.rows("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(HostUnreachable, match="was lost in a query") as caught:
            database.rows("SELECT 1")
        one_line(caught.value)
        with pytest.raises(HostUnreachable):
            database.rows("SELECT 1")


def test_a_server_that_hangs_does_not_hold_a_query_for_ever(server: PostgresServer) -> None:
    with Database.connect(server.settings(statement_timeout=1)) as database:
        pid = int(str(database.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]))
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(HostUnreachable, match="did not answer within 3 s") as caught:
                database.rows("SELECT 1")
        finally:
            os.kill(pid, signal.SIGCONT)
    one_line(caught.value)


def test_postgresql_is_not_taken_for_greenplum(server: PostgresServer) -> None:
    with Database.connect(server.settings()) as database:
        said = str(database.rows(VERSION_SQL)[0]["version"])
    with pytest.raises(AccessRefused, match="not Greenplum"):
        parse_version(said)


def wrong_password(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"password": "hunter2"}


def no_password(_server: PostgresServer, folder: Path) -> dict[str, object]:
    empty = folder / "pgpass"
    empty.touch(0o600)
    return {"password": None, "password_file": empty}


def wrong_password_file(server: PostgresServer, folder: Path) -> dict[str, object]:
    path = folder / "pgpass"
    path.touch(0o600)
    path.write_text(f"*:*:*:*:not-{PASSWORD}\n")
    return {"password": None, "password_file": path}


def missing_password_file(_server: PostgresServer, folder: Path) -> dict[str, object]:
    return {"password": None, "password_file": folder / "nothing"}


def open_password_file(_server: PostgresServer, folder: Path) -> dict[str, object]:
    path = folder / "pgpass"
    path.write_text(f"*:*:*:*:{PASSWORD}\n")
    path.chmod(0o644)
    return {"password": None, "password_file": path}


def wrong_user(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"user": "operator"}


def wrong_database(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"dbname": "nothing"}


def closed_port(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"port": free_port()}


def wrong_name(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"host": "no-such-host.invalid"}


def insists_on_ssl(_server: PostgresServer, _folder: Path) -> dict[str, object]:
    return {"sslmode": "require"}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (wrong_password, AccessRefused, "does not accept the password of 'gpadmin'"),
        (no_password, AccessRefused, "asks for a password of 'gpadmin' and there is none"),
        (wrong_password_file, AccessRefused, "does not accept the password"),
        (missing_password_file, AccessRefused, "cannot be read"),
        (open_password_file, AccessRefused, "can be read by others.*chmod 600"),
        (wrong_user, AccessRefused, "does not accept the password of 'operator'"),
        (wrong_database, AccessRefused, "has no database 'nothing'"),
        (closed_port, HostUnreachable, "refuses connections"),
        (wrong_name, GpmedicError, "cannot be found"),
        (insists_on_ssl, AccessRefused, "sslmode"),
    ],
)
def test_a_session_that_cannot_be_opened_is_one_line_with_a_next_action(  # noqa: PLR0917
    server: PostgresServer,
    tmp_path: Path,
    fault: Callable[[PostgresServer, Path], dict[str, object]],
    kind: type[GpmedicError],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    changes = fault(server, tmp_path)
    with pytest.raises(kind, match=words) as caught:
        Database.connect(server.settings(**changes))
    one_line(caught.value)
    assert "hunter2" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_password_file_opens_the_session(server: PostgresServer, tmp_path: Path) -> None:
    path = tmp_path / "pgpass"
    path.touch(0o600)
    path.write_text(f"{LOOPBACK}:{server.port}:*:gpadmin:{PASSWORD}\n")
    with Database.connect(server.settings(password=None, password_file=path)) as database:
        assert database.rows("SELECT current_user") == [{"current_user": "gpadmin"}]


def test_a_port_that_accepts_and_says_nothing_is_told_in_time(server: PostgresServer) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        started = time.monotonic()
        with pytest.raises(HostUnreachable, match="did not answer within 2 s") as caught:
            Database.connect(server.settings(port=silent.getsockname()[1], connect_timeout=2))
        assert time.monotonic() - started < 20
    one_line(caught.value)


def answering(reply: bytes) -> tuple[socket.socket, threading.Thread]:
    listener = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1024)
            client.sendall(reply)
            client.recv(1024)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (b"C57P03\0Mthe database system is starting up\0", Transient, "is starting up"),
        (b"C57P03\0Mthe database system is in recovery mode\0", Transient, "is starting up"),
        (b"C57P03\0Mthe database system is shutting down\0", Transient, "is shutting down"),
        (b"C53300\0Msorry, too many clients already\0", Transient, "has no free connection"),
        (b"C28000\0Mno pg_hba.conf entry for host\0", AccessRefused, "pg_hba.conf"),
    ],
)
def test_what_a_server_says_instead_of_a_welcome_is_understood(
    server: PostgresServer, message: bytes, kind: type[GpmedicError], words: str
) -> None:
    body = b"SFATAL\0VFATAL\0" + message + b"\0"
    listener, thread = answering(b"E" + (len(body) + 4).to_bytes(4, "big") + body)
    with listener, pytest.raises(kind, match=words) as caught:
        Database.connect(server.settings(port=listener.getsockname()[1], sslmode="disable"))
    thread.join()
    one_line(caught.value)


def test_another_kind_of_server_is_told(server: PostgresServer) -> None:
    listener, thread = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with listener, pytest.raises(GpmedicError) as caught:
        Database.connect(server.settings(port=listener.getsockname()[1]))
    thread.join()
    one_line(caught.value)
    assert not isinstance(caught.value, QueryFailed)
