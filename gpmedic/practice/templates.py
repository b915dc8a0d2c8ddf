"""A data directory of each release, made once and copied for every segment: initdb and Greenplum's catalog are in it.

All copies descend from one checkpoint, so a mirror is a copy too: it streams from where its primary begins.
"""

import contextlib
import hashlib
import re
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2

from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Release
from gpmedic.practice.greenplum_catalog import SLOT, template_sql
from gpmedic.practice.layout import USER
from gpmedic.practice.postgres import Programs, base_folder, exclusive

# Sized for many servers on a small machine. hot_standby off: a mirror of Greenplum lets nobody in. A short retry
# interval: mirrors reconnect as soon as they can. Files instead of POSIX shared memory: nothing is left behind.
_SETTINGS = f"""
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
max_connections = 40
superuser_reserved_connections = 3
shared_buffers = 8MB
dynamic_shared_memory_type = mmap
fsync = off
synchronous_commit = on
autovacuum = off
max_parallel_workers_per_gather = 0
max_logical_replication_workers = 0
wal_level = replica
wal_log_hints = on
max_wal_senders = 6
max_replication_slots = 4
min_wal_size = 4MB
max_wal_size = 64MB
wal_keep_size = 16MB
hot_standby = off
primary_slot_name = '{SLOT}'
wal_retrieve_retry_interval = 100ms
wal_receiver_status_interval = 1s
wal_receiver_timeout = 10s
wal_sender_timeout = 10s
timezone = UTC
log_timezone = UTC
log_line_prefix = '%m [%p] '
include_if_exists = 'internal.sync.conf'
"""
_NEWER_SETTINGS = ((18, "io_method = sync"),)

# A data directory is mostly its databases: one less is so much less to copy. (pg_rewind needs template1.)
_LAST = (
    "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'",
    "DROP DATABASE template0",
    "CHECKPOINT",
    f"SELECT pg_create_physical_replication_slot('{SLOT}', true)",
    "CHECKPOINT",
)

SEGMENT_HBA = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n"
COORDINATOR_HBA = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def template(programs: Programs, release: Release) -> Path:
    """The template of this release, made when it is not there; takes about two seconds then."""
    version = programs.run("postgres", "--version").strip()
    content = (
        f"{version}{programs.account}{_SETTINGS}{_NEWER_SETTINGS}{SEGMENT_HBA}{_LAST}{template_sql(release, USER)}"
    )
    stamp = hashlib.sha256(content.encode()).hexdigest()[:12]
    target = base_folder() / f"template-{release.value}-{stamp}"
    with exclusive(base_folder() / f"template-{release.value}.lock"):
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix="template-", dir=base_folder()) as scratch:
                place = Path(scratch)
                place.chmod(0o711)
                fresh = place / "data"
                fresh.mkdir(mode=0o700)
                programs.account.own(fresh)
                _make(programs, release, fresh, _major(version))
                fresh.rename(target)
    return target


def _major(version: str) -> int:
    found = re.search(r"(\d+)", version)
    if found is None:
        raise PracticeError(f"PostgreSQL says that its version is {version!r}.")
    return int(found[1])


def _make(programs: Programs, release: Release, datadir: Path, major: int) -> None:
    initdb = ("-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale", "--no-instructions", "-k")
    programs.run("initdb", "-D", str(datadir), *initdb, "--wal-segsize=1")
    newer = "".join(line + "\n" for since, line in _NEWER_SETTINGS if major >= since)
    with (datadir / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS + newer)
    (datadir / "pg_hba.conf").write_text(SEGMENT_HBA)
    with tempfile.TemporaryDirectory(prefix="gpm-") as sockets:
        programs.account.own(Path(sockets))
        server = programs.popen(
            "postgres", "-D", str(datadir), "-k", sockets, "-c", "listen_addresses=",
            "-c", "min_wal_size=2MB", "-c", "max_wal_size=2MB", "-c", "wal_keep_size=0",
            stdout=subprocess.DEVNULL, environment={},
        )  # fmt: skip
        try:
            _fill(sockets, release)
        finally:
            server.terminate()
            server.wait()
    if not (datadir / "PG_VERSION").exists() or (datadir / "postmaster.pid").exists():
        raise PracticeError("A template for the practice cluster could not be made.")


def _fill(sockets: str, release: Release) -> None:
    connection = _connect(sockets, "template1")
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(template_sql(release, USER))
        cursor.execute("DROP DATABASE postgres")
        cursor.execute("CREATE DATABASE postgres TEMPLATE template1 STRATEGY file_copy")
    connection = _connect(sockets, "postgres")
    with contextlib.closing(connection), connection.cursor() as cursor:
        for statement in _LAST:
            cursor.execute(statement)


def _connect(sockets: str, database: str) -> "psycopg2.extensions.connection":
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = psycopg2.connect(host=sockets, user=USER, dbname=database)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
            continue
        connection.autocommit = True
        return connection
