"""The control socket of a practice cluster: stand-ins and tools ask the supervisor through it.

One JSON line is a request, one JSON line its answer; a connection serves any number of requests, one after another.
Every verb waits until its effect is there (a segment answers, a copy is complete); `Verb` documents them.
"""

import json
import os
import socket
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gpmedic.errors import GpmedicError
from gpmedic.practice.facts import Facts, decode

SUPERVISOR_FILE = Path("run") / "supervisor.json"
CLUSTER_VARIABLE = "GPMEDIC_PRACTICE_CLUSTER"
"""Set by the shims and by sshd: the folder of the cluster that a stand-in belongs to."""

LOOK = "Look at the log in the cluster's run/ folder, or start it again."


class PracticeError(GpmedicError):
    """The practice cluster could not do what was asked; the message is what PostgreSQL or the engine said."""

    def __init__(self, message: str, next_action: str = LOOK) -> None:
        super().__init__(message, next_action)


class Verb(StrEnum):
    """What can be asked of the supervisor. Segments are named by dbid, hosts by name."""

    PING = "ping"
    """-> {"name": of the cluster}."""
    FACTS = "facts"
    """-> Facts. `Control.facts()` decodes them."""
    START_SEGMENT = "start_segment"
    """dbid -> {"pid": n}. Starts postgres on its data directory and waits until it answers (a mirror: in recovery).
    PracticeError with the tail of its log when it ends or its host is down, its directory is missing or not 0700."""
    STOP_SEGMENT = "stop_segment"
    """dbid, mode=smart|fast|immediate -> {"was_running": bool}. Waits for its end. Removes a stale postmaster.pid."""
    REWIND = "rewind"
    """dbid [, source=dbid] -> {"output": text of pg_rewind}. The target must be stopped; afterwards it is a mirror's
    directory, ready to be started. As Greenplum (T14), skipped with output "" when the directory is already a mirror's.
    PracticeError(message=output of pg_rewind) when it fails."""
    BASEBACKUP = "basebackup"
    """dbid [, source=dbid] -> {"output": last progress line}. Overwrites the data directory of the row by a full copy
    of its acting primary. While it runs `Facts.segment(dbid).copying` shows progress."""
    PROMOTE = "promote"
    """dbid -> {}. pg_promote, and waits until it accepts writes."""
    SET_ROWS = "set_rows"
    """rows=[{"dbid": n, column: value, ...}, ...], description="" -> {}. Updates rows of gp_segment_configuration in
    one transaction (any column but dbid; `datadir` in 4.3 goes to pg_filespace_entry); with a description, one row
    of gp_configuration_history per dbid. PracticeError for an unknown dbid or column."""
    INSERT_ROW = "insert_row"
    """row={column: value}, description="" -> {}. All columns of SegmentFacts' catalog part."""
    DELETE_ROW = "delete_row"
    """dbid, description="" -> {}."""
    FTS_PROBE = "fts_probe"
    """-> {}. One whole round of FTS begun after the request has ended."""
    FTS_PAUSE = "fts_pause"
    """on=bool -> {}. While paused FTS changes nothing (a rebalance of 4.3, a stopped cluster)."""
    RESYNC = "resync"
    """content, kind=incremental|full -> {}. 4.3: the pair is at r/r, the mirror runs; the engine shows progress in
    `copying` and FTS sets s/s when it is over. Returns at once: "resynchronization will continue in the background"."""
    STOP_CLUSTER = "stop_cluster"
    """mode -> {}. Stops coordinator, standby and every segment; FTS rests. ssh stays up."""
    START_CLUSTER = "start_cluster"
    """[without=[dbid...]] -> {"failed": [dbid...]}. Starts everything of the catalog as it was last read that is marked
    up, the standby, and FTS."""
    RELOAD = "reload"
    """-> {}. Every server reads its settings again (gpstop -u)."""
    SESSIONS = "sessions"
    """-> {"count": n}. Client sessions on the coordinator, the engine's own not counted."""
    BREAK = "break"
    """fault=name of Fault, target={...} -> {"done": text}."""
    HEAL = "heal"
    """fault=name of Fault or "all", target={...} -> {"done": text}."""
    SHUTDOWN = "shutdown"
    """-> {}. Ends the practice cluster: every process."""


class Control:
    """A connection to the supervisor of one practice cluster; a context manager."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("r", encoding="utf-8")

    @classmethod
    def connect(cls, folder: Path | None = None) -> Self:
        """Connect to the supervisor of the cluster in `folder`, or of the one named by $GPMEDIC_PRACTICE_CLUSTER.

        Raises:
            PracticeError: it does not run.
        """
        folder = folder or Path(os.environ.get(CLUSTER_VARIABLE, "."))
        try:
            path = json.loads((folder / SUPERVISOR_FILE).read_text())["socket"]
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
        except (OSError, ValueError, KeyError):
            raise PracticeError(f"No practice cluster runs in {folder}.", "Start it: gpmedic practice up.") from None
        return cls(connection)

    def call(self, verb: str, **args: Any) -> Any:
        """Ask, wait for the answer and return it (JSON data).

        Raises:
            PracticeError: the supervisor said no, or went away.
        """
        try:
            self._connection.sendall(json.dumps({"verb": str(verb), "args": args}).encode() + b"\n")
            line = self._reader.readline()
        except OSError:
            line = ""
        if not line:
            raise PracticeError("The practice cluster's supervisor went away.", "Start it: gpmedic practice up.")
        answer = json.loads(line)
        if "error" in answer:
            raise PracticeError(answer["error"], answer.get("next", LOOK))
        return answer["result"]

    def facts(self) -> Facts:
        """Everything that is true now."""
        return decode(Facts, self.call(Verb.FACTS))

    def close(self) -> None:
        self._reader.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
