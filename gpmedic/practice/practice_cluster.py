"""`PracticeCluster`: a practice cluster for tests and drills, and the way to one that is up already."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gpmedic.practice.control import SUPERVISOR_FILE, Control, PracticeError, Verb
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.fault import Fault
from gpmedic.practice.layout import SETTINGS, Kept, Mirrors
from gpmedic.practice.ledger import Ledger, Written
from gpmedic.practice.postgres import base_folder
from gpmedic.practice.processes import alive
from gpmedic.settings import ClusterSettings, clusters_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_END_WITHIN = 120.0  # seconds; it takes one, on a machine that is overloaded many


class PracticeCluster:
    """One practice cluster; as a context manager it is up inside and leaves nothing behind.

    Args:
        name: of the cluster; two clusters with different names run side by side.
        generation: "4.3", "6" or "7".
        folder: default `folder_of(name)`; where we are root, every folder above it must be open to others.
        mirrors: whether segments have mirrors.
        kept: until when it lives: as long as this process, or until it is taken down.
    """

    def __init__(
        self,
        name: str,
        generation: str = "6",
        folder: Path | None = None,
        mirrors: Mirrors = Mirrors.YES,
        kept: Kept = Kept.LIFELINE,
    ) -> None:
        self.name = name
        self.release = Release(generation)
        self.folder = (folder or folder_of(name)).resolve()
        self.mirrors = mirrors
        self.ready_after = 0.0
        """Seconds that the last `up` took."""
        self._kept = kept
        self._supervisor: subprocess.Popen[str] | None = None
        self._control: Control | None = None
        self._ledger: Ledger | None = None

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """The cluster that is up in this folder; it stays up when this object goes.

        Raises:
            PracticeError: none is up there.
        """
        with Control.connect(folder) as control:
            facts = control.facts()
        mirrors = Mirrors.YES if facts.mirrored else Mirrors.NO
        return cls(facts.name, facts.release.value, folder, mirrors, Kept.DETACHED)

    def up(self) -> Self:
        """Start it and wait until it is synchronized; seconds. What an earlier one left in the folder is deleted.

        Raises:
            PracticeError: it cannot start, or it runs already.
        """
        if find_spec("asyncssh") is None:
            raise PracticeError(
                "The parts of the practice cluster are not installed on this machine; nothing was started.",
                "Install gpmedic[practice] there.",
            )
        arguments = [str(self.folder), self.name, self.release.value, self.mirrors.value, self._kept.value]
        lifeline = self._kept is Kept.LIFELINE
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "gpmedic.practice.supervisor", *arguments],
            stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is for us; the lifeline tells the supervisor
            text=True,
        )
        said = _first_answer(supervisor)
        if "ready" not in said:
            supervisor.wait(_END_WITHIN)
            raise PracticeError(said["error"], said["next"])
        self.ready_after = said["ready"]
        self._supervisor = supervisor
        return self

    def down(self) -> None:
        """End every process of the cluster. Its folder stays where it was kept detached. Nothing if it is down."""
        self._forget()
        try:
            pid = json.loads((self.folder / SUPERVISOR_FILE).read_text())["pid"]
            with Control.connect(self.folder) as control:
                control.call(Verb.SHUTDOWN)
        except (OSError, ValueError, PracticeError):
            pid = None
        if self._supervisor is not None:
            if self._supervisor.stdin is not None:
                self._supervisor.stdin.close()
            self._supervisor.wait(_END_WITHIN)
            if self._supervisor.stdout is not None:
                self._supervisor.stdout.close()
            self._supervisor = None
        elif pid is not None:
            _await(lambda: not alive(pid), _END_WITHIN, "the supervisor's end")

    @property
    def settings(self) -> ClusterSettings:
        """What gpmedic needs to reach it."""
        return ClusterSettings.model_validate(tomllib.loads((self.folder / SETTINGS).read_text()))

    @property
    def supervisor_pid(self) -> int:
        return int(json.loads((self.folder / SUPERVISOR_FILE).read_text())["pid"])

    @property
    def control(self) -> Control:
        """The control socket; not to be shared between threads."""
        if self._control is None:
            self._control = Control.connect(self.folder)
        return self._control

    def facts(self) -> Facts:
        with Control.connect(self.folder) as control:
            return control.facts()

    def break_(self, fault: Fault, **target: Any) -> str:
        """Break something, e.g. `break_(Fault.KILL_PRIMARY, content=2)`; what was done."""
        return str(self.control.call(Verb.BREAK, fault=fault.value, target=target)["done"])

    def heal(self, fault: Fault | None = None, **target: Any) -> str:
        """Undo a fault, or all that can be undone; what was done."""
        name = "all" if fault is None else fault.value
        return str(self.control.call(Verb.HEAL, fault=name, target=target)["done"])

    def write_rows(self, count: int) -> None:
        """Write rows into the ledger, spread over all segments."""
        self.ledger.write(count)

    def count_rows(self) -> int:
        """Rows of the ledger on all acting primaries."""
        return self.ledger.count()

    def writing_rows(self) -> AbstractContextManager[Written]:
        """Write rows in the background while a block runs."""
        return self.ledger.writing()

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            sockets = json.loads((self.folder / SUPERVISOR_FILE).read_text())["sockets"]
            self._ledger = Ledger(self.facts, sockets)
        return self._ledger

    def wait_until(self, condition: Callable[[Facts], bool], timeout: float = 30) -> Facts:
        """Ask again and again until the condition holds of the facts; those facts.

        Raises:
            PracticeError: it did not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not condition(facts := self.facts()):
            if time.monotonic() > deadline:
                state = "; ".join(
                    f"dbid {s.dbid} {s.role.value}/{s.preferred_role.value} {s.mode.value}/{s.status.value} {s.answer}"
                    for s in facts.segments
                )
                raise PracticeError(f"What was waited for did not come within {timeout:g} s: {state}.")
            time.sleep(0.2)
        return facts

    def register(self) -> Path:
        """Write its settings to where `load_cluster` finds them; that file.

        Raises:
            PracticeError: a cluster that is no practice cluster is registered by this name.
        """
        return register(self.name, self.folder)

    def unregister(self) -> None:
        """Remove what `register` wrote, if it is still ours."""
        registration(self.name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _forget(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        if self._control is not None:
            self._control.close()
            self._control = None


def folder_of(name: str) -> Path:
    """Where the practice cluster of this name lies by default.

    Raises:
        PracticeError: the name could lead out of that folder.
    """
    if not _NAME.fullmatch(name):
        raise PracticeError(f"{name!r} is no name for a practice cluster.", "Use letters, digits and dashes.")
    return base_folder() / "clusters" / name


def register(name: str, folder: Path) -> Path:
    """Write the settings of the practice cluster in this folder to where `load_cluster` finds them; that file.

    Raises:
        PracticeError: a cluster that is no practice cluster is registered by this name.
    """
    target = registration(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_text((folder / SETTINGS).read_text())
    fresh.rename(target)
    return target


def registration(name: str) -> Path:
    """The file NAME.toml of the clusters' folder, which may be written or deleted.

    Raises:
        PracticeError: it describes a cluster that is no practice cluster.
    """
    path = clusters_folder() / f"{name}.toml"
    if path.exists():
        try:
            practice = tomllib.loads(path.read_text()).get("practice") is True
        except (OSError, tomllib.TOMLDecodeError):
            practice = False
        if not practice:
            raise PracticeError(f"{path} is not a practice cluster's; it was left alone.", "Choose another name.")
    return path


def _first_answer(supervisor: "subprocess.Popen[str]") -> dict[str, Any]:
    assert supervisor.stdout is not None  # noqa: S101 (PIPE)
    noise = []
    for line in supervisor.stdout:
        try:
            said = json.loads(line)
        except ValueError:
            noise.append(line)
            continue
        if isinstance(said, dict):
            return said
    return {"error": f"The supervisor ended: {''.join(noise)[-2000:].strip()}", "next": "Report this."}


def _await(condition: Callable[[], bool], timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise PracticeError(f"Waited {timeout:g} s in vain for {what}.")
        time.sleep(0.02)
