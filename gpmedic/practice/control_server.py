"""The supervisor's end of the control socket."""

import json
import socketserver
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg2

from gpmedic.errors import GpmedicError
from gpmedic.practice import faults
from gpmedic.practice.control import PracticeError, Verb
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import CopyKind
from gpmedic.practice.fault import Fault
from gpmedic.practice.survey import survey


class ControlServer(socketserver.ThreadingUnixStreamServer):
    """Answers requests, each connection in a thread of its own.

    Args:
        path: of the socket.
        shut_down: called by Verb.SHUTDOWN.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, engine: Engine, name: str, shut_down: Callable[[], None]) -> None:
        self.verbs = _verbs(engine, name, shut_down)
        self.asked = engine.fts.attend
        super().__init__(str(path), _Conversation)
        path.chmod(0o600)
        threading.Thread(target=self.serve_forever, name="practice-control", daemon=True).start()


class _Conversation(socketserver.StreamRequestHandler):
    server: ControlServer

    def handle(self) -> None:
        for line in self.rfile:
            try:
                self.wfile.write(json.dumps(self._answer(line)).encode() + b"\n")
            except OSError:  # the asker has gone; what it asked for was done all the same
                return

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            verb, arguments = Verb(request["verb"]), request.get("args", {})
            self.server.asked()
            return {"result": self.server.verbs[verb](**arguments)}
        except GpmedicError as error:
            return {"error": error.message, "next": error.next_action}
        except (psycopg2.Error, ValueError, KeyError, TypeError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}".strip()}


def _verbs(engine: Engine, name: str, shut_down: Callable[[], None]) -> dict[Verb, Callable[..., Any]]:
    def nothing(work: Callable[..., object]) -> Callable[..., dict[str, Any]]:
        def do(**arguments: Any) -> dict[str, Any]:
            work(**arguments)
            return {}

        return do

    def broken(fault: str, target: dict[str, Any] | None = None) -> dict[str, str]:
        return {"done": faults.break_(engine, _fault(fault), target or {})}

    def healed(fault: str, target: dict[str, Any] | None = None) -> dict[str, str]:
        if fault == "all":
            return {"done": faults.heal_all(engine)}
        return {"done": faults.heal(engine, _fault(fault), target or {})}

    def set_rows(rows: list[dict[str, Any]], description: str = "") -> None:
        engine.rows.change(rows, {row["dbid"]: description for row in rows} if description else {})

    def sessions() -> dict[str, int]:
        found = engine.rows.execute(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND application_name <> 'gpmedic_practice' AND pid <> pg_backend_pid()"
        )
        return {"count": found[0]["n"]}

    return {
        Verb.PING: lambda: {"name": name},
        Verb.FACTS: lambda: asdict(survey(engine, name)),
        Verb.START_SEGMENT: lambda dbid: {"pid": engine.start_segment(dbid)},
        Verb.STOP_SEGMENT: lambda dbid, mode="fast": {"was_running": engine.stop_segment(dbid, mode)},
        Verb.REWIND: lambda dbid, source=None: {"output": engine.rewind(dbid, source)},
        Verb.BASEBACKUP: lambda dbid, source=None: {"output": engine.basebackup(dbid, source)},
        Verb.PROMOTE: nothing(engine.promote),
        Verb.SET_ROWS: nothing(set_rows),
        Verb.INSERT_ROW: nothing(lambda row, description="": engine.rows.insert(row, description)),
        Verb.DELETE_ROW: nothing(lambda dbid, description="": engine.rows.delete(dbid, description)),
        Verb.FTS_PROBE: nothing(engine.fts.probe),
        Verb.FTS_PAUSE: nothing(engine.fts.pause),
        Verb.RESYNC: nothing(lambda content, kind="incremental": engine.resync(content, CopyKind(kind))),
        Verb.STOP_CLUSTER: nothing(lambda mode="fast": engine.stop_cluster(mode)),
        Verb.START_CLUSTER: lambda without=(): {"failed": engine.start_cluster(list(without))},
        Verb.RELOAD: nothing(engine.reload),
        Verb.SESSIONS: sessions,
        Verb.BREAK: broken,
        Verb.HEAL: healed,
        Verb.SHUTDOWN: nothing(shut_down),
    }


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        known = ", ".join(fault.value for fault in Fault)
        raise PracticeError(f"There is no fault {name!r}; faults: {known}.") from None
