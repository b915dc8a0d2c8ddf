"""gpstate: its arguments, and one parser for each of its reports, of every generation.

The exit code says little (T18), so it is not asked for: judge by what was read. A report that was cut off, or that says
something unknown, is UnreadableOutput, never an empty or healthy report. Hosts are addresses as gpstate prints them.
"""

from enum import StrEnum

from gpmedic.gpstate_errors import ErrorReport, parse_errors
from gpmedic.gpstate_mirrors import MirrorReport, parse_mirrors
from gpmedic.gpstate_pairs import DownRow, PairReport, PairRow, QuickReport, parse_pairs, parse_quick
from gpmedic.gpstate_rows import (
    ChangeTrackingPair,
    DataStatus,
    DownSegment,
    Location,
    MirrorRow,
    MirrorStatus,
    Resynchronization,
    ResynchronizingPair,
    SegmentInRecovery,
    SwitchedPair,
    UnsynchronizedPair,
)
from gpmedic.gpstate_standby import Standby, StandbyReplication, StandbyReport, parse_standby
from gpmedic.gpstate_status import CoordinatorStatus, SegmentStatus, StatusReport, parse_status
from gpmedic.gpstate_summary import Counts, SummaryReport, parse_summary
from gpmedic.gpstate_table import UTILITY

__all__ = [
    "ChangeTrackingPair",
    "CoordinatorStatus",
    "Counts",
    "DataStatus",
    "DownRow",
    "DownSegment",
    "ErrorReport",
    "Location",
    "MirrorReport",
    "MirrorRow",
    "MirrorStatus",
    "PairReport",
    "PairRow",
    "QuickReport",
    "Report",
    "Resynchronization",
    "ResynchronizingPair",
    "SegmentInRecovery",
    "SegmentStatus",
    "Standby",
    "StandbyReplication",
    "StandbyReport",
    "StatusReport",
    "SummaryReport",
    "SwitchedPair",
    "UnsynchronizedPair",
    "argv",
    "parse_errors",
    "parse_mirrors",
    "parse_pairs",
    "parse_quick",
    "parse_standby",
    "parse_status",
    "parse_summary",
]


class Report(StrEnum):
    """A report of gpstate, by its option."""

    ERRORS = "-e"
    MIRRORS = "-m"
    STATUS = "-s"
    STANDBY = "-f"
    QUICK = "-Q"
    PAIRS = "-c"
    SUMMARY = ""


def argv(report: Report) -> tuple[str, ...]:
    """The command of a report; equal in every generation."""
    return (UTILITY, report.value) if report.value else (UTILITY,)
