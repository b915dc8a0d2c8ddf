"""The stand-in gpstate prints what the real one printed, in every recorded state."""

import re

import pytest

from gpmedic.practice.utilities.gpstate import Caller, render
from gpmedic.practice.utilities.gpstate_options import parse
from tests.practice.fidelity.calls import Outcome, arguments_of, calls, generation, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Table, compared, of_recording
from tests.practice.fidelity.normalise import WAITING, Rule, normalise, rule
from tests.practice.fidelity.scene import facts_of
from tests.practice.fidelity.worlds import world
from tests.transcripts import Recorded, Step, runs

SIZE = r"\d+(?:\.\d+)? (?:bytes|kB|MB|GB)"
ALSO: tuple[Rule, ...] = (
    rule(rf"\b{SIZE}", "SIZE"),
    rule(r"((?:Total resync objects|Objects to resync) +=) \d+", r"\1 OBJECTS"),
    rule(r"((?:Full|Incremental) 100%) \d+ \d+", r"\1 OBJECTS OBJECTS"),
    # The bytes that a mirror has yet to get, in the table of unsynchronized pairs.
    rule(r"^(gpstate INFO - \S+ \d+) \d+ (\S+ \d+)$", r"\1 BYTES \2"),
)

RUNS = [step for step in calls() if utility_of(step) == "gpstate" and not step.stderr.startswith("Usage")]


def recorded(run: Step, table: Table = DIFFERENCES) -> Outcome:
    return Outcome(of_recording(normalise(run.stdout, ALSO), run, table), run.exit_code, normalise(run.stderr))


def rendered(run: Step, _table: Table = DIFFERENCES) -> Outcome:
    facts = facts_of(generation(run), run)
    options = parse(arguments_of(run), facts.release)
    around = world(run)
    directory = None if run.command.startswith("unset") else facts.coordinator.datadir
    caller = Caller(around.host or facts.coordinator.hostname, facts.user, directory, around.progress)
    text, code = render(facts, options, caller, lambda: "20261123:08:46:40:010153")
    return Outcome(normalise(text, ALSO), code, [])


@pytest.mark.parametrize("run", compared(RUNS), ids=str)
def test_the_stand_in_prints_what_the_real_gpstate_printed(run: Step) -> None:
    assert rendered(run) == recorded(run)


@pytest.mark.parametrize("report", ["", "-s", "-e", "-m", "-c", "-Q", "-f", "-i", "-p"])
@pytest.mark.parametrize("recorder", ["gp4", "gp6"])
def test_a_table_is_laid_out_like_the_real_one(recorder: Recorded, report: str) -> None:
    """Blanks too: where every value has the width of the recorded one, the line is the same to the letter."""
    run = next(r for r in runs(recorder, "gpstate") if r.command == f"gpstate {report}".strip())
    facts = facts_of(recorder, run)
    caller = Caller(facts.coordinator.hostname, facts.user, facts.coordinator.datadir)
    text, _ = render(facts, parse(report.split(), facts.release), caller, lambda: run.stdout[:24])
    assert _layout(text) == _layout(run.stdout)


def _layout(text: str) -> list[str]:
    lines = [re.sub(r"^.*?-\[", "[", line) for line in text.splitlines() if not WAITING.fullmatch(line)]
    return [re.sub(r"= \S+$|\S+ +\d+ +PostgreSQL.*|: \d+/\S+", "", line) for line in lines]
