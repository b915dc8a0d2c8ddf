"""gpmedic's lock on a cluster: a file with a heartbeat on the coordinator's host, so that it binds every worker.

It goes by the cluster's name and by the coordinator's data directory: one cluster may be registered under two names.

It tells whoever is refused who works on the cluster. That nothing is started twice does not hang on it: jobs have
keys (see job.py), and Greenplum's utilities have locks of their own (see facts.py).
"""

import getpass
import hashlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, GpmedicError, LockHeld, UnreadableOutput
from gpmedic.settings import ClusterSettings

STALE_AFTER: Final = 120
"""Seconds without a heartbeat after which the lock belongs to nobody."""
BEAT_EVERY: Final = 20.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the lock.

    Attributes:
        age: seconds since the last heartbeat.
        beat: when that was, by the host's clock, seconds since the epoch.
        cluster: the name under which its owner knows the cluster.
    """

    who: str
    age: int
    beat: int
    cluster: str


class HeldBy(LockHeld):
    """Somebody else has the lock.

    Args:
        owner: as it was at that moment.
    """

    def __init__(self, owner: Owner, message: str, next_action: str) -> None:
        super().__init__(message, next_action)
        self.owner = owner


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants or has the lock of which cluster.

    Attributes:
        data_directory: the coordinator's, on its host; "" leaves the lock to the name alone.
        token: proves that a lock is one's own.
        who: the owner in words.
    """

    cluster: str
    data_directory: str
    token: str
    who: str


def acquire(shell: Shell, claim: Claim, stale_after: int = STALE_AFTER) -> None:
    """Take the lock of a cluster, also from a process of this machine that is gone.

    Raises:
        HeldBy: somebody else has it; nothing was done.
        HostUnreachable: the connection was lost; the lock, if taken, goes stale.
    """
    word, rest = _ask(shell, "take", claim, stale_after)
    if word == "HELD" and is_gone(_owner(rest).who):
        word, rest = _ask(shell, "take", claim, stale_after, _owner(rest).who)
    if word == "HELD":
        owner = _owner(rest)
        other = "" if owner.cluster == claim.cluster else f" under the name {owner.cluster}"
        raise HeldBy(
            owner,
            f"{claim.cluster} is being worked on{other} by {owner.who} (last sign of life {owner.age} s ago); nothing"
            " was done.",
            f"Wait until that has ended. A lock without a sign of life is given up after {stale_after} s.",
        )


def beat(shell: Shell, claim: Claim, stale_after: int = STALE_AFTER) -> bool:
    """Say that its owner lives; False where the lock belongs to somebody else, to nobody, or is stale already."""
    return _ask(shell, "beat", claim, stale_after)[0] == "KEPT"


def release(shell: Shell, claim: Claim) -> None:
    """Give the lock back; does nothing where it is not held with this token."""
    _ask(shell, "release", claim)


def owner(shell: Shell, cluster: str) -> Owner | None:
    """Who holds the lock of a cluster."""
    word, rest = _ask(shell, "show", Claim(cluster, "", "", ""))
    return _owner(rest) if word == "HELD" else None


@contextmanager
def locked(
    shell: Shell, settings: ClusterSettings, stale_after: int = STALE_AFTER, beat_every: float = BEAT_EVERY
) -> Iterator[Callable[[], None]]:
    """Hold the lock inside the block; a thread keeps it alive over connections of its own.

    Yields:
        What raises LockHeld where the lock has been given up meanwhile: a suspended machine or a long cut of the
        network keeps every sign of life from the host.

    Raises:
        HeldBy: somebody else has it; nothing was done.
    """
    directory = settings.greenplum.coordinator_data_directory
    claim = Claim(settings.name, directory, secrets.token_hex(8), myself())
    acquire(shell, claim, stale_after)
    ended = threading.Event()
    heart = threading.Thread(target=_keep, args=(settings, claim, ended, beat_every, stale_after), daemon=True)
    heart.start()

    def require_it_still() -> None:
        if not beat(shell, claim, stale_after):
            raise LockHeld(
                f"gpmedic's lock on {claim.cluster} was given up, because this run has given no sign of life for"
                f" {stale_after} s; nothing was started.",
                "Run the flow again: it looks anew, and says who works on the cluster now.",
            )

    try:
        yield require_it_still
    finally:
        ended.set()
        heart.join(settings.ssh.connect_timeout + settings.ssh.command_timeout)
        _give_back(shell, settings, claim)


def _keep(settings: ClusterSettings, claim: Claim, ended: threading.Event, every: float, stale_after: int) -> None:
    while not ended.wait(every):
        # Whatever goes wrong now may go well the next time.
        with suppress(GpmedicError), Shell.connect(settings.ssh) as shell:
            if not beat(shell, claim, stale_after):
                return


def _give_back(shell: Shell, settings: ClusterSettings, claim: Claim) -> None:
    # Where that fails too, the lock goes stale by itself; the error of the block must not be hidden by ours.
    try:
        release(shell, claim)
    except GpmedicError:
        with suppress(GpmedicError), Shell.connect(settings.ssh) as fresh:
            release(fresh, claim)


def _ask(shell: Shell, verb: str, claim: Claim, stale_after: int = STALE_AFTER, dead: str = "") -> tuple[str, str]:
    words = (claim.cluster, claim.token, claim.who, str(stale_after), dead, claim.data_directory)
    done = shell.run(script("lock"), verb, *words)
    word, _, rest = done.stdout.strip().partition(" ")
    if word == "ERROR":
        raise AccessRefused(
            f"gpmedic's lock on {shell.host} cannot be used: {rest}; nothing was done.",
            "See whether the disk is full and the home directory can be written.",
        )
    if word not in {"TAKEN", "KEPT", "FREE", "HELD"}:
        raise UnreadableOutput("gpmedic's lock", (done.stdout or done.stderr).strip()[-200:])
    return word, rest


def myself() -> str:
    """This process, as the owner of a lock."""
    return f"{getpass.getuser()}@{socket.gethostname()} (pid {os.getpid()} in {_place()})"


def is_gone(who: str) -> bool:
    """Whether that owner was a process of this machine that does not exist any more; False where nobody can tell."""
    found = re.fullmatch(r".*@(?P<host>\S+) \(pid (?P<pid>\d+) in (?P<place>\w+)\)", who)
    if found is None or (found["host"], found["place"]) != (socket.gethostname(), _place()):
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OverflowError, OSError):
        return False
    return False


def _place() -> str:
    """Where a process id means the same process: one boot, and one container of it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:  # no Linux
        return secrets.token_hex(5)
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:10]


def _owner(text: str) -> Owner:
    age, beat, cluster, who = text.split(" ", 3)
    return Owner(who, int(age), int(beat), cluster)
