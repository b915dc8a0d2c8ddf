"""Random failures, answers, kills and re-runs on a practice cluster: whatever comes, the promises hold.

* No command without the approval of exactly its plan, neither in a job nor in the foreground.
* Never two commands at once, and none started twice.
* Every run ends healthy, or in a named stop that says what to do next.
* No row is lost that a healthy copy held.

`make test` runs a short incident; `make chaos` runs long ones on every generation.
"""

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gpmedic.practice import Fault
from tests.chaos.incident import Incident, Moment, Reply, all_answer, broken_pairs, runs

LONG = settings(
    max_examples=int(os.environ.get("GPMEDIC_CHAOS_INCIDENTS", "3")),
    stateful_step_count=int(os.environ.get("GPMEDIC_CHAOS_STEPS", "20")),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    print_blob=True,
)
SEGMENT_HOSTS = ("sdw1", "sdw2", "sdw3")
BAD_SSH = (Fault.SSH_REFUSED, Fault.SSH_SILENT, Fault.SSH_CUT)
Loss = tuple[Fault, int] | None
Trouble = tuple[Fault, Mapping[str, str]]
TROUBLES: tuple[Trouble, ...] = (
    (Fault.LOCK_STALE, {}),
    *((Fault.HOST_DOWN, {"host": host}) for host in SEGMENT_HOSTS),
    *((Fault.DISK_FULL, {"host": host}) for host in SEGMENT_HOSTS),
    *((fault, {"host": host}) for fault in BAD_SSH for host in ("mdw", "sdw2")),
)
contents = st.integers(min_value=0, max_value=5)
bad_ssh = st.sampled_from(BAD_SSH)
troubles = st.sampled_from(TROUBLES)
copies_lost = st.sampled_from([Fault.KILL_PRIMARY, Fault.KILL_MIRROR, Fault.KILL_BOTH])
losses = st.one_of(st.none(), st.tuples(copies_lost, contents), st.tuples(copies_lost, contents))
"""What a run finds, so that there is something to recover more often than not."""
moments = st.sampled_from(Moment)
seconds = st.floats(min_value=0, max_value=4)


@pytest.fixture
def clusters_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    yield tmp_path


@pytest.mark.timeout(300)
def test_a_short_incident(clusters_folder: Path, prefect_server: str) -> None:
    """A copy dies, a person says no, a run is killed beside its command, the next one adopts it and ends healthy."""
    seed = int(os.environ.get("GPMEDIC_CHAOS_SEED", random.randrange(10**6)))  # noqa: S311
    print(f"The same again: GPMEDIC_CHAOS_SEED={seed}")
    chosen = random.Random(seed)  # noqa: S311
    incident = Incident("6", prefect_server)
    try:
        incident.begin()
        incident.write(chosen.randint(1, 30))
        incident.break_(chosen.choice([Fault.KILL_PRIMARY, Fault.KILL_MIRROR]), content=chosen.randint(0, 5))
        incident.recover(Reply.NO)
        incident.promises_hold()
        assert (incident.refused, incident.jobs) == (1, []), "a no let something begin, or nothing was asked"
        incident.break_(Fault.GPRECOVERSEG_HANGS)
        incident.kill_a_run(Moment.STARTED, chosen.uniform(0, 1))
        incident.promises_hold()
        incident.recover()
        incident.come_to_an_end()
        assert incident.killed == 1, "the run had ended before it was killed"
        assert incident.adopted == 1, "what the killed run had started was not adopted"
        assert incident.jobs
    finally:
        incident.end()


