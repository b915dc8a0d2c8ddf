"""Lab hosts behind real SSH: one asyncssh server with a port, a host key and a home for every host.

A command is run by a real shell with the environment of its host, so nothing that gpmedic sends has to know that
it talks to a lab. Faults are switched while it runs.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import asyncssh

LOOPBACK = "127.0.0.1"
HOST_VARIABLE = "GPMEDIC_PRACTICE_HOST"
BANNER_TEXT = b"*** practice host ***\nYou have mail.\n"

_T = TypeVar("_T")
_CHUNK = 65536
_ANSWER_WITHIN = 10.0  # seconds for a call into the server's own thread


class SshFault(StrEnum):
    """What is wrong with a host's SSH; it concerns connections made from now on, CUT and BANNER also running ones."""

    NONE = "none"
    REFUSED = "refused"  # nothing listens: connection refused
    SILENT = "silent"  # accepts the connection and says nothing, like a host that has lost its disks
    BANNER = "banner"  # a login script prints before the command's output (T12)
    CUT = "cut"  # the connection is lost in the middle of a command's output
    WRONG_KEY = "wrong_key"  # the host key has changed


@dataclass(frozen=True, slots=True)
class SshHost:
    """One lab host.

    Attributes:
        name: the host name, which commands find in GPMEDIC_PRACTICE_HOST.
        home: HOME and working directory of commands; it must exist.
        path: PATH of commands.
        users: login names that are let in (USER and LOGNAME of commands).
        shell: the login shell, given `-c COMMAND`.
        environment: further variables of commands.
    """

    name: str
    home: Path
    path: str = "/usr/bin:/bin"
    users: tuple[str, ...] = ("gpadmin",)
    shell: str = "/bin/sh"
    environment: Mapping[str, str] = field(default_factory=dict)


class SshHosts:
    """Serves hosts from a thread of its own; all methods may be called from any thread.

    Args:
        hosts: the hosts; each gets a port on 127.0.0.1 that the operating system chooses and keeps it to the end.
        authorized_keys: file with the public keys that open every host.
    """

    def __init__(self, hosts: Sequence[SshHost], authorized_keys: Path) -> None:
        keys = [asyncssh.import_public_key(line) for line in authorized_keys.read_text().splitlines() if line.strip()]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="practice-sshd", daemon=True)
        self._thread.start()
        self._hosts = {host.name: _Host(host, frozenset(key.public_data for key in keys)) for host in hosts}
        for host in self._hosts.values():
            self._call(host.set_fault(SshFault.NONE))

    @property
    def ports(self) -> dict[str, int]:
        """The port of every host by name."""
        return {name: host.port for name, host in self._hosts.items()}

    def known_hosts(self) -> str:
        """Text of a known_hosts file with the key of every host, both as `[127.0.0.1]:port` and as `[name]:port`."""
        return "".join(
            f"[{LOOPBACK}]:{host.port},[{name}]:{host.port} {host.public_key}\n" for name, host in self._hosts.items()
        )

    def fault(self, name: str) -> SshFault:
        return self._hosts[name].fault

    def set_fault(self, name: str, fault: SshFault) -> None:
        """Break or heal a host's SSH; KeyError where there is no such host."""
        self._call(self._hosts[name].set_fault(fault))

    def drop_connections(self, name: str) -> None:
        """Lose every connection of a host at once, as when its power fails; what it runs in the foreground dies."""
        self._call(self._hosts[name].drop())

    def close(self) -> None:
        """Stop listening, drop every connection, end the thread; a second call does nothing."""
        if self._loop.is_closed():
            return
        for host in self._hosts.values():
            self._call(host.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_WITHIN)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, work: Coroutine[object, object, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_WITHIN)


