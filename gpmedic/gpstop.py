"""gpstop and gpstart: their arguments, and what their output says, of every generation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.utility_log import Level, Record, labelled

T = TypeVar("T")


class ShutdownMode(StrEnum):
    """How gpstop treats sessions; gpmedic's plans use FAST, because SMART waits for them or gives up (T28, T29)."""

    SMART = "smart"  # 4.3 aborts while there are sessions, 6 waits until running queries have ended
    FAST = "fast"  # ends sessions and rolls their transactions back


class Standby(StrEnum):
    """What gpstart does about the standby coordinator; it refuses to start when that cannot be reached (T13)."""

    START = "start"
    SKIP = "skip"


def stop_argv(mode: ShutdownMode = ShutdownMode.FAST) -> tuple[str, ...]:
    return ("gpstop", "-a", "-M", mode.value)


def restart_argv(mode: ShutdownMode = ShutdownMode.FAST) -> tuple[str, ...]:
    """Stop and start in one; where a segment cannot start, it may leave the whole database down (T28)."""
    return ("gpstop", "-a", "-r", "-M", mode.value)


def reload_argv() -> tuple[str, ...]:
    """Read pg_hba.conf and postgresql.conf again, without an interruption."""
    return ("gpstop", "-a", "-u")


def start_argv(standby: Standby = Standby.START) -> tuple[str, ...]:
    return ("gpstart", "-a", "-y") if standby is Standby.SKIP else ("gpstart", "-a")


class StopOutcome(StrEnum):
    UNFINISHED = "unfinished"
    STOPPED = "stopped"
    RESTARTING = "stopped and told to start"  # a start that works prints nothing: ask the cluster
    RELOADED = "configuration reloaded"
    ALREADY_STOPPED = "already stopped"
    ACTIVE_CONNECTIONS = "refused: sessions are open"
    ERROR = "error"


class StartOutcome(StrEnum):
    UNFINISHED = "unfinished"
    STARTED = "started"
    ALREADY_RUNNING = "already running"
    NOT_ENOUGH_SEGMENTS = "not enough segments: everything was stopped again"
    STANDBY_UNREACHABLE = "refused: the standby cannot be reached"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StopReport:
    """What gpstop said; numbers of segment instances, None where it did not get that far."""

    outcome: StopOutcome
    stopped: int | None = None
    with_errors: int | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartReport:
    """What gpstart said; numbers of segment instances, None where it did not get that far."""

    outcome: StartOutcome
    started: int | None = None
    failed: int | None = None
    skipped: int | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


_STOP_LINES: tuple[tuple[str, StopOutcome], ...] = (
    (r"Database successfully shutdown with no errors reported", StopOutcome.STOPPED),
    (r"Restarting System\.\.\.", StopOutcome.RESTARTING),
    (r"Signalling all postmaster processes to reload", StopOutcome.RELOADED),
)
_STOP_ERRORS: tuple[tuple[str, StopOutcome], ...] = (
    (r".*is Greenplum instance already stopped\?", StopOutcome.ALREADY_STOPPED),
    (r".*Active connections\. Aborting shutdown\.\.\.", StopOutcome.ACTIVE_CONNECTIONS),
    (r".*", StopOutcome.ERROR),
)
_START_LINES: tuple[tuple[str, StartOutcome], ...] = (
    (r"Database successfully started", StartOutcome.STARTED),
    (r"Non interactive mode detected\. Not starting the cluster\b", StartOutcome.STANDBY_UNREACHABLE),
)
_START_ERRORS: tuple[tuple[str, StartOutcome], ...] = (
    (r".*Master instance process running", StartOutcome.ALREADY_RUNNING),
    (r".*Do not have enough valid segments to start the array\.", StartOutcome.NOT_ENOUGH_SEGMENTS),
    (r".*", StartOutcome.ERROR),
)