class Chaos(RuleBasedStateMachine):
    """A long incident in random order; `generation` and `server` are set by the test."""

    generation = "6"
    server = ""

    def __init__(self) -> None:
        super().__init__()
        self.incident = Incident(self.generation, self.server)
        self.trouble: Trouble | None = None

    @initialize(content=contents, fault=st.sampled_from([Fault.KILL_PRIMARY, Fault.KILL_MIRROR]), moment=moments)
    def a_copy_dies_and_the_run_that_was_to_recover_it_too(self, content: int, fault: Fault, moment: Moment) -> None:
        """Whatever is drawn afterwards, no incident goes without a fault, a command and a killed run."""
        self.incident.begin()
        self.incident.break_(fault, content=content)
        self.incident.kill_a_run(moment)

    def lose(self, loss: Loss) -> None:
        if loss is not None:
            self.incident.break_(loss[0], content=loss[1])

    @rule(fault=copies_lost, content=contents)
    def copies_die(self, fault: Fault, content: int) -> None:
        self.lose((fault, content))

    @precondition(lambda self: runs(self.incident.cluster.facts().standby))
    @rule()
    def the_standby_dies(self) -> None:
        self.incident.break_(Fault.KILL_STANDBY)

    @precondition(lambda self: broken_pairs(self.incident.cluster.facts()) <= 2)
    @rule(trouble=troubles)
    def trouble_comes_that_is_not_for_gprecoverseg(self, trouble: Trouble) -> None:
        """One at a time: under many of them every run would only refuse."""
        self.trouble_passes()
        self.trouble = trouble
        self.incident.break_(trouble[0], **trouble[1])

    @rule()
    def trouble_passes(self) -> None:
        if self.trouble is not None:
            self.incident.heal(self.trouble[0], **self.trouble[1])
        self.trouble = None

    @precondition(lambda self: self.incident.cluster.facts().fault(Fault.GPRECOVERSEG_HANGS.value) is None)
    @rule()
    def gprecoverseg_hangs_for_a_while(self) -> None:
        self.incident.break_(Fault.GPRECOVERSEG_HANGS)

    @rule(seconds=st.floats(min_value=1, max_value=5))
    def mirrors_catch_up_slowly(self, seconds: float) -> None:
        self.incident.break_(Fault.SLOW_RESYNC, seconds=seconds)

    @rule()
    def a_person_repairs_what_is_not_for_gprecoverseg_and_recovers(self) -> None:
        self.incident.heal()
        self.trouble = None
        self.incident.recover()

    @precondition(lambda self: all_answer(self.incident.cluster.facts()))
    @rule(count=st.integers(min_value=1, max_value=30))
    def rows_are_written(self, count: int) -> None:
        self.incident.write(count)

    @rule(loss=losses, reply=st.sampled_from([Reply.YES, Reply.YES, Reply.NO, Reply.LATE, Reply.SILENT]))
    def a_person_recovers(self, loss: Loss, reply: Reply) -> None:
        self.lose(loss)
        self.incident.recover(reply)

    @rule(loss=losses, fault=copies_lost, content=contents)
    def another_copy_dies_while_a_person_is_asked(self, loss: Loss, fault: Fault, content: int) -> None:
        self.lose(loss)
        self.incident.recover(when_asked=lambda: self.lose((fault, content)))

    @rule(loss=losses, fault=bad_ssh, seconds=seconds)
    def the_connection_is_lost_beside_a_command(self, loss: Loss, fault: Fault, seconds: float) -> None:
        self.lose(loss)
        self.incident.recover(when_started=lambda: self.incident.lose_the_connection(fault, seconds))

    @rule(loss=losses, moment=moments, after=seconds)
    def a_run_is_killed(self, loss: Loss, moment: Moment, after: float) -> None:
        self.lose(loss)
        self.incident.kill_a_run(moment, after)

    @rule(loss=losses, apart=seconds)
    def two_people_recover_at_once(self, loss: Loss, apart: float) -> None:
        self.lose(loss)
        self.incident.recover_twice_at_once(apart)

    @invariant()
    def the_promises_hold(self) -> None:
        self.incident.promises_hold()

    def teardown(self) -> None:
        try:
            self.incident.come_to_an_end()
            assert self.incident.faults
            assert self.incident.killed
            assert self.incident.jobs
        finally:
            self.incident.end()


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("generation", ["4.3", "6", "7"])
def test_long_incidents(generation: str, clusters_folder: Path, prefect_server: str) -> None:
    name = f"Chaos{generation.replace('.', '')}"
    machine = type(name, (Chaos,), {"generation": generation, "server": prefect_server})
    run_state_machine_as_test(machine, settings=LONG)