class _Host:
    """The state of one host; only used in the server's thread, but for its port, key and fault, which are read."""

    def __init__(self, spec: SshHost, keys: frozenset[bytes]) -> None:
        self.spec = spec
        self.fault = SshFault.NONE
        self._keys = keys
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._other_key = asyncssh.generate_private_key("ssh-ed25519")
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        self.public_key = self._host_key.export_public_key().decode().strip()
        self._accepting: asyncio.Task[None] | None = None
        self._logins: set[asyncio.Task[None]] = set()
        self._silent: list[socket.socket] = []
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions: set[asyncio.Future[None]] = set()

    async def set_fault(self, fault: SshFault) -> None:
        self.fault = fault
        await self._stop_accepting()
        if fault is not SshFault.SILENT:
            self._forget_silent()
        # A closed port stays bound, so that no other process can take it until the host is healed.
        self._socket.close()
        self._socket = _bound(self.port)
        if fault is not SshFault.REFUSED:
            self._socket.listen(128)
            self._accepting = asyncio.create_task(self._accept(self._socket))

    async def drop(self) -> None:
        for connection in list(self._connections):
            connection.abort()
        self._forget_silent()
        if self._sessions:
            await asyncio.wait(list(self._sessions), timeout=_ANSWER_WITHIN / 2)

    async def close(self) -> None:
        await self._stop_accepting()
        self._socket.close()
        for login in list(self._logins):
            login.cancel()
        await self.drop()

    async def _stop_accepting(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._accepting
            self._accepting = None

    def _forget_silent(self) -> None:
        while self._silent:
            self._silent.pop().close()

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = await asyncio.get_running_loop().sock_accept(listener)
            if self.fault is SshFault.SILENT:
                self._silent.append(client)
                continue
            login = asyncio.create_task(self._login(client))
            self._logins.add(login)
            login.add_done_callback(self._logins.discard)

    async def _login(self, client: socket.socket) -> None:
        key = self._other_key if self.fault is SshFault.WRONG_KEY else self._host_key
        with contextlib.suppress(OSError, asyncssh.Error):  # a client that does not like us is no fault of ours
            await asyncssh.run_server(
                client,
                server_factory=lambda: _Login(self),
                server_host_keys=[key],
                process_factory=self._run,
                encoding=None,
                allow_pty=False,
                agent_forwarding=False,
                compression_algs=None,
                login_timeout=30,
            )

    def lets_in(self, user: str, key: asyncssh.SSHKey) -> bool:
        return user in self.spec.users and key.public_data in self._keys

    def connected(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.add(connection)

    def disconnected(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.discard(connection)

    async def _run(self, session: "asyncssh.SSHServerProcess[bytes]") -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sessions.add(ended)
        try:
            await self._run_command(session)
        finally:
            self._sessions.discard(ended)
            ended.set_result(None)

    async def _run_command(self, session: "asyncssh.SSHServerProcess[bytes]") -> None:
        user = session.get_extra_info("username")
        command = [self.spec.shell, "-c", session.command] if session.command else [self.spec.shell]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.spec.home,
            env={
                "USER": user,
                "LOGNAME": user,
                "HOME": str(self.spec.home),
                "PATH": self.spec.path,
                HOST_VARIABLE: self.spec.name,
                **self.spec.environment,
            },
            start_new_session=True,
        )
        assert process.stdin and process.stdout and process.stderr  # noqa: S101 (all three are PIPE)
        if self.fault is SshFault.BANNER:
            session.stdout.write(BANNER_TEXT)
        feeding = asyncio.create_task(_feed(session.stdin, process.stdin))
        output = asyncio.gather(
            self._copy(process.stdout, session.stdout, session), self._copy(process.stderr, session.stderr, session)
        )
        finished = asyncio.create_task(_finish(process, output))
        lost = asyncio.create_task(session.wait_closed())
        await asyncio.wait({finished, lost}, return_when=asyncio.FIRST_COMPLETED)
        feeding.cancel()
        if finished.done() and not finished.cancelled() and finished.exception() is None:
            lost.cancel()
            _report(session, finished.result())
            return
        # Not what every sshd does, but what its users fear: the foreground dies with its connection. What has a session
        # of its own (setsid) lives on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)
        with contextlib.suppress(asyncio.TimeoutError, OSError, asyncssh.Error):
            await asyncio.wait_for(finished, 2)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    async def _copy(
        self,
        source: asyncio.StreamReader,
        target: "asyncssh.SSHWriter[bytes]",
        session: "asyncssh.SSHServerProcess[bytes]",
    ) -> None:
        lost = False
        while chunk := await source.read(_CHUNK):
            if lost:
                continue  # read on, or the command blocks on a full pipe and never gets its SIGHUP's turn
            if self.fault is SshFault.CUT:
                chunk = chunk[: len(chunk) // 2]
            try:
                target.write(chunk)
                await target.drain()
            except (OSError, asyncssh.Error):
                lost = True
            if self.fault is SshFault.CUT:
                session.channel.get_connection().abort()
                lost = True


class _Login(asyncssh.SSHServer):
    """Public key login for the users of one host."""

    def __init__(self, host: _Host) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connected(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._host.disconnected(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._host.lets_in(username, key)


async def _feed(source: "asyncssh.SSHReader[bytes]", target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncssh.Error):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    target.close()


async def _finish(process: asyncio.subprocess.Process, output: "asyncio.Future[tuple[None, None]]") -> int:
    code = await process.wait()
    await output
    return code


def _report(session: "asyncssh.SSHServerProcess[bytes]", code: int) -> None:
    with contextlib.suppress(OSError, asyncssh.Error):
        if code >= 0:
            session.exit(code)
        else:
            session.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    bound.bind((LOOPBACK, port))
    return bound
