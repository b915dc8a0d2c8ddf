"""A throw-away PostgreSQL on loopback, for tests that need a database and none of Greenplum's."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.local_server import free_port
from gpmedic.access.sql import Database
from gpmedic.errors import Transient
from gpmedic.practice.postgres import Programs, programs
from gpmedic.practice.sshd import LOOPBACK
from gpmedic.settings import DatabaseSettings

SUPERUSER = "gpadmin"
PASSWORD = "correct-horse"


@dataclass
class PostgresServer:
    """Superuser gpadmin with a password, database postgres."""

    programs: Programs
    datadir: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """As the Prefect server wants it."""
        return f"postgresql+asyncpg://{SUPERUSER}:{PASSWORD}@{LOOPBACK}:{self.port}/postgres"

    def settings(self, **changes: object) -> DatabaseSettings:
        values: dict[str, object] = {
            "host": LOOPBACK,
            "port": self.port,
            "password": PASSWORD,
            "connect_timeout": 5,
            "statement_timeout": 10,
        }
        return DatabaseSettings.model_validate(values | changes)

    def start(self) -> None:
        self.process = self.programs.popen(
            "postgres",
            *("-D", str(self.datadir), "-p", str(self.port), "-k", "", "-c", f"listen_addresses={LOOPBACK}"),
            *("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "autovacuum=off"),
            stdout=subprocess.DEVNULL,
            environment={},
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                Database.connect(self.settings()).close()
            except Transient:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)
            self.process = None


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Make one, run it, and take it away."""
    with tempfile.TemporaryDirectory(prefix="gpmedic-tests-") as folder:
        Path(folder).chmod(0o755)
        found = programs()
        datadir = Path(folder) / "data"
        datadir.mkdir(0o700)
        found.account.own(datadir)
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD)
        found.run(
            "initdb",
            *("-D", str(datadir), "-U", SUPERUSER, "--no-sync", "--no-locale", "-E", "UTF8"),
            *("--auth-host=scram-sha-256", "--auth-local=trust", f"--pwfile={secret}"),
        )
        server = PostgresServer(found, datadir, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()
