"""How a utility speaks while it works: log lines, tables, dots and a prompt, all on stdout (T27), at once."""

import os
import time
from collections.abc import Callable, Iterable, Sequence

Row = Sequence[str]


class Console:
    """Writes what a Greenplum utility prints.

    Args:
        write: takes every piece of text as soon as it is said.
        utility, host, user: of the log lines' prefix. Without a host the prefix is the short one of an early error.
        moment: the time and process id that begin a log line.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        utility: str,
        host: str,
        user: str,
        moment: Callable[[], str] = lambda: f"{time.strftime('%Y%m%d:%H:%M:%S')}:{os.getpid():06d}",
    ) -> None:
        self._write, self._moment = write, moment
        self._utility, self._host, self._user = utility, host, user

    def for_command(self, write: Callable[[str], object], utility: str) -> "Console":
        """The console of another utility that this one starts on the same host."""
        return Console(write, utility, self._host, self._user)

    def info(self, text: str) -> None:
        self._log("INFO", text)

    def warning(self, text: str) -> None:
        self._log("WARNING", text)

    def error(self, text: str) -> None:
        self._log("ERROR", text)

    def critical(self, text: str) -> None:
        self._log("CRITICAL", text)

    def early_error(self, text: str) -> None:
        """An error from before the log was set up: its prefix knows neither host nor user."""
        self._write(f"{self._moment()} {self._utility}:default-[ERROR]:-{text}\n")

    def table(self, rows: Iterable[Row]) -> None:
        """Aligned columns, each line an INFO."""
        for line in aligned(rows):
            self.info(f"   {line}")

    def say(self, text: str) -> None:
        """Plain text without a prefix and without a line's end."""
        self._write(text)

    def _log(self, level: str, text: str) -> None:
        self._write(f"{self._moment()} {self._utility}:{self._host}:{self._user}-[{level}]:-{text}\n")


def aligned(rows: Iterable[Row]) -> list[str]:
    """Rows as lines, every column but a row's last padded to the widest of its cells, three spaces between them."""
    table = [list(row) for row in rows]
    columns = max((len(row) for row in table), default=0)
    widths = [max((len(row[i]) for row in table if i < len(row)), default=0) for i in range(columns)]
    return [
        "   ".join(cell if i == len(row) - 1 else cell.ljust(widths[i]) for i, cell in enumerate(row)) for row in table
    ]
