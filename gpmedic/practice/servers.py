"""The PostgreSQL servers behind the segments: start, stop, kill, ask, rewind, copy; what it means is not known here."""

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

from gpmedic.practice.control import CLUSTER_VARIABLE, PracticeError
from gpmedic.practice.facts import Answer
from gpmedic.practice.greenplum_catalog import SLOT
from gpmedic.practice.layout import LOOPBACK, USER, Row
from gpmedic.practice.postgres import Programs
from gpmedic.practice.processes import PID_FOLDER, with_children

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_STILL_IN_USE = "pre-existing shared memory block"
_START_WITHIN = 60.0  # seconds
_STOP_WITHIN = 60.0
_MIRROR_SIGNAL = "standby.signal"
_SYNC_FILE = "internal.sync.conf"
_PROGRESS = re.compile(r"(\d+)/(\d+) kB \(\d+%\)")

Connection = psycopg2.extensions.connection


class Servers:
    """Every server process of one cluster, by dbid; safe to use from several threads.

    Args:
        folder: the cluster's folder.
        sockets: directory of the servers' Unix sockets, where everybody who reaches it is trusted.
        log_folder: name of the folder for logs in a data directory.
    """

    def __init__(self, programs: Programs, folder: Path, sockets: Path, log_folder: str) -> None:
        self._programs = programs
        self._folder = folder
        self._sockets = sockets
        self._log_folder = log_folder
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._changing = threading.RLock()
        self._sessions: dict[int, tuple[int | None, Connection]] = {}  # by dbid, each with its postmaster
        self._asking: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._recovering: dict[int, int] = {}  # dbid -> the postmaster that said so

    def pid(self, dbid: int) -> int | None:
        """The postmaster's process id, None where it does not live."""
        process = self._processes.get(dbid)
        return process.pid if process is not None and process.poll() is None else None

    def launch(self, row: Row, source: Row | None) -> None:
        """Start a server and do not wait for it; `source` is where a mirror streams from."""
        datadir = Path(row.datadir)
        if not datadir.is_dir():
            raise PracticeError(f'could not access directory "{datadir}": No such file or directory')
        with self._changing:
            if self.pid(row.dbid) is not None:
                return
            log = self._log(row)
            options = ["-D", row.datadir, "-p", str(row.port), "-k", str(self._sockets)]
            if source is not None:
                options += ["-c", f"primary_conninfo={self._conninfo(source)} application_name=gp_walreceiver"]
            with log.open("ab") as output:
                process = self._programs.popen(
                    "postgres", *options, stdout=output.fileno(), environment={CLUSTER_VARIABLE: str(self._folder)}
                )
            (self._folder / PID_FOLDER / str(process.pid)).touch()
            self._processes[row.dbid] = process

    def start(self, row: Row, source: Row | None) -> int:
        """Start a server and wait until it answers; its process id.

        Raises:
            PracticeError: it ended or does not answer in time; the message is the end of its log.
        """
        deadline = time.monotonic() + _START_WITHIN
        while True:
            self.launch(row, source)
            try:
                return self.await_start(row)
            except PracticeError as error:
                # Children of a server that was killed outlive it for a moment.
                if _STILL_IN_USE not in error.message or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def await_start(self, row: Row) -> int:
        """Wait until a launched server answers; its process id."""
        deadline = time.monotonic() + _START_WITHIN
        while self.answer(row) not in {Answer.ACCEPTS, Answer.RECOVERS}:
            if self.pid(row.dbid) is None or time.monotonic() > deadline:
                tail = "\n".join(self._log(row).read_text(errors="replace").splitlines()[-8:])
                raise PracticeError(f"dbid {row.dbid} did not start: {tail}")
            time.sleep(0.02)
        return self.pid(row.dbid) or 0

    def stop(self, dbid: int, mode: str) -> bool:
        """Shut a server down and wait; whether it had been running. KeyError for an unknown mode."""
        process = self._processes.get(dbid)
        if process is None or process.poll() is not None:
            return False
        self._end_session(dbid)  # a smart shutdown would wait for it
        process.send_signal(_SIGNALS[mode])
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            raise PracticeError(f"dbid {dbid} did not shut down within {_STOP_WITHIN:.0f} s.") from None
        self._forget(process.pid)
        return True

    def kill(self, dbid: int) -> bool:
        """SIGKILL for the postmaster and all of its processes; whether it had been running."""
        process = self._processes.get(dbid)
        if process is None or process.poll() is not None:
            return False
        family = with_children(process.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        self._forget(process.pid)
        return True

    def hang_up(self, dbid: int) -> None:
        """Make a server read its settings again."""
        if (pid := self.pid(dbid)) is not None:
            os.kill(pid, signal.SIGHUP)

    def wait_for_mirror(self, row: Row, on: bool) -> None:
        """Whether commits on this server wait for its mirror, as FTS tells a primary of Greenplum."""
        names = "'*'" if on else "''"
        with contextlib.suppress(FileNotFoundError):  # the directory may have been taken away
            self._write(row, _SYNC_FILE, f"synchronous_standby_names = {names}\n")
        self.hang_up(row.dbid)

    def make_mirror(self, row: Row) -> None:
        """Let the server be a mirror at its next start."""
        self._write(row, _MIRROR_SIGNAL, "")

    def is_mirror(self, row: Row) -> bool:
        return (Path(row.datadir) / _MIRROR_SIGNAL).exists()

    def promote(self, row: Row) -> None:
        """Turn a running mirror into a primary; waits until it accepts sessions."""
        pid = self.pid(row.dbid)
        if pid is None:
            raise PracticeError(f"dbid {row.dbid} does not run and cannot be promoted.")
        self.wait_for_mirror(row, on=False)  # or its first commit would wait for a mirror that is down
        self._write(row, "promote", "")
        os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + _START_WITHIN
        while self.answer(row) is not Answer.ACCEPTS:
            if time.monotonic() > deadline or self.pid(row.dbid) is None:
                raise PracticeError(f"dbid {row.dbid} was not promoted.")
            time.sleep(0.02)
        self._make_slot(row)

    def _make_slot(self, row: Row) -> None:
        # pg_rewind and pg_basebackup leave slots out, and a mirror that is to come will ask for it.
        with contextlib.closing(self.connect(row)) as session, session.cursor() as cursor:
            cursor.execute(
                "SELECT pg_create_physical_replication_slot(%s, true)"
                " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)",
                (SLOT, SLOT),
            )

    def answer(self, row: Row) -> Answer:
        """What the server says to a new session."""
        pid = self.pid(row.dbid)
        if pid is None:
            return Answer.STRANGER if _listens(row.port) else Answer.REFUSED
        if self._recovering.get(row.dbid) == pid and self.is_mirror(row):  # a mirror stays one until its signal goes
            return Answer.RECOVERS
        try:
            self.connect(row).close()
        except psycopg2.OperationalError as error:
            text = str(error)
            # A primary says so too while it recovers from its crash.
            if "Hot standby mode is disabled" in text and self.is_mirror(row):
                self._recovering[row.dbid] = pid
                return Answer.RECOVERS
            return Answer.STARTING if "the database system is" in text else Answer.REFUSED
        return Answer.ACCEPTS

    def ask(self, row: Row, *statements: str) -> list[list[tuple[Any, ...]]]:
        """The rows that each statement gives in a session that is kept until the server ends; a new one for every
        question costs more than all the rest of a practice cluster that is only watched.

        Raises:
            psycopg2.Error: the server does not answer.
        """
        with self._asking[row.dbid]:
            pid, session = self._sessions.get(row.dbid, (None, None))
            if session is not None and pid == self.pid(row.dbid):
                with contextlib.suppress(psycopg2.Error):  # a crash ends every session, and not always the postmaster
                    return _answers(session, statements)
            self._end_session(row.dbid)
            session = self.connect(row)
            self._sessions[row.dbid] = (self.pid(row.dbid), session)
            return _answers(session, statements)

    def _end_session(self, dbid: int) -> None:
        _, session = self._sessions.pop(dbid, (None, None))
        if session is not None:
            session.close()

    def connect(self, row: Row, database: str = "postgres", timeout: int = 2) -> Connection:
        """A session of the superuser, committing every statement; psycopg2.OperationalError where it is refused."""
        connection = psycopg2.connect(
            host=str(self._sockets), port=row.port, user=USER, dbname=database, connect_timeout=timeout,
            application_name="gpmedic_practice",
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def rewind(self, target: Row, source: Row) -> str:
        """pg_rewind of a stopped server from a running primary; its output. Afterwards it is a mirror's directory."""
        output = self._programs.run(
            "pg_rewind", "--target-pgdata", target.datadir,
            "--source-server", f"{self._conninfo(source)} dbname=postgres",
            "--write-recovery-conf", "--progress", "--no-sync",
        )  # fmt: skip
        self._own_settings(target)
        return output

    def copy(self, target: Row, source: Row, rate: int | None, told: Callable[[str, int, int], None]) -> str:
        """pg_basebackup over whatever lies in the target's directory; its last line of progress.

        Args:
            rate: kB a second, None for no limit.
            told: called with each line of progress, bytes done and bytes in all.
        """
        datadir = Path(target.datadir)
        shutil.rmtree(datadir, ignore_errors=True)
        datadir.parent.mkdir(parents=True, exist_ok=True)
        datadir.mkdir(mode=0o700)
        self._programs.account.own(datadir)
        limit = [] if rate is None else ["--max-rate", f"{rate}k"]
        process = self._programs.popen(
            "pg_basebackup", "-d", f"{self._conninfo(source)} dbname=postgres application_name=pg_basebackup",
            "-D", target.datadir, "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-slot", "-R",
            "--progress", "--verbose", *limit,
            stdout=subprocess.PIPE, environment={CLUSTER_VARIABLE: str(self._folder)},
        )  # fmt: skip
        assert process.stdout is not None  # noqa: S101 (PIPE)
        last, buffer, everything = "", b"", b""
        with process:
            while chunk := process.stdout.read1(4096):  # type: ignore[attr-defined]
                everything += chunk
                *lines, buffer = re.split(rb"[\r\n]+", buffer + chunk)
                for line in filter(None, lines):
                    last = line.decode(errors="replace").strip()
                    progress = _PROGRESS.search(last)
                    told(last, int(progress[1]) * 1024 if progress else -1, int(progress[2]) * 1024 if progress else -1)
        if process.returncode:
            raise PracticeError(f"pg_basebackup failed: {everything.decode(errors='replace').strip()[-800:]}")
        self._own_settings(target)
        return last

    def _own_settings(self, row: Row) -> None:
        # Written by --write-recovery-conf: where to stream from is told at every start instead, for primaries change.
        self._write(row, "postgresql.auto.conf", "")
        self.make_mirror(row)
        self.wait_for_mirror(row, on=False)

    def _write(self, row: Row, name: str, text: str) -> None:
        # Complete before the server can see it: a file that asks for something is gone as soon as it is seen.
        fresh = Path(row.datadir) / f"{name}.new"
        fresh.write_text(text)
        self._programs.account.own(fresh)  # or pg_rewind, which is not root, could not replace it
        fresh.rename(fresh.with_name(name))

    def _conninfo(self, source: Row) -> str:
        return f"host={self._sockets} port={source.port} user={USER}"

    def _log(self, row: Row) -> Path:
        folder = Path(row.datadir) / self._log_folder
        if not folder.exists() and folder.parent.is_dir():
            folder.mkdir(mode=0o700)
            self._programs.account.own(folder)
        log = folder / "startup.log"
        if not log.exists():
            log.touch(mode=0o600)
            self._programs.account.own(log)
        return log

    def _forget(self, pid: int) -> None:
        (self._folder / PID_FOLDER / str(pid)).unlink(missing_ok=True)


def _answers(session: Connection, statements: tuple[str, ...]) -> list[list[tuple[Any, ...]]]:
    with session.cursor() as cursor:
        answers = []
        for statement in statements:
            cursor.execute(statement)
            answers.append(cursor.fetchall())
    return answers


def datadir_mode(row: Row) -> int | None:
    """Permission bits of its data directory, None where it is missing."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(Path(row.datadir).stat().st_mode)
    return None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
