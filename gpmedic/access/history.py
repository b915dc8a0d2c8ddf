"""What the catalog remembers of its changes: who marked what down, and when."""

from dataclasses import dataclass
from datetime import datetime

from gpmedic.access.sql import Database, QueryFailed
from gpmedic.catalog import HISTORY_SQL
from gpmedic.errors import HostUnreachable, Transient, UnreadableOutput
from gpmedic.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of gp_configuration_history."""

    time: datetime
    dbid: int
    description: str


def read_history(settings: ClusterSettings) -> tuple[HistoryLine, ...]:
    """The newest first, at most 100 lines.

    Raises:
        HostUnreachable: the coordinator does not answer.
    """
    with Database.connect(settings.database) as database:
        return history(database)


def history(database: Database) -> tuple[HistoryLine, ...]:
    """The same in a session that is open; nothing where the server cannot give it."""
    try:
        return tuple(_line(row) for row in database.rows(HISTORY_SQL))
    except HostUnreachable:
        raise
    except (Transient, QueryFailed):
        return ()


def _line(row: dict[str, object]) -> HistoryLine:
    time, dbid, description = row["time"], row["dbid"], row["description"]
    if isinstance(time, datetime) and isinstance(dbid, int):
        return HistoryLine(time, dbid, "" if description is None else str(description))
    raise UnreadableOutput("gp_configuration_history", repr(row)[:200])