# Master stands for coordinator too; see _words.
_KNOWN = re.compile(
    r"|".join(
        (
            r" *",
            r"Starting (?:gpstop|gpstart) with args: ?.*",
            r"Gathering information and validating the environment\.\.\.",
            r"Obtaining Greenplum Master catalog information",
            r"Obtaining Segment details from master\.\.\.",
            r"Greenplum (?:Binary |Catalog )?Version: '.*'",
            # stop
            r"There are \d+ connections to the database",
            r"Commencing Master instance shutdown with mode=.*",
            r"Master host=.*",
            r"Detected \d+ connections to database",
            r"Switching to WAIT mode",
            r"Will wait for shutdown to complete, this may take some time if",
            r"there are a large number of active complex transactions, please wait\.\.\.",
            r"Master segment instance directory=.*",
            r"Stopping master segment and waiting for user connections to finish \.\.\.",
            r"Attempting forceful termination of any leftover master process",
            r"Terminating processes for segment .*",
            r"No standby master (?:host )?configured.*",
            r"Stopping master standby host \S+ mode=.*",
            r"Successfully shutdown standby process on \S+",
            r"Targeting dbid \[[\d, ]*\] for shutdown",
            r"Commencing parallel (?:primary |mirror |primary and mirror )?segment instance (?:shutdown|startup), .*",
            r"\d+\.\d+% of jobs completed",
            r" +\(stop was still attempted on these segments\)",
            r"Successfully (?:shutdown|started) \d+ of \d+ segment instances ?(?:<<<<<<<<)?",
            r"(?:Cleaning up|No) leftover .*",
            r"Clearing .*",
            r"Setting recovery parameters",
            r"Commencing forced shutdown",
            # start
            r"Starting Master instance .*",
            r"Setting new master era",
            r"Master Started\.\.\.",
            r"Shutting down master",
            r"Process results\.\.\.",
            r"Command pg_ctl reports Master \S+ instance active",
            r"Connecting to dbname='\S+' connect_timeout=\d+",
            r"Starting standby master",
            r"Checking if standby master is running on host: .*",
            r"Commencing recovery startup checks",
            r"Have lock file .* and a process running on port \d+",
            r"Skipping Standby activation status checking",
            r"dumping success segments: \[.*\]",
            r"DBID:\d+  FAILED  host:.*",
        )
    )
)
_PLAIN = re.compile(r"server shutting down")
_LABELS = {
    "Segments stopped successfully": "stopped",
    "Segments with errors during stop": "with_errors",
    "Segments that are currently marked down in configuration": "",
    "Successful segment starts": "started",
    "Failed segment starts": "failed",
    "Skipped segment starts (segments are marked down in configuration)": "skipped",
}


def parse_stop(text: str) -> StopReport:
    """Read what gpstop has printed so far; a last line without an end is left out.

    Raises:
        UnreadableOutput: two runs are mixed, or it says something unknown.
    """
    log = utility_log.read(text, "gpstop").records
    numbers = _numbers(log)
    outcome = _outcome(log, _STOP_LINES, _STOP_ERRORS) or StopOutcome.UNFINISHED
    counts = numbers.get("stopped"), numbers.get("with_errors")
    return StopReport(outcome, *counts, _texts(log, Level.WARNING), _texts(log, Level.ERROR, Level.CRITICAL))


def parse_start(text: str) -> StartReport:
    """Read what gpstart has printed so far; a last line without an end is left out.

    Raises:
        UnreadableOutput: two runs are mixed, or it says something unknown.
    """
    log = utility_log.read(text, "gpstart").records
    numbers = _numbers(log)
    outcome = _outcome(log, _START_LINES, _START_ERRORS) or StartOutcome.UNFINISHED
    counts = numbers.get("started"), numbers.get("failed"), numbers.get("skipped")
    return StartReport(outcome, *counts, _texts(log, Level.WARNING), _texts(log, Level.ERROR, Level.CRITICAL))


def _words(record: Record) -> str:
    """The message in the words of 6: since 7 the master is called coordinator."""
    return record.message.replace("coordinator", "master").replace("Coordinator", "Master")


def _texts(log: Sequence[Record], *levels: Level) -> tuple[str, ...]:
    return tuple(record.text for record in log if record.level in levels)


def _numbers(log: Sequence[Record]) -> dict[str, int]:
    """The counts that are printed; every line is looked at, and an unknown one is UnreadableOutput."""
    numbers: dict[str, int] = {}
    for record in log:
        pair = labelled(record) if record.level in {Level.INFO, Level.WARNING} else None
        if pair is not None and pair[0] in _LABELS and pair[1].isdecimal():
            numbers[_LABELS[pair[0]]] = int(pair[1])
        elif record.level is Level.INFO and not record.is_rule and not _is_known(record):
            raise record.unreadable()
        loose = (
            [] if record.level in {Level.ERROR, Level.CRITICAL} or "FAILED" in record.message else record.continuation
        )
        for line in loose:
            if not utility_log.is_dots(line) and not _PLAIN.fullmatch(line):
                raise UnreadableOutput(record.utility, line)
    return numbers


def _is_known(record: Record) -> bool:
    decisive = (pattern for pattern, _ in (*_STOP_LINES, *_START_LINES))
    return bool(_KNOWN.fullmatch(_words(record))) or any(re.match(p, record.message) for p in decisive)


def _outcome(log: Sequence[Record], lines: Sequence[tuple[str, T]], errors: Sequence[tuple[str, T]]) -> T | None:
    """What the last decisive line says; an error that ended the run comes after everything else."""
    outcome = None
    for record in log:
        ends = record.level is Level.CRITICAL or (record.level is Level.ERROR and " error: " in record.message)
        table = errors if ends else lines
        outcome = next((o for pattern, o in table if re.match(pattern, _words(record))), outcome)
    return outcome
