"""From settings to an authenticated SSH connection, and every way in which that fails as one line.

Tuned for the cheapest honest login: own socket, curve25519, keys and known_hosts read once.
"""

import logging
import socket
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import paramiko

from gpmedic.access import known_hosts
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable
from gpmedic.settings import SshSettings

# paramiko logs tracebacks of its own thread; each of these errors reaches the reader as one of ours instead.
_LOG = "gpmedic.paramiko"
logging.getLogger(_LOG).setLevel(logging.CRITICAL)

_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_CHEAP_KEX = "curve25519-sha256@libssh.org"
# Seconds until a dead peer is noticed: idle, between probes, probes (about 11 s); set_keepalive of paramiko never does.
_KEEPALIVE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPALIVE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))
_SHOW_KEYS = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class UnknownHostKey(AccessRefused):
    """The host showed a key, and known_hosts has none of this host; nothing was sent to it.

    Args:
        shown: that key.
    """

    def __init__(self, settings: SshSettings, shown: paramiko.PKey) -> None:
        super().__init__(
            f"The host key of {settings.host}:{settings.port} ({shown.fingerprint}) is not known; nothing was sent to"
            " it.",
            f"Compare it with `{_SHOW_KEYS}` on its console, then add it to {settings.known_hosts} "
            f"(ssh-keyscan -p {settings.port} {settings.host}).",
        )
        self.fingerprint = str(shown.fingerprint)
        self._settings = settings
        self._shown = shown

    def remember(self) -> None:
        """Add the key to known_hosts: a person has compared it.

        Raises:
            AccessRefused: that file cannot be written.
        """
        path = self._settings.known_hosts.expanduser()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            known_hosts.append(path, self._settings.host, self._settings.port, self._shown.asbytes())
        except OSError as error:
            raise AccessRefused(
                f"The known hosts in {path} cannot be written ({error.strerror}).", "Add the key by hand."
            ) from None


def log_in(settings: SshSettings) -> paramiko.Transport:
    """An authenticated connection; see `Shell.connect` for the errors."""
    known = known_hosts.read(settings.known_hosts.expanduser()).keys(settings.host, settings.port)
    connection = _connect(settings)
    try:
        transport = paramiko.Transport(connection)
        transport.set_log_channel(_LOG)
        try:
            _shake_hands(transport, settings, known)
            _authenticate(transport, settings)
        except BaseException:
            transport.close()
            raise
    except BaseException:
        connection.close()
        raise
    return transport


def _connect(settings: SshSettings) -> socket.socket:
    try:
        connection = socket.create_connection((settings.host, settings.port), settings.connect_timeout)
    except (OSError, UnicodeError) as error:
        raise _unreachable(settings, error) from None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection


def _unreachable(settings: SshSettings, error: OSError | UnicodeError) -> GpmedicError:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME):
        return AccessRefused(
            f"The name {settings.host!r} of the coordinator's host cannot be resolved.",
            "Correct ssh.host in the cluster's settings, or the name service.",
        )
    if isinstance(error, socket.gaierror):
        return HostUnreachable(
            f"The name {settings.host!r} could not be resolved just now ({error.strerror}).",
            "Look at the name service, and at ssh.host in the cluster's settings.",
        )
    if isinstance(error, ConnectionRefusedError):
        return HostUnreachable(
            f"{where} refuses SSH connections.", f"Start sshd on {settings.host}, or correct ssh.port in the settings."
        )
    if isinstance(error, TimeoutError):
        return HostUnreachable(
            f"{where} did not answer within {settings.connect_timeout} s.",
            f"See whether {settings.host} is up and no firewall is between.",
        )
    return HostUnreachable(
        f"{where} cannot be reached ({error.strerror or error}).", f"See whether {settings.host} is up."
    )


