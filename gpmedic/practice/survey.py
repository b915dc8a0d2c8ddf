"""Gathers `Facts`: asks every server, looks at every data directory."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import psycopg2

from gpmedic.cluster import COORDINATOR_CONTENT, Generation, Mode, Role
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import Answer, Facts, HostFacts, LockFacts, ReplicationFacts, SegmentFacts
from gpmedic.practice.faults import in_force
from gpmedic.practice.greenplum_catalog import UTILITY_VERSIONS, VERSIONS
from gpmedic.practice.layout import USER, Row
from gpmedic.practice.processes import alive
from gpmedic.practice.servers import datadir_mode
from gpmedic.practice.utilities.gprecoverseg_lock import pid_file
from gpmedic.wal import lsn_bytes

_REPLICATION_SQL = """
SELECT pid, application_name, state, sync_state, sent_lsn::text, write_lsn::text, flush_lsn::text, replay_lsn::text,
       backend_start::text FROM pg_stat_replication
"""


def survey(engine: Engine, name: str) -> Facts:
    """Everything that a stand-in may print, now; tens of milliseconds."""
    rows = engine.current_rows()
    hosts = {host.name: host for host in engine.hosts.all()} if engine.hosts is not None else {}
    with ThreadPoolExecutor(4) as asking:
        answered = list(asking.map(lambda row: _segment(engine, row, hosts[row.hostname]), rows))
    wal = engine.release.generation is Generation.WAL
    return Facts(
        name=name,
        release=engine.release,
        server_version=VERSIONS[engine.release],
        utility_version=UTILITY_VERSIONS[engine.release],
        user=USER,
        segments=tuple(segment for segment, _ in answered),
        hosts=tuple(hosts.values()),
        replication=tuple(row for segment, found in answered for row in found if wal or segment.content < 0),
        lock=_lock(pid_file(engine.release, Path(engine.coordinator.datadir))),
        faults=in_force(engine),
        now=time.time(),
    )


def _segment(engine: Engine, row: Row, host: HostFacts) -> tuple[SegmentFacts, tuple[ReplicationFacts, ...]]:
    servers = engine.servers
    position, replication = _stream(engine, row) if host.reachable and row.role is Role.PRIMARY else (None, ())
    answer = Answer.UNREACHABLE
    if host.reachable:
        answer = servers.answer(row) if position is None else Answer.ACCEPTS
    datadir = Path(row.datadir)
    facts = SegmentFacts(
        **asdict(row),
        pid=servers.pid(row.dbid),
        answer=answer,
        stale_pid_file=servers.pid(row.dbid) is None and (datadir / "postmaster.pid").exists(),
        stale_pid=_pid_in(datadir / "postmaster.pid") if servers.pid(row.dbid) is None else 0,
        datadir_exists=datadir.is_dir(),
        datadir_mode=datadir_mode(row),
        standby_signal=servers.is_mirror(row),
        write_location=position,
        change_tracking_bytes=(
            engine.change_log_size(row.content, position)
            if row.mode in (Mode.CHANGE_TRACKING, Mode.RESYNCHRONIZING)
            else None
        ),
        copying=engine.copying.get(row.dbid),
    )
    hidden = row.content in engine.broken.hidden_replication
    lag = 0 if row.content == COORDINATOR_CONTENT else engine.lag(row.content)
    return facts, () if hidden else tuple(_slowed(stream, lag) for stream in replication)


def _slowed(stream: ReplicationFacts, lag: int) -> ReplicationFacts:
    if lag == 0 or stream.application_name != "gp_walreceiver" or stream.replayed is None:
        return stream
    return replace(
        stream,
        state="catchup",
        sent=_less(stream.sent, lag),
        written=_less(stream.written, lag),
        flushed=_less(stream.flushed, lag),
        replayed=_less(stream.replayed, lag * 5 // 4),
    )


def _less(location: str | None, lag: int) -> str | None:
    if location is None:
        return None
    position = max(0, lsn_bytes(location) - lag)
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _stream(engine: Engine, row: Row) -> tuple[str | None, tuple[ReplicationFacts, ...]]:
    if engine.servers.pid(row.dbid) is None:  # a stranger may listen on its port
        return None, ()
    with contextlib.suppress(psycopg2.Error):
        [(position,)], found = engine.servers.ask(row, "SELECT pg_current_wal_lsn()::text", _REPLICATION_SQL)
        return position, tuple(ReplicationFacts(row.content, *values) for values in found)
    return None, ()


def _pid_in(file: Path) -> int:
    """0 where the file is missing or not readable."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(file.read_text().splitlines()[0])
    return 0


def _lock(path: Path) -> LockFacts | None:
    with contextlib.suppress(OSError, ValueError):
        pid = int(path.read_text())
        return LockFacts(pid, alive(pid))
    return None
