"""Hosts behind real SSH for the tests of access: see `gpmedic.practice.sshd`."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from gpmedic.access.ssh import Shell
from gpmedic.practice.sshd import LOOPBACK, SshHost, SshHosts
from gpmedic.settings import ClusterSettings, DatabaseSettings, GreenplumSettings, SshSettings
from tests.postgres_server import PostgresServer, postgres_server

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

    def cluster(self, name: str = "prod", directory: str = "/data/gpseg-1") -> ClusterSettings:
        return ClusterSettings(
            name=name,
            database=DatabaseSettings(host=LOOPBACK),
            ssh=self.settings(),
            greenplum=GreenplumSettings(home="/usr/local/gpdb", coordinator_data_directory=directory),
        )

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


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One server for all tests of a process; a test that stops it must start it again."""
    with postgres_server() as running:
        yield running
