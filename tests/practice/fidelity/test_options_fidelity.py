"""What a stand-in answers before it looks at the cluster: its version, a wrong option, a variable that is not set."""

import io
import re
from contextlib import redirect_stderr

import pytest

from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.utilities import gprecoverseg_options, gpstate_options, gpstop_main
from gpmedic.practice.utilities.gprecoverseg import without_directory
from gpmedic.practice.utilities.startup import version_line
from tests.practice.fidelity.calls import Outcome, arguments_of, calls, generation, step_of, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Table, compared, of_recording
from tests.practice.fidelity.normalise import normalise
from tests.practice.fidelity.scene import facts_of
from tests.transcripts import Step

WITHOUT_DIRECTORY = "unset MASTER_DATA_DIRECTORY; gprecoverseg "
EARLY = {"--version", "--help"}
RUNS = [
    step
    for step in calls()
    if step.stderr.startswith("Usage:")
    or step.command.startswith(WITHOUT_DIRECTORY)
    or (EARLY.intersection(arguments_of(step)) and utility_of(step) != "gpstate")
]
"""gpstate is compared as a whole by its own test, its --version too."""


def recorded(step: Step, table: Table = DIFFERENCES) -> Outcome:
    stderr = of_recording(normalise(step.stderr), step, table)
    return Outcome(step.stdout.splitlines(), step.exit_code, stderr)


def rendered(step: Step, _table: Table = DIFFERENCES) -> Outcome:
    facts = facts_of(generation(step), step)
    text, complained = "", io.StringIO()
    code = 0
    with redirect_stderr(complained):
        if step.command.startswith(WITHOUT_DIRECTORY):
            code = without_directory(facts, complained.write)
        else:
            try:
                text = _answer(step, facts)
            except SystemExit as ended:
                code = int(ended.code or 0)
    return Outcome(text.splitlines(), code, normalise(complained.getvalue()))


def _answer(step: Step, facts: Facts) -> str:
    """What is said of the arguments before every other thing."""
    utility, arguments = utility_of(step), arguments_of(step)
    if utility == "gpstate":
        return version_line(utility, facts) if gpstate_options.parse(arguments, facts.release).version else ""
    if utility == "gprecoverseg":
        options = gprecoverseg_options.parse(arguments, facts.release)
        return version_line(utility, facts) if options.version else gprecoverseg_options.help_text(facts.release)
    return version_line(utility, facts) if gpstop_main.parse(gpstop_main.Utility(utility), arguments).version else ""


@pytest.mark.parametrize("step", compared(RUNS), ids=str)
def test_the_stand_in_answers_what_the_real_one_answered(step: Step) -> None:
    assert rendered(step) == recorded(step)


def test_help_names_the_options_that_the_real_help_of_6_names() -> None:
    real = step_of("a-healthy/14-gprecoverseg-help").stdout
    ours = gprecoverseg_options.help_text(Release.V6)
    for option in (o for o in gprecoverseg_options.OPTIONS if Release.V6 in o.releases):
        line = re.compile(rf"^{re.escape(option.flag)}\b", re.M)
        assert line.search(real), option
        assert line.search(ours), option
    assert "--differential" not in real + ours
    assert "--differential" in gprecoverseg_options.help_text(Release.V7)
