"""What psycopg2 says, as one of gpmedic's errors; a table, because libpq gives no code for a failed connection."""

import re
from collections.abc import Callable
from typing import Final

import psycopg2

from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable, Transient
from gpmedic.settings import DatabaseSettings


class QueryFailed(GpmedicError):
    """The server does not accept a statement; trying again does not help."""


_Make = Callable[[str, str], GpmedicError]

# What the message holds, the kind of error, what happened, what to do; the first that fits counts.
_CONNECTION: Final[tuple[tuple[str, _Make, str, str], ...]] = (
    (
        r"password authentication failed|authentication failed for user",
        AccessRefused,
        "does not accept the password of {user!r}",
        "Correct database.password or database.password_file.",
    ),
    (
        r"no password supplied",
        AccessRefused,
        "asks for a password of {user!r} and there is none{no_line}",
        "Set database.password_file (or database.password) in the cluster's settings.",
    ),
    (
        r"no pg_hba\.conf entry",
        AccessRefused,
        "does not let {user!r} in from this machine (pg_hba.conf)",
        "Add a line to pg_hba.conf of the coordinator and run gpstop -u.",
    ),
    (r'role ".*" does not exist', AccessRefused, "knows no user {user!r}", "Correct database.user."),
    (r'database ".*" does not exist', AccessRefused, "has no database {dbname!r}", "Correct database.dbname."),
    (
        r"starting up|in recovery mode|recovery is in progress|not yet accepting",
        Transient,
        "is starting up",
        "Wait until recovery has ended; watch the coordinator's log.",
    ),
    (r"shutting down", Transient, "is shutting down", "Find out who stops it; then start it with gpstart."),
    (r"too many clients|remaining connection slots", Transient, "has no free connection", "End idle sessions."),
    (
        r"could not translate host name.*(Name or service not known|not known|No address)",
        AccessRefused,
        "cannot be found: the name {host!r} is not known",
        "Correct database.host, or the name service.",
    ),
    (r"could not translate host name", HostUnreachable, "cannot be found just now", "Look at the name service."),
    (
        r"Connection refused",
        HostUnreachable,
        "refuses connections",
        "See on its host whether the coordinator runs (gpstate), and whether database.port is its port.",
    ),
    (
        r"received invalid response|invalid length of|expected authentication request",
        AccessRefused,
        "is not a PostgreSQL server",
        "Correct database.host and database.port.",
    ),
    (r"does not support SSL|SSL|certificate", AccessRefused, "and sslmode do not fit", "Correct database.sslmode."),
    (
        r"unsupported frontend protocol|unrecognized configuration parameter",
        AccessRefused,
        "is no server that gpmedic can talk to",
        "Correct database.host and database.port.",
    ),
)
# Classes of SQLSTATE that pass by themselves: connection, resources, operator, system (58M01: a segment does not
# answer), internal (how Greenplum reports failures of its dispatch).
_PASSING: Final = frozenset({"08", "53", "57", "58", "XX"})


def connection_error(settings: DatabaseSettings, error: psycopg2.Error) -> GpmedicError:
    """Why no session could be opened."""
    said = _said(settings, error)
    where = f"The database on {settings.host}:{settings.port}"
    fits = f"{settings.host}:{settings.port}:{settings.dbname}:{settings.user}"
    no_line = "" if settings.password_file is None else f": no line of {settings.password_file} fits {fits}"
    values = {"user": settings.user, "dbname": settings.dbname, "host": settings.host, "no_line": no_line}
    for pattern, make, what, action in _CONNECTION:
        if re.search(pattern, said):
            return make(f"{where} {what.format(**values)}.", action)
    return HostUnreachable(f"{where} cannot be reached ({said}).", f"See whether {settings.host} is up.")


def query_error(settings: DatabaseSettings, error: psycopg2.Error, *, lost: bool) -> GpmedicError:
    """Why a statement got no answer.

    Args:
        lost: the connection is gone.
    """
    said = _said(settings, error)
    if lost or isinstance(error, psycopg2.InterfaceError):
        return HostUnreachable(
            f"The connection to the coordinator on {settings.host} was lost in a query ({said}).",
            "See whether the coordinator was stopped or restarted (gpstate, its log).",
        )
    if error.pgcode is None or error.pgcode[:2] in _PASSING:
        return Transient(
            f"The coordinator on {settings.host} could not answer a query ({said}).",
            "See whether a segment is down (gpstate -e); gpmedic tries again.",
        )
    return QueryFailed(
        f"The coordinator on {settings.host} does not accept a query ({said}); nothing was changed.",
        f"See whether {settings.user!r} may read the catalog, and report this line.",
    )


def _said(settings: DatabaseSettings, error: psycopg2.Error) -> str:
    """The server's words as one line, without the password should it ever be in them."""
    words = "".join(c if c.isprintable() else " " for c in str(error))
    if settings.password is not None and settings.password.get_secret_value():
        words = words.replace(settings.password.get_secret_value(), "***")
    return " ".join(words.split())[:400]
