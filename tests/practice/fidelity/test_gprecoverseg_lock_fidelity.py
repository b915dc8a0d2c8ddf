"""What the stand-in gprecoverseg prints where another one holds the lock, held against every recorded run."""

import re
from pathlib import Path

import pytest

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_lock import say_held
from tests.practice.fidelity.calls import Outcome, calls, generation, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Table, compared, of_recording
from tests.practice.fidelity.normalise import normalise, rule
from tests.transcripts import Step

ALSO = (rule(r"^\S+ gprecoverseg:default-", "gprecoverseg:default-"),)
HOLDER = re.compile(r"^\d+\S+ gprecoverseg:default-\[ERROR\]:-.*pid:? (\d+)", re.M | re.I)
RUNS = [s for s in calls() if utility_of(s) == "gprecoverseg" and HOLDER.match(s.stdout)]


def recorded(step: Step, table: Table = DIFFERENCES) -> Outcome:
    return Outcome(of_recording(normalise(step.stdout, ALSO), step, table), step.exit_code, normalise(step.stderr))


def rendered(step: Step, _table: Table = DIFFERENCES) -> Outcome:
    """The refused runs of a step; the shell says the exit code of each where it is asked for it."""
    holder = HOLDER.search(step.stdout)
    assert holder
    release = Release.V4_3 if generation(step) == "gp4" else Release.V6
    written: list[str] = []
    said = [f"{name}=0\n" for name in re.findall(r"; echo (rc\d)=\$\?;", step.command)]
    for after in said or [""]:
        console = Console(written.append, "gprecoverseg", "mdw", "gpadmin")
        say_held(console, release, Path("/data/master/gpseg-1"), int(holder[1]))
        written.append(after)
    return Outcome(normalise("".join(written), ALSO), 0, [])  # T1


@pytest.mark.parametrize("step", compared(RUNS), ids=str)
def test_a_held_lock_is_reported_as_by_the_real_one(step: Step) -> None:
    assert rendered(step) == recorded(step)
