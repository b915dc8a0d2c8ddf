"""What gpstop and gpstart printed on real clusters is read."""

import pytest

from gpmedic import gpstop
from gpmedic.errors import UnreadableOutput
from gpmedic.gpstop import ShutdownMode, Standby, StartOutcome, StopOutcome
from tests.domain.recorded import GENERATIONS
from tests.transcripts import Step, runs


def recorded(utility: str) -> list[Step]:
    every = [run for generation in GENERATIONS for run in runs(generation, utility)]
    return [run for run in every if "--version" not in run.command]


STOPS, STARTS = recorded("gpstop"), recorded("gpstart")


@pytest.mark.parametrize("run", STOPS, ids=str)
def test_every_recorded_gpstop_is_read_and_says_what_it_did(run: Step) -> None:
    report = gpstop.parse_stop(run.stdout)
    restart = " -ar" in run.command or " -r" in run.command
    done = StopOutcome.RESTARTING if restart else StopOutcome.STOPPED
    assert (report.outcome is done) == (run.exit_code == 0)
    assert report.with_errors == (0 if report.stopped is not None else None)
    assert bool(report.errors) == (run.exit_code == 2)


@pytest.mark.parametrize("run", STARTS, ids=str)
def test_every_recorded_gpstart_is_read_and_says_what_it_did(run: Step) -> None:
    report = gpstop.parse_start(run.stdout)
    assert (report.outcome is StartOutcome.STARTED) == (run.exit_code == 0)
    assert (report.outcome is StartOutcome.UNFINISHED) == bool(run.ended)
    assert (report.failed == 0) == (run.exit_code == 0)


def test_open_sessions_and_too_few_segments_are_told_apart_from_other_errors() -> None:
    refused = next(run for run in STOPS if str(run).startswith("04-both-killed"))
    assert gpstop.parse_stop(refused.stdout).outcome is StopOutcome.ACTIVE_CONNECTIONS
    too_few = next(run for run in STARTS if "segment-cannot-start" in str(run))
    assert gpstop.parse_start(too_few.stdout).outcome is StartOutcome.NOT_ENOUGH_SEGMENTS


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (
            "[WARNING]:-Non interactive mode detected. Not starting the cluster. Start the cluster in...",
            StartOutcome.STANDBY_UNREACHABLE,
        ),
        ("[INFO]:-Check status of database with gpstate utility", StartOutcome.STARTED_PARTLY),
        ("[WARNING]:-Number of segments which failed to start:  2", StartOutcome.STARTED_PARTLY),
        ("[WARNING]:-Standby Coordinator could not be started", StartOutcome.STARTED_PARTLY),
        ("[INFO]:-Database successfully started", StartOutcome.STARTED),
        ("[INFO]:-Process results...", StartOutcome.UNFINISHED),
    ],
)
def test_each_way_in_which_a_start_ends_is_told_apart(ending: str, outcome: StartOutcome) -> None:
    prefix = "20261123:11:11:34:001133 gpstart:mdw:gpadmin-"
    report = gpstop.parse_start(f"{prefix}[INFO]:-Starting gpstart with args: -a\n{prefix}{ending}\n")
    assert report.outcome is outcome


def test_segments_that_did_not_stop_are_not_called_stopped() -> None:
    prefix = "20261123:11:11:34:001133 gpstop:mdw:gpadmin-"
    report = gpstop.parse_stop(
        f"{prefix}[INFO]:-   Segments stopped successfully      = 11\n"
        f"{prefix}[WARNING]:-Segments with errors during stop   = 1    <<<<<<<<\n"
        f"{prefix}[INFO]:-Successfully shutdown 11 of 12 segment instances <<<<<<<<\n"
        f"{prefix}[WARNING]:-Segment instance shutdown failures reported\n"
    )
    assert (report.outcome, report.stopped, report.with_errors) == (StopOutcome.STOPPED_WITH_ERRORS, 11, 1)


def test_an_unknown_line_is_named_and_never_guessed() -> None:
    known = STOPS[-1].stdout
    with pytest.raises(UnreadableOutput):
        gpstop.parse_stop(known.replace("Cleaning up leftover shared memory", "Throwing away shared memory"))


def test_the_arguments_end_sessions_and_never_ask() -> None:
    assert gpstop.restart_argv() == ("gpstop", "-a", "-r", "-M", "fast")
    assert gpstop.stop_argv(ShutdownMode.SMART) == ("gpstop", "-a", "-M", "smart", "-t", "600")
    assert gpstop.reload_argv() == ("gpstop", "-a", "-u")
    patient = "-t 1800"
    assert [" ".join(gpstop.start_argv(standby)) for standby in Standby] == [
        f"gpstart -a {patient}",
        f"gpstart -a -y {patient}",
        f"gpstart -a -y -S {patient}",
    ]
