"""gpstop and gpstart: their arguments, and what their output says, of every generation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from gpmedic import gpstop_lines as lines
from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.gpstop_lines import StartOutcome, StopOutcome
from gpmedic.utility_log import Level, Record, labelled

T = TypeVar("T")
STOP_WITHIN: Final = 600
"""Seconds that gpstop gives a segment before it kills it, as gprecoverseg -r does: its own 120 end a healthy primary in
the middle of a long checkpoint."""
START_WITHIN: Final = 1800
"""Seconds that gpstart gives a segment: after its own 600 a primary that still replays counts as failed since 7, and
everything is stopped again, that one too. Not longer, for until then it waits for mirrors that replay as well."""


class ShutdownMode(StrEnum):
    """How gpstop treats sessions; gpmedic's plans use FAST, because SMART waits for them or gives up (T28, T29)."""

    SMART = "smart"  # 4.3 aborts while there are sessions, 6 waits until running queries have ended
    FAST = "fast"  # ends sessions and rolls their transactions back


class Standby(StrEnum):
    """What gpstart does about the standby coordinator.

    Before anything else it reads the standby's control file, to see that it was not promoted, and where it cannot, it
    starts nothing (T13). Only -S leaves that out; -y only keeps it from starting the standby. From the sources of 4.3,
    6 and 7.
    """

    START = "start"
    SKIP = "skip"
    UNREAD = "unread"


_STANDBY: Final[Mapping[Standby, tuple[str, ...]]] = MappingProxyType(
    {Standby.START: (), Standby.SKIP: ("-y",), Standby.UNREAD: ("-y", "-S")}
)


def stop_argv(mode: ShutdownMode = ShutdownMode.FAST) -> tuple[str, ...]:
    return ("gpstop", "-a", "-M", mode.value, "-t", str(STOP_WITHIN))


def restart_argv(mode: ShutdownMode = ShutdownMode.FAST) -> tuple[str, ...]:
    """Stop and start in one; where a segment cannot start, it may leave the whole database down (T28)."""
    return ("gpstop", "-a", "-r", "-M", mode.value)


def reload_argv() -> tuple[str, ...]:
    """Read pg_hba.conf and postgresql.conf again, without an interruption."""
    return ("gpstop", "-a", "-u")


def start_argv(standby: Standby = Standby.START) -> tuple[str, ...]:
    return ("gpstart", "-a", *_STANDBY[standby], "-t", str(START_WITHIN))


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


def parse_stop(text: str) -> StopReport:
    """Read what gpstop has printed so far; a last line without an end is left out.

    Raises:
        UnreadableOutput: two runs are mixed, or it says something unknown.
    """
    log = utility_log.read(text, "gpstop").records
    numbers = _numbers(log)
    outcome = _outcome(log, lines.STOP_LINES, lines.STOP_ERRORS) or StopOutcome.UNFINISHED
    counts = numbers.get("stopped"), numbers.get("with_errors")
    return StopReport(outcome, *counts, _texts(log, Level.WARNING), _texts(log, Level.ERROR, Level.CRITICAL))


def parse_start(text: str) -> StartReport:
    """Read what gpstart has printed so far; a last line without an end is left out.

    Raises:
        UnreadableOutput: two runs are mixed, or it says something unknown.
    """
    log = utility_log.read(text, "gpstart").records
    numbers = _numbers(log)
    outcome = _outcome(log, lines.START_LINES, lines.START_ERRORS) or StartOutcome.UNFINISHED
    counts = numbers.get("started"), numbers.get("failed"), numbers.get("skipped")
    return StartReport(outcome, *counts, _texts(log, Level.WARNING), _texts(log, Level.ERROR, Level.CRITICAL))


def _texts(log: Sequence[Record], *levels: Level) -> tuple[str, ...]:
    return tuple(record.text for record in log if record.level in levels)


def _numbers(log: Sequence[Record]) -> dict[str, int]:
    """The counts that are printed; every line is looked at, and an unknown one is UnreadableOutput."""
    numbers: dict[str, int] = {}
    for record in log:
        pair = labelled(record) if record.level in {Level.INFO, Level.WARNING} else None
        if pair is not None and pair[0] in lines.LABELS and pair[1].isdecimal() and len(pair[1]) < 10:
            numbers[lines.LABELS[pair[0]]] = int(pair[1])
        elif record.level is Level.INFO and not record.is_rule and not lines.is_known(record.message):
            raise record.unreadable()
        loose = (
            [] if record.level in {Level.ERROR, Level.CRITICAL} or "FAILED" in record.message else record.continuation
        )
        for line in loose:
            if not utility_log.is_dots(line) and not lines.PLAIN.fullmatch(line):
                raise UnreadableOutput(record.utility, line)
    return numbers


def _outcome(log: Sequence[Record], ends: Sequence[tuple[str, T]], errors: Sequence[tuple[str, T]]) -> T | None:
    """What the last decisive line says; an error that ended the run comes after everything else."""
    outcome = None
    for record in log:
        failed = record.level is Level.CRITICAL or (record.level is Level.ERROR and " error: " in record.message)
        table = errors if failed else ends
        outcome = next((o for pattern, o in table if re.match(pattern, lines.words(record.message))), outcome)
    return outcome
