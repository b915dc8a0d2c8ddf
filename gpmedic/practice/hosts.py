"""The hosts of a practice cluster: which is down, how its ssh behaves, and the files in which the shims read it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import HostFacts, SshState
from gpmedic.practice.sshd import SshFault, SshHosts

STATE_FOLDER = Path("run") / "hosts"
MACHINE_VARIABLE = "GPMEDIC_BOOT_ID"  # makes hosts of one machine several; `machine=` in a state file makes two one
_SSHD = {
    SshState.NORMAL: SshFault.NONE,
    SshState.BANNER: SshFault.BANNER,
    SshState.REFUSED: SshFault.REFUSED,
    SshState.SILENT: SshFault.SILENT,
    SshState.CUT: SshFault.CUT,
    SshState.WRONG_KEY: SshFault.WRONG_KEY,
}


class Hosts:
    """The state of every host; safe to use from several threads."""

    def __init__(self, folder: Path, names: Sequence[str], sshd: SshHosts) -> None:
        self._folder = folder / STATE_FOLDER
        self._sshd = sshd
        self._lock = threading.Lock()
        self._hosts = {name: HostFacts(name, ssh_port=sshd.ports[name]) for name in names}
        self._full: set[str] = set()
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            self._write(name)

    def all(self) -> tuple[HostFacts, ...]:
        return tuple(self._hosts.values())

    def get(self, name: str) -> HostFacts:
        """The host of that name.

        Raises:
            PracticeError: there is none.
        """
        try:
            return self._hosts[name]
        except KeyError:
            raise PracticeError(f"There is no host {name!r}.", f"Hosts: {', '.join(self._hosts)}.") from None

    def is_full(self, name: str) -> bool:
        return name in self._full

    def set_reachable(self, name: str, reachable: bool) -> None:
        """Take a host off the network, or bring it back."""
        with self._lock:
            self._hosts[name] = replace(self.get(name), reachable=reachable)
            self._write(name)
        self._tell_sshd(name)
        if not reachable:
            self._sshd.drop_connections(name)

    def set_ssh(self, name: str, ssh: SshState) -> None:
        with self._lock:
            self._hosts[name] = replace(self.get(name), ssh=ssh)
            self._write(name)
        self._tell_sshd(name)

    def set_full(self, name: str, full: bool) -> None:
        """Whether the host's file system is full."""
        with self._lock:
            self.get(name)
            (self._full.add if full else self._full.discard)(name)
            self._write(name)

    def _tell_sshd(self, name: str) -> None:
        host = self._hosts[name]
        # No packet of a loopback port can be dropped without privileges; a host that is down is one that says nothing.
        self._sshd.set_fault(name, _SSHD[host.ssh] if host.reachable else SshFault.SILENT)

    def _write(self, name: str) -> None:
        host = self._hosts[name]
        fresh = self._folder / f".{name}"
        fresh.write_text(
            f"reachable={'yes' if host.reachable else 'no'}\nssh={host.ssh.value}\n"
            f"full={'yes' if name in self._full else 'no'}\n"
        )
        fresh.rename(self._folder / name)
