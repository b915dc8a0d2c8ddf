"""What gpinitstandby -n printed on a real cluster is read."""

import pytest

from gpmedic.errors import UnreadableOutput
from gpmedic.gpinitstandby import Outcome, parse, restart_argv
from tests.transcripts import Step, recordings

RUNS = [step for step in recordings("gp6") if step.command.strip() == "gpinitstandby -n"]
PREFIX = "20261123:09:40:28:004766 gpinitstandby:mdw:gpadmin-"


def test_the_standby_is_started_without_a_question_and_without_a_change_of_the_catalog() -> None:
    assert restart_argv() == ("gpinitstandby", "-a", "-n")


@pytest.mark.parametrize(
    ("run", "outcome"), [*zip(RUNS, (Outcome.STARTED, Outcome.RUNS_ALREADY, Outcome.FAILED), strict=True)], ids=str
)
def test_every_recorded_restart_is_read(run: Step, outcome: Outcome) -> None:
    report = parse(run.stdout)
    assert report.outcome is outcome
    assert bool(report.errors) == (run.exit_code == 2)
    in_words_of_7 = run.stdout.replace("standby master", "standby coordinator")
    assert parse(in_words_of_7).outcome is outcome


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ("", Outcome.UNFINISHED),
        (f"{PREFIX}[INFO]:-Starting standby master\n", Outcome.UNFINISHED),
        (
            f"{PREFIX}[ERROR]:-Cannot use -n option when standby master has not yet been configured\n"
            f"{PREFIX}[ERROR]:-Error initializing standby master: Standby master not configured\n",
            Outcome.NOT_CONFIGURED,
        ),
    ],
)
def test_what_has_not_ended_and_what_is_not_configured_is_told_apart(lines: str, outcome: Outcome) -> None:
    assert parse(lines).outcome is outcome


@pytest.mark.parametrize(
    "unknown", ["[INFO]:-Removing data directory on standby master...\n", "[INFO]:-Starting standby master\nwhat\n"]
)
def test_what_it_never_says_with_n_is_not_guessed(unknown: str) -> None:
    with pytest.raises(UnreadableOutput):
        parse(PREFIX + unknown)
