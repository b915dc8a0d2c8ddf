"""The stand-in gpstate prints what the real one printed, in every recorded state."""

import re
from collections.abc import Mapping

import pytest

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.gpstate import Caller, render
from gpmedic.practice.utilities.gpstate_options import parse
from tests.practice.fidelity.normalise import WAITING, Rule, normalise, rule
from tests.practice.fidelity.scene import facts_of
from tests.practice.fidelity.worlds import world
from tests.transcripts import Recorded, Step, arguments, runs

SIZE = r"\d+(?:\.\d+)? (?:bytes|kB|MB|GB)"
ALSO: tuple[Rule, ...] = (
    rule(rf"\b{SIZE}", "SIZE"),
    rule(r"((?:Total resync objects|Objects to resync) +=) \d+", r"\1 OBJECTS"),
    rule(r"((?:Full|Incremental) 100%) \d+ \d+", r"\1 OBJECTS OBJECTS"),
    # The bytes that a mirror has yet to get, in the table of unsynchronized pairs.
    rule(r"^(gpstate INFO - \S+ \d+) \d+ (\S+ \d+)$", r"\1 BYTES \2"),
)

# What is different on purpose, with the reason.
DIFFERENT: Mapping[str, str] = {
    "01-healthy/11-gpstate-table": "An experimental option that nobody in the practice cluster asks for.",
}

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


@pytest.mark.parametrize(("generation", "run"), [r for r in RUNS if str(r[1]) not in DIFFERENT], ids=str)
def test_the_stand_in_prints_what_the_real_gpstate_printed(generation: Recorded, run: Step) -> None:
    assert rendered(generation, run) == recorded(run)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_listed_as_different_is_really_different(name: str) -> None:
    generation, run = next(r for r in RUNS if str(r[1]) == name)
    try:
        assert rendered(generation, run) != recorded(run), "It has become equal: take it off the list."
    except SystemExit:  # an option that the stand-in does not know
        assert "option" in DIFFERENT[name]


@pytest.mark.parametrize("generation", ["gp4", "gp6"])
def test_a_wrong_option_is_refused_as_by_the_real_gpstate(
    generation: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    run = next(run for run in runs(generation, "gpstate") if run.stderr)
    with pytest.raises(SystemExit) as ended:
        parse(arguments(run, "gpstate") or [], Release.V4_3 if generation == "gp4" else Release.V6)
    assert (ended.value.code, capsys.readouterr().err) == (run.exit_code, run.stderr)


@pytest.mark.parametrize("report", ["", "-s", "-e", "-m", "-c", "-Q", "-f", "-i", "-p"])
@pytest.mark.parametrize("generation", ["gp4", "gp6"])
def test_a_table_is_laid_out_like_the_real_one(generation: Recorded, report: str) -> None:
    """Blanks too: where every value has the width of the recorded one, the line is the same to the letter."""
    run = next(r for r in runs(generation, "gpstate") if r.command == f"gpstate {report}".strip())
    facts = facts_of(generation, run)
    caller = Caller(facts.coordinator.hostname, facts.user, facts.coordinator.datadir)
    text, _ = render(facts, parse(report.split(), facts.release), caller, lambda: run.stdout[:24])
    assert _layout(text) == _layout(run.stdout)


def _layout(text: str) -> list[str]:
    lines = [re.sub(r"^.*?-\[", "[", line) for line in text.splitlines() if not WAITING.fullmatch(line)]
    return [re.sub(r"= \S+$|\S+ +\d+ +PostgreSQL.*|: \d+/\S+", "", line) for line in lines]
