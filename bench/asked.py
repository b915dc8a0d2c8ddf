"""How often a cluster is asked: SQL statements and commands over ssh that gpmedic sends while a block runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from gpmedic.access.sql import Database
from gpmedic.access.ssh import Completed, Shell


@dataclass
class Asked:
    """The counts; sessions and logins are not among them."""

    sql: int = 0
    ssh: int = 0


@contextmanager
def asking() -> Iterator[Asked]:
    """Count while the block runs; what is asked is asked as ever."""
    asked = Asked()
    rows, run = Database.rows, Shell.run

    def counted_rows(self: Database, sql: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        asked.sql += 1
        return rows(self, sql, params)

    def counted_run(self: Shell, script: str, *args: str, timeout: float | None = None) -> Completed:
        asked.ssh += 1
        return run(self, script, *args, timeout=timeout)

    with patch.object(Database, "rows", counted_rows), patch.object(Shell, "run", counted_run):
        yield asked
