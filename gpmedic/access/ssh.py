"""A shell on the coordinator's host, through paramiko: one connection, scripts on stdin, framed output, deadlines.

paramiko and what it brings are 16 MB and a tenth of a second: imported at the first login, because the approvals
service never logs in, and a look at a cluster asks the database first.
"""

import secrets
import selectors
import shlex
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gpmedic.errors import AccessRefused, HostUnreachable
from gpmedic.settings import SshSettings

if TYPE_CHECKING:
    from paramiko import Channel, Transport

_CHUNK = 65536
_INTERPRETER = "exec /bin/sh -s"
# The script is a function: a shell that gets only the first half of it before the connection is lost finds no end, runs
# nothing and fails. Its arguments come on stdin too, where no process list shows them. What it starts reads nothing, or
# it would eat the script.
_FRAME = """gpmedic_script() {{
printf '%s\\n' {marker}; printf '%s\\n' {marker} >&2
{script}
}}
gpmedic_script {arguments} </dev/null
"""


@dataclass(frozen=True, slots=True)
class Completed:
    """A script that has ended.

    Attributes:
        noise: what login scripts printed before the script's own output; never part of stdout or stderr.
        stdout_bytes: stdout as it came, for whoever counts bytes.
    """

    stdout: str
    stderr: str
    exit_code: int
    noise: str = ""
    stdout_bytes: bytes = b""


class Shell:
    """A login on one host; scripts may be run from several threads at once (sshd allows 10)."""

    def __init__(self, settings: SshSettings, transport: "Transport") -> None:
        self._settings = settings
        self._transport = transport

    @classmethod
    def connect(cls, settings: SshSettings) -> Self:
        """Log in.

        Raises:
            HostUnreachable: the host refuses, is silent or lost the connection; it may pass by itself.
            AccessRefused: the name, the user, the key or the host's key is wrong; trying again does not help.
        """
        from gpmedic.access.ssh_login import log_in

        return cls(settings, log_in(settings))

    @property
    def host(self) -> str:
        return self._settings.host

    def run(self, script: str, *args: str, timeout: float | None = None) -> Completed:
        """Run a POSIX sh script; it finds `args` in "$@" and an empty stdin.

        Args:
            timeout: seconds for everything together, not only between two outputs; by default `command_timeout`.

        Raises:
            HostUnreachable: the connection was lost or the time was over. Whether the script has ended is not known.
            AccessRefused: the login works but does not lead to a shell.
        """
        from paramiko import SSHException

        seconds = self._settings.command_timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        marker = f"gpmedic-{secrets.token_hex(12)}"
        text = _FRAME.format(marker=marker, script=script, arguments=shlex.join(args))
        try:
            stdout, stderr, exit_code = self._exchange(text.encode(), deadline)
        except TimeoutError:
            raise HostUnreachable(
                f"A command on {self.host} did not end within {seconds:g} s; whether it still runs there is not known.",
                f"Look at the load of {self.host}, or raise ssh.command_timeout.",
            ) from None
        except (SSHException, EOFError, OSError) as error:
            raise self._lost(str(error)) from None
        if exit_code < 0:
            raise self._lost("no exit status came")
        return self._unframe(marker, stdout, stderr, exit_code)

    def close(self) -> None:
        """Log out; a second call does nothing."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, text: bytes, deadline: float) -> tuple[bytes, bytes, int]:
        channel = self._transport.open_session(timeout=_remaining(deadline))
        try:
            self._start(channel, deadline)
            channel.settimeout(_remaining(deadline))
            channel.sendall(text)
            channel.shutdown_write()
            stdout, stderr = _read_both(channel, deadline)
            if not channel.status_event.wait(_remaining(deadline)):  # recv_exit_status() itself knows no deadline
                raise TimeoutError
            return stdout, stderr, channel.recv_exit_status()
        finally:
            channel.close()

    def _start(self, channel: "Channel", deadline: float) -> None:
        from paramiko import SSHException

        # exec_command waits for its answer without a deadline: an sshd that has stopped would hold us for ever.
        watchdog = threading.Timer(_remaining(deadline), self._transport.close)
        watchdog.daemon = True
        watchdog.start()
        try:
            channel.exec_command(_INTERPRETER)
        except (SSHException, EOFError):
            _remaining(deadline)
            raise
        finally:
            watchdog.cancel()

    def _unframe(self, marker: str, stdout: bytes, stderr: bytes, exit_code: int) -> Completed:
        frame = marker.encode() + b"\n"
        noise, found, output = stdout.partition(frame)
        error_noise, error_found, errors = stderr.partition(frame)
        if not found or not error_found:
            said = _one_line(stderr or stdout) or "nothing"
            raise AccessRefused(
                f"The login {self._settings.user}@{self.host} does not lead to a shell (exit code {exit_code}, "
                f"it said: {said}).",
                f"Log in as {self._settings.user} by hand and look at its login shell and login scripts.",
            )
        return Completed(_text(output), _text(errors), exit_code, _text(noise + error_noise), output)

    def _lost(self, reason: str) -> HostUnreachable:
        return HostUnreachable(
            f"The connection to {self.host} was lost in the middle of a command ({reason or 'closed'}); whether the "
            "command has ended is not known.",
            "Run it again: gpmedic first looks at what is there.",
        )


def _read_both(channel: "Channel", deadline: float) -> tuple[bytes, bytes]:
    """Both streams to their ends, read in turn: a script that fills one of them must not wait for the other."""
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(channel.fileno(), selectors.EVENT_READ)
        while True:
            ended = channel.eof_received or channel.closed  # read before the data: what came before it is then there
            while channel.recv_ready():
                stdout += channel.recv(_CHUNK)
            while channel.recv_stderr_ready():
                stderr += channel.recv_stderr(_CHUNK)
            if ended:
                return bytes(stdout), bytes(stderr)
            selector.select(min(1.0, _remaining(deadline)))


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _one_line(data: bytes) -> str:
    return " ".join(_text(data[-300:]).split())
