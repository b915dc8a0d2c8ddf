"""What the stand-in gpinitstandby -n prints, held against every recorded run of the real one, line by line."""

from dataclasses import dataclass, replace

import pytest

from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.utilities import gpinitstandby
from gpmedic.practice.utilities.console import Console
from tests.practice.fidelity.calls import Outcome, arguments_of, calls, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Table, compared, of_recording
from tests.practice.fidelity.normalise import normalise
from tests.practice.fidelity.scene import facts_of
from tests.transcripts import Step

RUNS = [step for step in calls() if utility_of(step) == "gpinitstandby"]


@dataclass
class RecordedStandby:
    """Answers as the recorded cluster did: who was connected, and how the start ended."""

    step: Step
    home: str = "/usr/local/greenplum-db-6"

    def facts(self) -> Facts:
        facts = facts_of("gp6", self.step)
        connected = self.step.name.endswith("when-up")
        return facts if connected else replace(facts, replication=tuple(r for r in facts.replication if r.content >= 0))

    def start(self, standby: SegmentFacts) -> None:
        if self.step.name.endswith("wiped"):
            raise gpinitstandby.CommandFailed(1, "", f'pg_ctl: directory "{standby.datadir}" does not exist\n')


def recorded(step: Step, table: Table = DIFFERENCES) -> Outcome:
    return Outcome(of_recording(normalise(step.stdout), step, table), step.exit_code, normalise(step.stderr))


def rendered(step: Step, _table: Table = DIFFERENCES) -> Outcome:
    written: list[str] = []
    console = Console(written.append, "gpinitstandby", "mdw", "gpadmin")
    options = gpinitstandby.parse(arguments_of(step))
    code = gpinitstandby.program(options, RecordedStandby(step), console, "mdw")
    return Outcome(normalise("".join(written)), code, [])


@pytest.mark.parametrize("step", compared(RUNS), ids=str)
def test_the_stand_in_prints_what_the_real_one_printed(step: Step) -> None:
    assert rendered(step) == recorded(step)
