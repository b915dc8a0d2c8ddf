"""The engine of one practice cluster: makes it, keeps it, and does what is asked over the control socket."""

import contextlib
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg2

from gpmedic.cluster import COORDINATOR_CONTENT, Generation, Mode, Role, Status
from gpmedic.practice.catalog_rows import CatalogRows
from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Copying, CopyKind, Release
from gpmedic.practice.fts import Fts, Pace, log_line
from gpmedic.practice.hosts import Hosts
from gpmedic.practice.layout import Mirrors, Row, rows
from gpmedic.practice.postgres import Programs, copy_tree
from gpmedic.practice.servers import Connection, Servers
from gpmedic.practice.templates import COORDINATOR_HBA, template
from gpmedic.wal import lsn_bytes

_RESYNC_SECONDS = 2.0  # how long a resynchronization of 4.3 is seen at least
_INCREMENTAL_BYTES = 4 << 20
_FULL_BYTES = 64 << 20
LAG_BYTES = 4 << 20  # less than what a fresh server has written, so that no position gets negative


@dataclass
class Broken:
    """What is broken on purpose and lasts, besides hosts."""

    slow_resync: float = 0.0  # seconds that a mirror needs longer to be in sync
    rewind_fails: set[int] = field(default_factory=set)  # dbids
    flapping: set[int] = field(default_factory=set)  # contents
    hidden_replication: set[int] = field(default_factory=set)  # contents
    refused_replication: set[int] = field(default_factory=set)  # contents
    gprecoverseg_hangs: bool = False
    lies: set[str] = field(default_factory=set)


