"""Random failures, answers, kills and re-runs on a practice cluster: whatever comes, the promises hold.

* No command without the approval of exactly its plan.
* Never two commands at once, and none started twice.
* Every run ends healthy, or in a named stop that says what to do next.
* No row is lost that a healthy copy held.

`make test` runs a short one; `make chaos` runs long ones on every generation.
"""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import GpmedicError
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.report import Outcome
from tasks.approve import Answer, Request

SHORT = settings(
    max_examples=1,
    stateful_step_count=5,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
LONG = settings(
    SHORT,
    derandomize=False,
    print_blob=True,
    max_examples=3,
    stateful_step_count=int(os.environ.get("GPMEDIC_CHAOS_STEPS", "20")),
)
ENDS = (Outcome.HEALTHY, Outcome.RECOVERED)
contents = st.integers(min_value=0, max_value=5)


@pytest.fixture
def clusters_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    yield tmp_path


class Incident(RuleBasedStateMachine):
    """One cluster in trouble; `generation` and `server` are set by the tests."""

    generation = "6"
    server = ""

    def __init__(self) -> None:
        super().__init__()
        self.approved: set[str] = set()
        self.rows = 0

    @initialize()
    def start(self) -> None:
        self.cluster = PracticeCluster(f"chaos-{os.getpid()}-{random.randrange(10**6)}", self.generation)  # noqa: S311
        self.cluster.up()
        self.cluster.register()
        self.rows = self.cluster.count_rows()

    @rule(content=contents, fault=st.sampled_from([Fault.KILL_PRIMARY, Fault.KILL_MIRROR]))
    def one_copy_dies(self, content: int, fault: Fault) -> None:
        """Only of a pair that is in sync: who kills the other copy too has a double fault, which has its own tests."""
        if in_sync(self.cluster.facts(), content):
            self.cluster.break_(fault, content=content)

    @precondition(lambda self: all_answer(self.cluster.facts()))
    @rule(count=st.integers(min_value=1, max_value=30))
    def rows_are_written(self, count: int) -> None:
        self.cluster.write_rows(count)
        self.rows += count

    @rule(answer=st.sampled_from(["yes", "yes", "no"]))
    def a_person_recovers(self, answer: str) -> None:
        def person(request: Request) -> Answer:
            if answer == "yes":
                self.approved.add(request.proposal.fingerprint)
            return Answer(decision=answer, operator="anna")

        try:
            report = attend(lambda: recover(self.cluster.name), person)
        except GpmedicError as stop:
            assert stop.next_action
        else:
            assert report.outcome in ENDS
        self.promises_hold()

    @rule(after=st.floats(min_value=3, max_value=9))
    def a_worker_is_killed(self, after: float) -> None:
        heard = self.cluster.folder / "approved"
        script = textwrap.dedent(f"""
            from flows.attend import attend
            from flows.recover import recover
            from tasks.approve import Answer
            def yes(request):
                with open({str(heard)!r}, "a") as file:
                    print(request.proposal.fingerprint, file=file, flush=True)
                return Answer(decision="yes", operator="boris")
            attend(lambda: recover({self.cluster.name!r}), yes)
        """)
        worker = subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PREFECT_API_URL": self.server, "PREFECT_LOGGING_LEVEL": "CRITICAL"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with suppress(subprocess.TimeoutExpired):
            worker.wait(after)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        if heard.exists():
            self.approved.update(heard.read_text().split())
        self.promises_hold()

    def promises_hold(self) -> None:
        jobs = sorted((self.cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*"))
        spans = []
        for job in jobs:
            fingerprint = job.name.rsplit("-", 3)[1]
            assert fingerprint in self.approved, f"{job.name} was approved by nobody"
            ended = job / "exit_code"
            begun = (job / "start").stat().st_mtime
            spans.append((begun, ended.stat().st_mtime if ended.exists() else time.time()))
        for (_, end), (begin, _) in zip(sorted(spans), sorted(spans)[1:], strict=False):
            assert end <= begin, "two commands at once"

    def teardown(self) -> None:
        try:
            for _ in range(4):
                self.a_person_recovers("yes")
                if healthy(self.cluster.facts()):
                    break
            assert healthy(self.cluster.facts())
            assert self.cluster.count_rows() == self.rows
        finally:
            self.cluster.unregister()
            self.cluster.down()


def in_sync(facts: Facts, content: int) -> bool:
    pair = [s for s in facts.segments if s.content == content]
    return all(s.status.value == "u" and s.mode.value == "s" and s.pid is not None for s in pair)


def all_answer(facts: Facts) -> bool:
    return all(s.answer.value == "accepts" for s in facts.data_segments if s.role.value == "p")


def healthy(facts: Facts) -> bool:
    return all(
        s.status.value == "u" and s.mode.value == "s" and s.in_preferred_role for s in facts.data_segments
    ) and all_answer(facts)


@pytest.mark.timeout(300)
def test_a_short_incident(clusters_folder: Path, prefect_server: str) -> None:
    run_state_machine_as_test(_machine("6", prefect_server), settings=SHORT)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("generation", ["4.3", "6", "7"])
def test_long_incidents(generation: str, clusters_folder: Path, prefect_server: str) -> None:
    run_state_machine_as_test(_machine(generation, prefect_server), settings=LONG)


def _machine(generation: str, server: str) -> type[Incident]:
    return type(f"Incident{generation.replace('.', '')}", (Incident,), {"generation": generation, "server": server})
