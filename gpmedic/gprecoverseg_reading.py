"""Reading the output of one run of gprecoverseg, also while it still runs."""

import re

from gpmedic import gprecoverseg_lines as lines
from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.gprecoverseg_lines import UTILITY, Event, RecoveryType
from gpmedic.gprecoverseg_parameters import Parameters
from gpmedic.gprecoverseg_report import (
    FailedSegment,
    Outcome,
    Progress,
    RecoverReport,
    UnreachableSegment,
    parse_progress,
)
from gpmedic.utility_log import Level, Record


def parse(text: str) -> RecoverReport:
    """Read what gprecoverseg has printed so far, from its first byte on; a last line without an end is left out.

    Raises:
        UnreadableOutput: its beginning is missing, two runs are mixed, or it says something unknown.
    """
    reading = _Reading()
    records = utility_log.read(text, UTILITY).records
    first = records[0] if records else None
    if (
        first is not None
        and first.level is Level.INFO
        and not first.message.startswith("Starting gprecoverseg with args:")
    ):
        raise first.unreadable()
    for record in records:
        reading.take(record)
    return reading.report()


class _Reading:
    """Takes record after record of one run."""

    def __init__(self) -> None:
        self._parameters = [Parameters()]  # of the run itself and, in a rebalance, of the recovery inside it
        self._events: set[Event] = set()
        self._nested = False
        self._gave_up = False
        self._some_failed = False
        self._warnings: list[str] = []
        self._errors: list[str] = []
        self._unreachable: list[UnreachableSegment] = []
        self._not_rebalanced: list[tuple[int, int]] = []
        self._skipped_contents: list[int] = []
        self._failed: list[FailedSegment] = []
        self._progress: dict[int, Progress] = {}
        self._messages: dict[int, str] = {}
        self._lock_pid: int | None = None

    def take(self, record: Record) -> None:
        if record.level in {Level.ERROR, Level.CRITICAL}:
            self._error(record)
            return
        if record.level is Level.WARNING:
            self._warning(record)
        elif record.level is Level.INFO and not self._parameters[-1].take(record):
            self._info(record)
        if lines.CONTROLDATA.fullmatch(record.message) is None:
            for line in record.continuation:
                self._plain(line)

    def _error(self, record: Record) -> None:
        self._errors.append(record.text)
        for pattern in lines.LOCKED:
            locked = pattern.match(record.message)
            if locked is not None:
                self._lock_pid = int(locked["pid"])
        failed = lines.FAILED_SEGMENT.fullmatch(record.message)
        if failed is not None:
            self._failed_segment(failed)
        elif lines.SOME_FAILED.fullmatch(record.message) is not None:
            self._some_failed = True
        elif lines.GAVE_UP.fullmatch(record.message) is not None:
            self._gave_up = True

    def _warning(self, record: Record) -> None:
        known = next((m for m in (p.fullmatch(record.message) for p in lines.KNOWN_WARNINGS) if m), None)
        if known is None:
            raise record.unreadable()
        self._warnings.append(record.message)
        if known.re is lines.NOT_RECOVERING:
            self._unreachable.append(UnreachableSegment(int(known["dbid"]), known["host"]))
        elif known.re is lines.NOT_REBALANCING:
            self._not_rebalanced.append((int(known["primary"]), int(known["mirror"])))
        elif known.re is lines.ALREADY_COPYING:
            self._skipped_contents += [int(content) for content in known["contents"].split(",")]

    def _info(self, record: Record) -> None:
        event = next((event for event, pattern in lines.EVENTS if pattern.fullmatch(record.message)), None)
        failed = lines.FAILED_SEGMENT.fullmatch(record.message)
        if event is Event.NESTED_BEGINS:
            self._nested = True
            self._parameters.append(Parameters())
        elif event is Event.NESTED_ENDS:
            self._nested = False
        elif event is not None and not self._nested:
            self._events.add(event)
        elif failed is not None:
            self._failed_segment(failed)
        elif event is None and not record.is_rule and not any(p.fullmatch(record.message) for p in lines.KNOWN_INFO):
            raise record.unreadable()

    def _failed_segment(self, match: re.Match[str]) -> None:
        kind = RecoveryType(match["type"]) if match["type"] else None
        where = match["host"], int(match["port"])
        self._failed.append(FailedSegment(*where, kind, match["logfile"], match["datadir"], match["error"]))

    def _plain(self, line: str) -> None:
        worker = lines.WORKER.fullmatch(line)
        if worker is not None:
            dbid = int(worker["dbid"])
            self._messages[dbid] = worker["text"].strip()
            progress = parse_progress(line)
            if progress is not None:
                self._progress[dbid] = progress
        elif not utility_log.is_dots(line) and not any(p.fullmatch(line) for p in lines.PLAIN):
            raise UnreadableOutput(UTILITY, line)

    def report(self) -> RecoverReport:
        outcome = self._outcome()
        own, *nested = self._parameters
        if outcome is not Outcome.UNFINISHED:
            for parameters in self._parameters:
                parameters.close()
        return RecoverReport(
            outcome,
            tuple(own.recoveries),
            tuple(own.unbalanced),
            tuple(recovery for parameters in nested for recovery in parameters.recoveries),
            tuple(self._warnings),
            tuple(self._errors),
            tuple(self._unreachable),
            tuple(self._not_rebalanced),
            tuple(self._skipped_contents),
            tuple(self._failed),
            tuple(self._progress[dbid] for dbid in sorted(self._progress)),
            tuple(sorted(self._messages.items())),
            self._lock_pid,
        )

    def _outcome(self) -> Outcome:
        """The first row that holds; errors before success, because both are printed when some segments failed."""
        seen = self._events
        incomplete = bool(self._not_rebalanced or self._some_failed) or Event.NONE_REBALANCED in seen
        table = (
            (self._lock_pid is not None, Outcome.LOCK_HELD),
            (Event.DECLINED in seen, Outcome.DECLINED),
            (self._gave_up, Outcome.ERROR),
            (Event.REBALANCED_WITH_WARNINGS in seen, Outcome.REBALANCE_WARNINGS),
            (Event.REBALANCED in seen and incomplete, Outcome.REBALANCE_WARNINGS),
            (Event.REBALANCED in seen, Outcome.REBALANCED),
            (Event.NOTHING_TO_REBALANCE in seen, Outcome.NOTHING_TO_REBALANCE),
            (self._some_failed and not self._nested, Outcome.SOME_FAILED),
            (Event.RECOVERED in seen, Outcome.RECOVERED),
            (Event.NOTHING_TO_RECOVER in seen and bool(self._unreachable), Outcome.SKIPPED_UNREACHABLE),
            (Event.NOTHING_TO_RECOVER in seen and bool(self._skipped_contents), Outcome.SKIPPED_RUNNING),
            (Event.NOTHING_TO_RECOVER in seen, Outcome.NOTHING_TO_RECOVER),
            (Event.CONFIGURATION_WRITTEN in seen, Outcome.CONFIGURATION_WRITTEN),
        )
        return next((outcome for holds, outcome in table if holds), Outcome.UNFINISHED)
