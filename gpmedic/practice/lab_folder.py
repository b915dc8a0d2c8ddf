"""What lies in a practice cluster's folder besides data: Greenplum's home, the shims, keys, settings."""

import json
import shlex
import shutil
import sys
from importlib import resources
from pathlib import Path

import asyncssh

from gpmedic.automation import Automation
from gpmedic.practice.control import CLUSTER_VARIABLE, PracticeError
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import Release
from gpmedic.practice.greenplum_catalog import UTILITY_VERSIONS
from gpmedic.practice.hosts import MACHINE_VARIABLE
from gpmedic.practice.layout import (
    COORDINATOR_HOST,
    HOSTS,
    LOOPBACK,
    MARK,
    SEGMENT_HOSTS,
    SETTINGS,
    SPARE_HOST,
    USER,
    Row,
)
from gpmedic.practice.processes import PID_FOLDER
from gpmedic.practice.sshd import SshHost, SshHosts

_GREENPLUM_SHIMS = ("psql", "postgres", "pg_controldata")
_SYSTEM_SHIMS = ("ssh", "ping", "df")
_UTILITIES = ("gpstate", "gprecoverseg", "gpstop", "gpstart", "gpinitstandby")


def clear(folder: Path) -> None:
    """Make `folder` an empty one for a practice cluster.

    Raises:
        PracticeError: something else lies there; nothing was deleted.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise PracticeError(f"{folder} is not a practice cluster's folder.", "Choose another folder or name.")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / MARK).touch()
    places = [f"hosts/{host}/data/{role}" for host in (*SEGMENT_HOSTS, SPARE_HOST) for role in ("primary", "mirror")]
    hosts = [f"hosts/{host}" for host in HOSTS]
    for name in ("run", str(PID_FOLDER), "greenplum/bin", "system/bin", *hosts, *places):
        (folder / name).mkdir(parents=True, exist_ok=True)


def write_programs(engine: Engine, sockets: Path) -> None:
    """Greenplum's home with stand-ins and shims."""
    folder, release = engine.folder, engine.release
    home = folder / "greenplum"
    (folder / "postgres").symlink_to(engine.programs.bin)
    (folder / "run" / "psql").write_text(f"{sockets} {engine.coordinator.port}\n")
    (folder / "run" / "utility_version").write_text(UTILITY_VERSIONS[release] + "\n")
    for name in _GREENPLUM_SHIMS:
        _script(home / "bin" / name, _shim(name))
    for name in _SYSTEM_SHIMS:
        _script(folder / "system" / "bin" / name, _shim(name))
    utility = _shim("utility").replace("@PYTHON@", shlex.quote(sys.executable))
    for name in _UTILITIES:
        _script(home / "bin" / name, utility)
    lines = [f"GPHOME={shlex.quote(str(home))}", 'PATH="$GPHOME/bin:$PATH"', "export GPHOME PATH"]
    if release is Release.V7:
        lines += ['PYTHONPATH="$GPHOME/lib/python"', "export PYTHONPATH"]
    else:  # Python 2.7 of its own: a python3 started with these variables does not run
        lines += ['PYTHONHOME="$GPHOME/ext/python"', 'PYTHONPATH="$GPHOME/lib/python"', "export PYTHONHOME PYTHONPATH"]
    (home / "greenplum_path.sh").write_text("\n".join(lines) + "\n")


def serve_hosts(folder: Path) -> SshHosts:
    """Start the hosts' ssh with a fresh key; writes identity, known_hosts and ssh_config."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment="gpmedic practice")
    identity = folder / "id_ed25519"
    identity.touch(mode=0o600)
    identity.write_bytes(key.export_private_key())
    authorized = folder / "run" / "authorized_keys"
    authorized.write_bytes(key.export_public_key())
    path = f"{folder}/greenplum/bin:{folder}/system/bin:/usr/local/bin:/usr/bin:/bin"
    variables = {name: {CLUSTER_VARIABLE: str(folder), MACHINE_VARIABLE: name} for name in HOSTS}
    specs = [SshHost(name, folder / "hosts" / name, path, environment=variables[name]) for name in HOSTS]
    sshd = SshHosts(specs, authorized)
    (folder / "known_hosts").write_text(sshd.known_hosts())
    (folder / "ssh_config").write_text(
        "".join(
            f"Host {name}\n  HostName {LOOPBACK}\n  Port {port}\n  User {USER}\n  IdentityFile {identity}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder / 'known_hosts'}\n"
            for name, port in sshd.ports.items()
        )
    )
    return sshd


def write_settings(folder: Path, name: str, coordinator: Row, password: str, ssh_port: int) -> None:
    """cluster.toml, a ClusterSettings, and the pgpass file that it names."""
    passwords = folder / "pgpass"
    passwords.touch(mode=0o600)
    passwords.write_text(f"{LOOPBACK}:{coordinator.port}:*:{USER}:{password}\n")
    text = json.dumps  # a JSON string is a TOML string
    fresh = folder / f".{SETTINGS}"
    fresh.write_text(
        f"name = {text(name)}\npractice = true\n\n"
        f"[database]\nhost = {text(LOOPBACK)}\nport = {coordinator.port}\nuser = {text(USER)}\n"
        f"password_file = {text(str(passwords))}\n\n"
        f"[ssh]\nhost = {text(LOOPBACK)}\nport = {ssh_port}\nuser = {text(USER)}\n"
        f"identity_file = {text(str(folder / 'id_ed25519'))}\nknown_hosts = {text(str(folder / 'known_hosts'))}\n\n"
        f"[greenplum]\nhome = {text(str(folder / 'greenplum'))}\n"
        f"coordinator_data_directory = {text(coordinator.datadir)}\n\n"
        # Who practises breaks the same segment again and again.
        f"[policy]\nautomation = {text(Automation.WITH_APPROVAL.value)}\nrepeat_window = 0\n"
    )
    fresh.rename(folder / SETTINGS)


def _shim(name: str) -> str:
    return (resources.files("gpmedic.practice") / "shims" / name).read_text()


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def coordinator_ssh_port(sshd: SshHosts) -> int:
    return sshd.ports[COORDINATOR_HOST]
