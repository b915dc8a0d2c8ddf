"""One practice cluster in trouble: what breaks, who answers, which run dies; and what must hold whatever comes.

It is printed as it happens: pytest shows it with a failure, or at once with -s.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from threading import Event, Timer
from typing import Any

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import GpmedicError
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.control import Control, PracticeError, Verb
from gpmedic.practice.facts import SegmentFacts
from gpmedic.practice.invocations import read_invocations
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request
from tasks.notify import Progress, listening
from tests.chaos import promises
from tests.chaos.promises import Yes

ENDS = (Outcome.HEALTHY, Outcome.RECOVERED)
WORKER = Path(__file__).with_name("worker.py")
ADOPTED = "started by an earlier run"
APPROVAL_TIMEOUT = 3
"""Seconds, where the answer shall come too late."""


class Reply(StrEnum):
    """What a person does when asked."""

    YES = "yes"
    NO = "no"
    LATE = "late"  # says yes when the time is over
    SILENT = "silent"


class Moment(StrEnum):
    """When a run is killed."""

    ASKED = "asked"  # a person has been asked, and is about to say yes
    STARTED = "started"  # its command is a job
    SAID = "said"  # its command has printed something


class Incident:
    """What has happened to a cluster so far.

    Attributes:
        said: every yes of a person.
        rows, tried: what was certainly written to the ledger, and what was attempted.
        faults, killed, adopted, refused: how often it happened.
    """

    def __init__(self, generation: str, server: str) -> None:
        self.server = server
        self.cluster = PracticeCluster(f"chaos-{os.getpid()}-{random.randrange(10**6)}", generation)  # noqa: S311
        self.said: list[Yes] = []
        self.rows = self.tried = 0
        self.faults = self.killed = self.adopted = self.refused = 0
        self._decided: list[str] = []
        self._began = time.monotonic()
        self._beside_the_command: list[Callable[[], object]] = []

    def begin(self) -> None:
        self.cluster.up()
        self._register()
        self.rows = self.tried = self.cluster.count_rows()

    def end(self) -> None:
        self.cluster.unregister()
        self.cluster.down()

    def break_(self, fault: Fault, **target: Any) -> None:
        self.note(self.cluster.break_(fault, **target))
        self.faults += 1

    def heal(self, fault: Fault | None = None, **target: Any) -> None:
        self.note(self.cluster.heal(fault, **target))

    def write(self, count: int) -> None:
        for _ in range(count):
            self.tried += 1
            with suppress(PracticeError):  # nobody was promised that row
                self.cluster.write_rows(1)
                self.rows += 1

    def recover(
        self,
        reply: Reply = Reply.YES,
        when_asked: Callable[[], object] | None = None,
        when_started: Callable[[], object] | None = None,
    ) -> None:
        """A run in this process, whose person replies so; it ends healthy or in a stop that says what to do next.

        Args:
            when_asked, when_started: what happens to the cluster before the first answer, and beside the first command.
        """
        self.note(f"A person recovers: {reply.value}.")
        ended = Event()
        before_the_answer = [when_asked] if when_asked is not None else []
        self._beside_the_command = [when_started] if when_started is not None else []

        def person(request: Request) -> Answer:
            while before_the_answer:
                before_the_answer.pop()()
            match reply:
                case Reply.YES:
                    self.said.append(Yes.to(request))
                case Reply.NO:
                    return Answer(decision="no", operator="anna")
                case Reply.LATE:
                    ended.wait(max(0.0, request.expires_at.timestamp() + 0.5 - time.time()))
                case Reply.SILENT:
                    ended.wait()
            return Answer(decision="yes", operator="anna")

        def run() -> RecoveryReport:
            try:
                return recover(self.cluster.name)
            finally:
                ended.set()

        with self._impatience(reply), listening(self._hear):
            try:
                report = attend(run, person)
            except GpmedicError as stop:
                self._stopped(stop.message, stop.next_action)
            else:
                self._ended(report.outcome, report.next_action)

    def kill_a_run(self, moment: Moment, after: float = 0.0) -> None:
        """Kill -9 a run of another process, at this moment or, where it does not come to it, not at all.

        Args:
            after: seconds from that moment on.
        """
        jobs, heard = len(self.jobs), self._heard()
        worker = self._worker(heard)

        def came() -> bool:
            match moment:
                case Moment.ASKED:
                    return heard.exists() and '"request"' in heard.read_text()
                case Moment.STARTED:
                    return len(self.jobs) > jobs
                case Moment.SAID:
                    if started := len(self.jobs) > jobs:
                        self.release()
                    return started and bool(self._output_of(self.jobs[-1].key))

        try:
            while worker.poll() is None and not came():
                time.sleep(0.02)
            with suppress(subprocess.TimeoutExpired):
                worker.wait(after)
            self.killed += (lives := worker.poll() is None)
            self.note(f"A run is killed: {moment.value}." if lives else "A run ended before it was killed.")
        finally:
            worker.kill()
            worker.wait()
        self._remember(heard)

    def recover_twice_at_once(self, apart: float) -> None:
        """A run of another process and, so many seconds later, one of this."""
        self.note("Two runs at once.")
        heard = self._heard()
        worker = self._worker(heard)
        try:
            with suppress(subprocess.TimeoutExpired):
                worker.wait(apart)
            self.recover()
            while worker.poll() is None:
                self.release()
                time.sleep(0.2)
        finally:
            worker.kill()
            worker.wait()
        self._remember(heard)

    def release(self) -> None:
        """Let go of a gprecoverseg that hangs, from any thread."""
        with Control.connect(self.cluster.folder) as control:
            if control.facts().fault(Fault.GPRECOVERSEG_HANGS.value) is not None:
                control.call(Verb.HEAL, fault=Fault.GPRECOVERSEG_HANGS.value, target={})

    def lose_the_connection(self, fault: Fault, seconds: float) -> None:
        """ssh to the coordinator's host fails for so long, from any thread."""

        def call(verb: Verb) -> None:
            with Control.connect(self.cluster.folder) as control:
                control.call(verb, fault=fault.value, target={"host": "mdw"})

        call(Verb.BREAK)
        self.faults += 1
        self.note(f"The connection to the coordinator's host is lost for {seconds:.1f} s: {fault.value}.")
        Timer(seconds, call, [Verb.HEAL]).start()

    def promises_hold(self) -> None:
        folder, said, jobs = self.cluster.folder, self.said, self.jobs
        called = read_invocations(folder)
        promises.every_job_was_approved(jobs, said)
        promises.every_command_was_approved(called, jobs, said)
        promises.one_at_a_time(called, jobs)
        if healthy(self.cluster.facts()):
            self.no_row_is_lost()

    def no_row_is_lost(self) -> None:
        counted = self.cluster.count_rows()
        assert self.rows <= counted <= self.tried, f"{self.rows} rows were written, {counted} are there"

    def come_to_an_end(self) -> None:
        """Every lasting fault healed, a person who says yes makes the cluster healthy in a few runs."""
        self.heal()
        self._decided.append("max_down_percent = 100")  # it is not the network
        self._register()
        for _ in range(6):
            self.recover()
            self.promises_hold()
            if healthy(self.cluster.facts()):
                break
        else:
            raise AssertionError("not healthy after six runs")
        self.no_row_is_lost()

    def note(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    @property
    def jobs(self) -> list[promises.Job]:
        return promises.jobs_of(self.cluster.folder)

    def _hear(self, progress: Progress) -> None:
        self.adopted += (adopted := ADOPTED in progress.text)
        if adopted or progress.text.startswith("Started "):
            while self._beside_the_command:
                self._beside_the_command.pop()()
            self.release()  # or the run would wait for ever, as it should

    def _ended(self, outcome: str, next_action: str) -> None:
        self.note(f"The run ended: {outcome}. {next_action}")
        assert outcome in ENDS or next_action, f"a run ended {outcome} and does not say what to do next"

    def _stopped(self, message: str, next_action: str) -> None:
        self.note(f"The run stopped: {message} Next: {next_action}")
        self.refused += 1
        assert message, "a stop without a name"
        assert next_action, f"{message!r} does not say what to do next"

    def _heard(self) -> Path:
        return self.cluster.folder / "run" / f"heard-{time.monotonic_ns()}"

    def _output_of(self, key: str) -> str:
        with suppress(FileNotFoundError):
            return (self.cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs" / key / "out").read_text()
        return ""

    def _worker(self, heard: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, str(WORKER), self.cluster.name, str(heard)],
            env={**os.environ, "PREFECT_API_URL": self.server, "PREFECT_LOGGING_LEVEL": "CRITICAL"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _remember(self, heard: Path) -> None:
        for line in heard.read_text().splitlines() if heard.exists() else ():
            what = json.loads(line)
            if "request" in what:
                self.said.append(Yes.to(Request.model_validate_json(what["request"])))
            elif "stop" in what:
                self._stopped(what["stop"], what["next"])
            else:
                self._ended(what["end"], what["next"])

    @contextmanager
    def _impatience(self, reply: Reply) -> Iterator[None]:
        """A cluster whose approvals expire soon, where the reply is one that waits for that."""
        if reply in {Reply.LATE, Reply.SILENT}:
            self._register(f"approval_timeout = {APPROVAL_TIMEOUT}")
        try:
            yield
        finally:
            self._register()

    def _register(self, policy: str = "") -> None:
        """With this line of policy beside those that a person has decided on, and short patience with a silent host."""
        file = self.cluster.register()
        settings = file.read_text().replace("[ssh]\n", "[ssh]\nconnect_timeout = 3\n")
        file.write_text("\n".join((settings, *self._decided, policy)))


def healthy(facts: Facts) -> bool:
    """Of the segments; the standby is no part of it."""
    return all_answer(facts) and all(
        s.status.value == "u" and s.mode.value == "s" and s.in_preferred_role for s in facts.data_segments
    )


def all_answer(facts: Facts) -> bool:
    return facts.database_up and all(s.answer.value == "accepts" for s in facts.data_segments if s.role.value == "p")


def broken_pairs(facts: Facts) -> int:
    """How many contents have a copy that does not run or is not in sync."""
    return len({s.content for s in facts.data_segments if not (runs(s) and s.mode.value == "s")})


def runs(segment: SegmentFacts | None) -> bool:
    return segment is not None and segment.pid is not None
