"""The stand-in gpstate prints what the real one printed, in every recorded state."""

from collections.abc import Mapping

import pytest
from tests.practice.fidelity.normalise import Rule, normalise, rule
from tests.practice.fidelity.scene import facts_of, world

from gpmedic.practice.utilities.gpstate import Caller, render
from gpmedic.practice.utilities.gpstate_options import parse
from tests.transcripts import Recorded, Step, arguments, runs

SIZE = r"\d+(?:\.\d+)? (?:bytes|kB|MB|GB)"
ALSO: tuple[Rule, ...] = (
    rule(rf"\b{SIZE}", "SIZE"),
    rule(r"((?:Total resync objects|Objects to resync) +=) \d+", r"\1 OBJECTS"),
    rule(r"((?:Full|Incremental) 100%) \d+ \d+", r"\1 OBJECTS OBJECTS"),
    # The bytes that a mirror has yet to get, in the table of unsynchronized pairs.
    rule(r"^(gpstate INFO - \S+ \d+) \d+ (\S+ \d+)$", r"\1 BYTES \2"),
)

# What cannot be derived from a snapshot, or is different on purpose, with the reason.
DIFFERENT: Mapping[str, str] = {}

RUNS: list[tuple[Recorded, Step]] = [
    (generation, run)
    for generation in ("gp4", "gp6")
    for run in runs(generation, "gpstate")
    if not run.stderr  # wrong options: a test of their own
]


def recorded(run: Step) -> tuple[list[str], int | None]:
    return normalise(run.stdout, ALSO), run.exit_code


def rendered(generation: Recorded, run: Step) -> tuple[list[str], int]:
    facts = facts_of(generation, run)
    options = parse(arguments(run, "gpstate") or [], facts.release)
    around = world(run)
    directory = None if run.command.startswith("unset") else facts.coordinator.datadir
    caller = Caller(around.host or facts.coordinator.hostname, facts.user, directory, around.progress)
    text, code = render(facts, options, caller, lambda: "20261123:08:46:40:010153")
    return normalise(text, ALSO), code


@pytest.mark.parametrize(("generation", "run"), RUNS, ids=str)
def test_the_stand_in_prints_what_the_real_gpstate_printed(generation: Recorded, run: Step) -> None:
    if str(run) in DIFFERENT:
        return
    lines, code = rendered(generation, run)
    assert (lines, code) == recorded(run)
