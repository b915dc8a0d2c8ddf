"""The process behind one practice cluster: parent of every server, with FTS and ssh in it.

`python -m gpmedic.practice.supervisor FOLDER NAME RELEASE MIRRORS KEPT` says on stdout, in one line of JSON, when the
cluster is up or why it is not. With KEPT `lifeline` it ends when its stdin does. However it ends, its watchdog sees to
it that no process stays.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gpmedic.errors import GpmedicError
from gpmedic.practice import lab_folder
from gpmedic.practice.control import SUPERVISOR_FILE, PracticeError
from gpmedic.practice.control_server import ControlServer
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import Release
from gpmedic.practice.fts import Pace
from gpmedic.practice.guard import refuse_running, socket_folder, watchdog
from gpmedic.practice.hosts import Hosts
from gpmedic.practice.layout import HOSTS, Kept, Mirrors, reserved_ports
from gpmedic.practice.postgres import programs
from gpmedic.practice.processes import end_all
from gpmedic.practice.sshd import SshHosts


def main(argv: list[str]) -> int:
    begun = time.monotonic()
    folder, name, release = Path(argv[0]), argv[1], Release(argv[2])
    mirrors, kept = Mirrors(argv[3]), Kept(argv[4])
    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(kind, lambda *_: stop.set())
    if kept is Kept.LIFELINE:
        threading.Thread(target=_follow_lifeline, args=(stop,), daemon=True).start()
    try:
        installed = programs()
        refuse_running(folder)
        if not installed.account.can_reach(folder / "run"):
            raise PracticeError(
                f"PostgreSQL, which does not run as root, cannot reach {folder}: a folder above it is closed.",
                "Choose a folder below one that everybody may cross, e.g. in /tmp.",
            )
        end_all(folder)
        lab_folder.clear(folder)
    except GpmedicError as error:
        _say({"error": error.message, "next": error.next_action})
        return 1
    with socket_folder(installed) as sockets, watchdog(folder, sockets) as dog, reserved_ports() as ports:
        try:
            engine = Engine(folder, release, mirrors, installed, sockets=sockets, ports=ports, pace=Pace())
            with _cluster(engine, name, sockets, stop):
                _say({"ready": round(time.monotonic() - begun, 2)})
                _be_quiet(folder)
                stop.wait()
        except GpmedicError as error:
            _say({"error": error.message, "next": error.next_action})
            return 1
        finally:
            (folder / SUPERVISOR_FILE).unlink(missing_ok=True)
            end_all(folder, spare={dog}, grace=0.5)
    if kept is Kept.LIFELINE:  # nobody will look at it again, and it is some hundred megabytes
        shutil.rmtree(folder, ignore_errors=True)
    return 0


@contextlib.contextmanager
def _cluster(engine: Engine, name: str, sockets: Path, stop: threading.Event) -> Any:
    folder = engine.folder
    lab_folder.write_programs(engine, sockets)
    with ThreadPoolExecutor(1) as aside:
        serving = aside.submit(lab_folder.serve_hosts, folder)
        try:
            engine.create(name)
        finally:
            sshd: SshHosts = serving.result()
    with sshd:
        engine.hosts = Hosts(folder, HOSTS, sshd)
        ssh_port = lab_folder.coordinator_ssh_port(sshd)
        lab_folder.write_settings(folder, name, engine.coordinator, engine.password, ssh_port)
        engine.fts.start()
        control = ControlServer(sockets / "control", engine, name, stop.set)
        try:
            fresh = folder / "run" / ".supervisor"
            fresh.write_text(
                json.dumps({"pid": os.getpid(), "socket": str(sockets / "control"), "sockets": str(sockets)})
            )
            fresh.rename(folder / SUPERVISOR_FILE)
            engine.fts.probe()
            yield
        finally:
            engine.close()
            control.shutdown()
            control.server_close()


def _follow_lifeline(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


def _say(what: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        print(json.dumps(what), flush=True)


def _be_quiet(folder: Path) -> None:
    """From here on the one who started us may be gone: standard output is a log."""
    log = os.open(folder / "run" / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
