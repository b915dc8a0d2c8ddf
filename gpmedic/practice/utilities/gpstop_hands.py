"""What gpstop and gpstart do to a cluster, apart from what they say; and how, in the lab."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gpmedic.cluster import COORDINATOR_CONTENT, Role
from gpmedic.practice.control import Control, PracticeError, Verb
from gpmedic.practice.facts import Facts, Release, SegmentFacts


class Refused(Exception):
    """`gpstop error: ...` or `gpstart error: ...`, code 2."""


class Failed(Exception):
    """`gpstop failed. (Reason='...') exiting...`, code 2."""


class CommandFailed(Exception):
    """`Error occurred: ...`, code 2."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """One command line of gpstop or gpstart.

    Attributes:
        args: as typed, for the first line that is printed.
        mode: smart, fast or immediate; only gpstop's.
    """

    args: str
    yes: bool = False
    restart: bool = False
    reload: bool = False
    coordinator_only: bool = False
    without_standby: bool = False
    unread_standby: bool = False
    quiet: bool = False
    version: bool = False
    mode: str = "smart"
    data_directory: str | None = None


class ClusterHands(Protocol):
    """Every effect of gpstop and gpstart."""

    @property
    def home(self) -> str:
        """GPHOME."""

    @property
    def data_directory(self) -> str: ...

    def facts(self) -> Facts: ...

    def reply(self) -> str | None:
        """The next line of stdin, None at its end."""

    def era(self) -> str: ...

    def sessions(self) -> int:
        """How many clients are connected to the coordinator."""

    def await_sessions(self) -> None:
        """Wait until the last client has gone."""

    def stop(self) -> None:
        """Stop the coordinator, the standby, primaries and mirrors."""

    def stop_coordinator(self) -> None: ...

    def reload(self) -> None:
        """Have every server read its configuration again."""

    def start(self, without: Sequence[SegmentFacts]) -> Sequence[SegmentFacts]:
        """Start everything that is marked up but for `without`; those that did not start."""

    def start_coordinator(self) -> None: ...

    def stall(self, say: Callable[[str], None]) -> None:
        """4.3's gpstart with a host missing: it says a dot each second, and does not come back for minutes (T32)."""


STALL_SECONDS = 20  # the real one was given up after 400


class LiveClusterHands:
    """Args: control: of the practice cluster; data_directory: the coordinator's."""

    def __init__(self, control: Control, data_directory: str) -> None:
        self._control = control
        self._data_directory = data_directory

    @property
    def home(self) -> str:
        return os.environ.get("GPHOME", "")

    @property
    def data_directory(self) -> str:
        return self._data_directory

    def facts(self) -> Facts:
        return self._control.facts()

    def reply(self) -> str | None:
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    def era(self) -> str:
        return f"{'0' * 16}_{time.strftime('%y%m%d%H%M%S')}"

    def sessions(self) -> int:
        return int(self._control.call(Verb.SESSIONS)["count"])

    def await_sessions(self) -> None:
        while self.sessions():
            time.sleep(0.1)

    def stop(self) -> None:
        self._control.call(Verb.STOP_CLUSTER, mode="fast")

    def stop_coordinator(self) -> None:
        self._control.call(Verb.STOP_SEGMENT, dbid=self.facts().coordinator.dbid, mode="fast")

    def reload(self) -> None:
        for segment in self.facts().segments:
            if segment.pid is not None:
                os.kill(segment.pid, signal.SIGHUP)

    def start(self, without: Sequence[SegmentFacts]) -> Sequence[SegmentFacts]:
        failed = self._control.call(Verb.START_CLUSTER, without=[s.dbid for s in without])["failed"]
        facts = self.facts()
        return [facts.segment(dbid) for dbid in failed]

    def start_coordinator(self) -> None:
        try:
            self._control.call(Verb.START_SEGMENT, dbid=self.facts().coordinator.dbid)
        except PracticeError as error:
            raise Failed(error.message) from None

    def stall(self, say: Callable[[str], None]) -> None:
        for _ in range(STALL_SECONDS):
            say(".")
            time.sleep(1)
        say("\n")


def data_segments(facts: Facts) -> list[SegmentFacts]:
    """Primaries and mirrors by content, the acting primary first."""
    return sorted(facts.data_segments, key=lambda s: (s.content, s.role is not Role.PRIMARY))


def standby(facts: Facts) -> SegmentFacts | None:
    return next((s for s in facts.segments if s.content == COORDINATOR_CONTENT and s.role is Role.MIRROR), None)


def coordinator_word(release: Release) -> str:
    """What the coordinator is called at the beginning of a sentence."""
    return "Coordinator" if release is Release.V7 else "Master"
