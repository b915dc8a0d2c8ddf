"""Hosts behind real SSH for the tests of access: see `gpmedic.practice.sshd`."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.errors import Transient
from gpmedic.practice.postgres import Programs, programs
from gpmedic.practice.sshd import LOOPBACK, SshHost, SshHosts
from gpmedic.settings import DatabaseSettings, SshSettings

COORDINATOR_HOST = "mdw"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Lab:
    """SSH hosts and what a client needs to log in on them."""

    folder: Path
    servers: SshHosts

    @property
    def identity(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def home(self, host: str = COORDINATOR_HOST) -> Path:
        return self.folder / "hosts" / host

    def settings(self, of: str = COORDINATOR_HOST, **changes: object) -> SshSettings:
        values: dict[str, object] = {
            "host": LOOPBACK,
            "port": self.servers.ports[of],
            "identity_file": self.identity,
            "known_hosts": self.known_hosts,
            "connect_timeout": 5,
            "command_timeout": 20,
        }
        return SshSettings.model_validate(values | changes)

    def shell(self, **changes: object) -> Shell:
        return Shell.connect(self.settings(**changes))


def make_lab(folder: Path, *hosts: SshHost) -> Lab:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "id_ed25519").write_bytes(key.export_private_key("openssh"))
    (folder / "id_ed25519").chmod(0o600)
    (folder / "id_ed25519.pub").write_bytes(key.export_public_key("openssh"))
    lab = Lab(folder, SshHosts(hosts, folder / "id_ed25519.pub"))
    lab.known_hosts.write_text(lab.servers.known_hosts())
    return lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A coordinator's host that lets gpadmin and a person called operator in."""
    home = tmp_path / "hosts" / COORDINATOR_HOST
    home.mkdir(parents=True)
    path = f"{home}/bin:{SYSTEM_PATH}"
    lab = make_lab(tmp_path, SshHost(COORDINATOR_HOST, home, path, users=("gpadmin", "operator")))
    with lab.servers:
        yield lab


@pytest.fixture
def shell(lab: Lab) -> Iterator[Shell]:
    with lab.shell() as shell:
        yield shell


def alive(pid: int) -> bool:
    """Whether a process lives and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


needs_flock = pytest.mark.skipif(shutil.which("flock") is None, reason="the host has no flock (util-linux)")


PASSWORD = "correct-horse"


@dataclass
class Server:
    """A throw-away PostgreSQL on loopback: superuser gpadmin with a password, database postgres."""

    programs: Programs
    datadir: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

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
            *("-c", "fsync=off", "-c", "shared_buffers=4MB", "-c", "autovacuum=off"),
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


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests of a process; a test that stops it must start it again."""
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
            *("-D", str(datadir), "-U", "gpadmin", "--no-sync", "--no-locale", "-E", "UTF8"),
            *("--auth-host=scram-sha-256", "--auth-local=trust", f"--pwfile={secret}"),
        )
        server = Server(found, datadir, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