def _shake_hands(transport: paramiko.Transport, settings: SshSettings, known: tuple[known_hosts.HostKey, ...]) -> None:
    options = transport.get_security_options()
    options.kex = _first((_CHEAP_KEX,), options.kex)
    # Ask for a kind of key that we can compare, or a host with keys of several kinds would look like a stranger.
    wanted = tuple(name for key in known for name in _SIGNATURES.get(key.algorithm, (key.algorithm,)))
    options.key_types = _first(wanted, options.key_types)
    transport.banner_timeout = transport.handshake_timeout = settings.connect_timeout
    transport.auth_timeout = settings.connect_timeout
    try:
        transport.start_client(timeout=settings.connect_timeout)
        shown = transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _no_handshake(settings, error) from None
    if any(key.blob == shown.asbytes() for key in known):
        return
    if known:
        raise AccessRefused(
            f"THE HOST KEY OF {settings.host}:{settings.port} HAS CHANGED (now {shown.fingerprint}). This may be an "
            "attack; nothing was sent to it.",
            f"Ask the administrator of {settings.host} why, compare with `{_SHOW_KEYS}` on its console, and only then "
            f"replace its line in {settings.known_hosts}.",
        )
    raise UnknownHostKey(settings, shown)


def _no_handshake(settings: SshSettings, error: Exception) -> GpmedicError:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return AccessRefused(
            f"{where} and gpmedic have no encryption in common ({error}).", f"Renew sshd on {settings.host}."
        )
    if "banner" in str(error) or "No existing session" in str(error):
        return HostUnreachable(
            f"{where} accepts connections but did not answer as an SSH server within {settings.connect_timeout} s.",
            f"See on the console whether {settings.host} hangs, and whether ssh.port is that of sshd.",
        )
    return HostUnreachable(
        f"{where} ended the connection while it was being set up ({str(error) or 'closed'}).",
        f"Look at sshd's log on {settings.host} (MaxStartups, hosts.deny).",
    )


def _first(wanted: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(name for name in wanted if name in available), *available]))


def _authenticate(transport: paramiko.Transport, settings: SshSettings) -> None:
    tried = 0
    try:
        for key in _keys(settings):
            tried += 1
            try:
                transport.auth_publickey(settings.user, key)
            except paramiko.AuthenticationException:
                if not transport.is_active():
                    break
            else:
                return
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise HostUnreachable(
            f"{settings.host}:{settings.port} ended the connection during the login ({str(error) or 'closed'}).",
            f"Look at sshd's log on {settings.host}.",
        ) from None
    key_text = f"the key {settings.identity_file}" if settings.identity_file else f"any of {tried} keys"
    raise AccessRefused(
        f"{settings.host}:{settings.port} does not let {settings.user!r} in with {key_text}.",
        f"Correct ssh.user or ssh.identity_file, or add the public key to ~{settings.user}/.ssh/authorized_keys there.",
    )


def _keys(settings: SshSettings) -> Iterator[paramiko.PKey]:
    if settings.identity_file is not None:
        yield _identity(settings.identity_file.expanduser())
        return
    yield from paramiko.Agent().get_keys()
    for path in (Path("~/.ssh").expanduser() / name for name in _DEFAULT_KEYS):
        if path.is_file():
            yield _identity(path)


def _identity(path: Path) -> paramiko.PKey:
    try:
        return _load_key(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise AccessRefused(
            f"The private key {path} cannot be read ({error.strerror}).", "Correct ssh.identity_file."
        ) from None
    except (paramiko.PasswordRequiredException, TypeError):  # TypeError: paramiko 5 lets that of cryptography through
        raise AccessRefused(
            f"The private key {path} has a passphrase.",
            "Load it into an SSH agent and leave ssh.identity_file out, or give gpmedic a key of its own.",
        ) from None
    except (paramiko.SSHException, ValueError) as error:
        raise AccessRefused(f"{path} is not a usable private key ({error}).", "Correct ssh.identity_file.") from None


@lru_cache(maxsize=16)
def _load_key(path: Path, _changed: int) -> paramiko.PKey:
    return paramiko.PKey.from_path(path)