class Engine:
    """One practice cluster.

    Args:
        sockets: directory for Unix sockets, whose path must be short.
        ports: free ports, first those of the rows.
    """

    def __init__(
        self,
        folder: Path,
        release: Release,
        mirrors: Mirrors,
        programs: Programs,
        *,
        sockets: Path,
        ports: list[int],
        pace: Pace,
    ) -> None:
        self.folder = folder
        self.release = release
        self.programs = programs
        self.broken = Broken()
        self.copying: dict[int, Copying] = {}
        self.password = secrets.token_urlsafe(18)
        log_folder = "log" if release is Release.V7 else "pg_log"
        self.servers = Servers(programs, folder, sockets, log_folder)
        self.rows = CatalogRows(release, self.connect_coordinator, rows(release, mirrors, folder, ports))
        self.hosts: Hosts | None = None
        self._change_logs: dict[int, int] = {}  # content -> WAL position, in bytes, where its change log begins
        self._held_until: dict[int, float] = {}
        self._log_folder = log_folder
        self.fts = Fts(
            release.generation,
            self.rows,
            self.servers,
            self.connect_coordinator,
            held_back=self._held_back,
            log=self.log,
            after_round=self._after_round,
            pace=pace,
        )

    # Making the cluster

    def create(self, name: str) -> None:
        """Make every data directory and start every server; some seconds."""
        source = template(self.programs, self.release)
        made = self.rows.known
        for row in made:
            Path(row.datadir).parent.mkdir(parents=True, exist_ok=True)
        copy_tree([(source, Path(row.datadir)) for row in made])
        for row in made:
            if row.content == COORDINATOR_CONTENT:
                (Path(row.datadir) / "pg_hba.conf").write_text(COORDINATOR_HBA)
            if row.role is Role.MIRROR:
                self.servers.make_mirror(row)
            mirrored = row.content != COORDINATOR_CONTENT and self.peer(row) is not None
            self.servers.wait_for_mirror(row, on=mirrored and row.role is Role.PRIMARY)
            self.servers.launch(row, self._source_of(row))
        for row in made:
            self.servers.await_start(row)
        self.rows.create(made, (name, str(self.folder)), self.password)

    def close(self) -> None:
        self.fts.close()
        self.rows.close()

    # Asking

    @property
    def coordinator(self) -> Row:
        return next(r for r in self.rows.known if r.content == COORDINATOR_CONTENT and r.role is Role.PRIMARY)

    @property
    def standby(self) -> Row | None:
        return next((r for r in self.rows.known if r.content == COORDINATOR_CONTENT and r.role is Role.MIRROR), None)

    def connect_coordinator(self) -> Connection:
        return self.servers.connect(self.coordinator)

    def current_rows(self) -> tuple[Row, ...]:
        """The catalog's rows, as last read where the coordinator is down."""
        with contextlib.suppress(psycopg2.Error):
            return self.rows.read()
        return self.rows.known

    def row(self, dbid: int) -> Row:
        for row in self.current_rows():
            if row.dbid == dbid:
                return row
        raise PracticeError(f"There is no segment with dbid {dbid}.")

    def pair(self, content: int) -> tuple[Row, Row]:
        """Acting primary and mirror of a content."""
        found = {row.role: row for row in self.current_rows() if row.content == content}
        if set(found) != {Role.PRIMARY, Role.MIRROR}:
            raise PracticeError(f"Content {content} has no pair of primary and mirror.")
        return found[Role.PRIMARY], found[Role.MIRROR]

    def primary(self, content: int) -> Row:
        for row in self.current_rows():
            if row.content == content and row.role is Role.PRIMARY:
                return row
        raise PracticeError(f"There is no content {content}.")

    def peer(self, row: Row) -> Row | None:
        return next((r for r in self.rows.known if r.content == row.content and r.dbid != row.dbid), None)

    def lag(self, content: int) -> int:
        """Bytes by which a slowed mirror is shown to lag, as gp_stat_replication shows it too."""
        left = self._held_until.get(content, 0.0) - time.monotonic()
        return max(0, round(LAG_BYTES * left / self.broken.slow_resync)) if self.broken.slow_resync else 0

    def change_log_size(self, content: int, position: str | None) -> int | None:
        """Bytes in 4.3's change log: what the primary wrote since it is in change tracking."""
        begin = self._change_logs.get(content)
        return None if begin is None or position is None else max(0, lsn_bytes(position) - begin)

    # Doing

    def start_segment(self, dbid: int) -> int:
        row = self.row(dbid)
        self._require_host(row)
        return self.servers.start(row, self._source_of(row))

    def stop_segment(self, dbid: int, mode: str = "fast") -> bool:
        row = self.row(dbid)
        was_running = self.servers.stop(dbid, mode)
        if not was_running:
            (Path(row.datadir) / "postmaster.pid").unlink(missing_ok=True)
        return was_running

    def rewind(self, dbid: int, source: int | None = None) -> str:
        row = self.row(dbid)
        self._require_host(row)
        if self.servers.is_mirror(row) and dbid not in self.broken.rewind_fails:
            return ""
        if dbid in self.broken.rewind_fails:
            self._remove_wal(row)
        with self._copying(dbid, CopyKind.INCREMENTAL):
            return self.servers.rewind(row, self._from(row, source))

    def basebackup(self, dbid: int, source: int | None = None) -> str:
        row = self.row(dbid)
        self._require_host(row)
        if self.hosts is not None and self.hosts.is_full(row.hostname):
            raise PracticeError(
                f'pg_basebackup: error: could not write to file "{row.datadir}": No space left on device'
            )
        rate = max(32, round(_FULL_BYTES / 3 / 1024 / self.broken.slow_resync)) if self.broken.slow_resync else None
        with self._copying(dbid, CopyKind.FULL) as told:
            last = self.servers.copy(row, self._from(row, source), rate, told)
        self.broken.rewind_fails.discard(dbid)
        return last

    def promote(self, dbid: int) -> None:
        self.servers.promote(self.row(dbid))

    def resync(self, content: int, kind: CopyKind) -> None:
        """4.3: show a resynchronization that has begun; FTS ends it."""
        _, mirror = self.pair(content)
        seconds = _RESYNC_SECONDS + self.broken.slow_resync
        self._held_until[content] = time.monotonic() + seconds
        total = _FULL_BYTES if kind is CopyKind.FULL else _INCREMENTAL_BYTES
        self.copying[mirror.dbid] = Copying(kind, 0, total, time.time())
        threading.Thread(target=self._show_resync, args=(content, mirror.dbid, seconds), daemon=True).start()

    def stop_cluster(self, mode: str) -> None:
        self.fts.pause(True)
        self.rows.close()
        known = self.rows.known
        order = [*(r for r in known if r.role is Role.PRIMARY), *(r for r in known if r.role is Role.MIRROR)]
        for row in sorted(order, key=lambda r: r.content != COORDINATOR_CONTENT):
            self.servers.stop(row.dbid, mode)

    def start_cluster(self, without: list[int]) -> list[int]:
        """Start what the catalog calls up; the dbids that could not be started."""
        failed = []
        for row in sorted(self.rows.known, key=lambda r: (r.role is Role.MIRROR, r.content)):
            if row.dbid in without or row.status is Status.DOWN:
                continue
            try:
                self._require_host(row)
                (Path(row.datadir) / "postmaster.pid").unlink(missing_ok=True)
                self.servers.launch(row, self._source_of(row))
            except PracticeError:
                failed.append(row.dbid)
        for row in self.rows.known:
            if row.dbid not in failed and row.dbid not in without and row.status is Status.UP:
                try:
                    self.servers.await_start(row)
                except PracticeError:
                    failed.append(row.dbid)
        data = [r for r in self.rows.known if r.content != COORDINATOR_CONTENT]
        started = {r.content for r in data if r.status is Status.UP and r.dbid not in {*failed, *without}}
        # Of a content that is lost, FTS would mark a copy down before gpstart stops all of it again, and the next start
        # would leave it out. The real one has no FTS yet at that moment.
        if started == {r.content for r in data}:
            self.fts.pause(False)
        return failed

    def reload(self) -> None:
        for row in self.rows.known:
            self.servers.hang_up(row.dbid)

    def log(self, text: str) -> None:
        """Write a line into the coordinator's log."""
        folder = Path(self.coordinator.datadir) / self._log_folder
        with contextlib.suppress(OSError), (folder / "gpdb.csv").open("a") as log:
            log.write(log_line(text))

    # Within

    def _source_of(self, row: Row) -> Row | None:
        if row.role is Role.PRIMARY and not self.servers.is_mirror(row):
            return None
        return next((r for r in self.rows.known if r.content == row.content and r.dbid != row.dbid), None)

    def _from(self, row: Row, source: int | None) -> Row:
        chosen = self.row(source) if source is not None else self.primary(row.content)
        if chosen.dbid == row.dbid:
            raise PracticeError(f"dbid {row.dbid} is the acting primary of its content and cannot be its own source.")
        return chosen

    def _require_host(self, row: Row) -> None:
        if self.hosts is not None and not self.hosts.get(row.hostname).reachable:
            raise PracticeError(f"{row.hostname} is unreachable.", "Heal the host.")

    def _remove_wal(self, row: Row) -> None:
        for segment in (Path(row.datadir) / "pg_wal").glob("0*"):
            segment.unlink()

    @contextlib.contextmanager
    def _copying(self, dbid: int, kind: CopyKind) -> Any:
        self.copying[dbid] = Copying(kind, 0, 0, time.time())

        def told(message: str, done: int, total: int) -> None:
            now = self.copying[dbid]
            self.copying[dbid] = replace(
                now, message=message, done=done if done >= 0 else now.done, total=total if total >= 0 else now.total
            )

        try:
            yield told
        finally:
            self.copying.pop(dbid, None)

    def _show_resync(self, content: int, dbid: int, seconds: float) -> None:
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < seconds and dbid in self.copying:
            now = self.copying[dbid]
            self.copying[dbid] = replace(now, done=int(now.total * passed / seconds))
            time.sleep(0.05)

    def _held_back(self, content: int) -> bool:
        """Whether a mirror that streams is not yet to be in sync."""
        primary = next(r for r in self.rows.known if r.content == content and r.role is Role.PRIMARY)
        filerep = self.release.generation is Generation.FILEREP
        wait = self.broken.slow_resync + (_RESYNC_SECONDS if filerep else 0.0)
        if wait and primary.mode is not Mode.SYNCHRONIZED and content not in self._held_until:
            self._held_until[content] = time.monotonic() + wait
            self.rows.execute(
                "INSERT INTO gpmedic_practice.lagging VALUES (%s, clock_timestamp() + %s * interval '1 s', %s, %s)"
                " ON CONFLICT (content) DO UPDATE SET ends = excluded.ends, seconds = excluded.seconds",
                (content, wait, wait, LAG_BYTES),
            )
        return time.monotonic() < self._held_until.get(content, 0.0)

    def _after_round(self, current: tuple[Row, ...]) -> None:
        for row in current:
            mirror = self.peer(row)
            if row.role is not Role.PRIMARY or mirror is None:
                continue
            if row.mode is Mode.SYNCHRONIZED or mirror.status is Status.DOWN:
                self._held_until.pop(row.content, None)
            if row.mode is Mode.SYNCHRONIZED:
                self._change_logs.pop(row.content, None)
                if self.release is Release.V4_3:
                    self.copying.pop(mirror.dbid, None)
                if row.content in self.broken.flapping:
                    self.servers.kill(mirror.dbid)
            elif row.mode is Mode.CHANGE_TRACKING and row.content not in self._change_logs:
                self._begin_change_log(row)

    def _begin_change_log(self, row: Row) -> None:
        with contextlib.suppress(psycopg2.Error):
            [[(position,)]] = self.servers.ask(row, "SELECT pg_current_wal_lsn()::text")
            self._change_logs[row.content] = lsn_bytes(position)
