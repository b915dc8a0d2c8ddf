"""`gpstate -e`: which segments need attention. Sections and their columns are a table of data."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.gpstate_rows import (
    ChangeTrackingPair,
    DownSegment,
    Location,
    ResynchronizingPair,
    SegmentInRecovery,
    SwitchedPair,
    UnsynchronizedPair,
    number,
    percent,
    resynchronization,
    size,
)
from gpmedic.gpstate_table import UNAVAILABLE, Cells, Table, blocks_between_rules, body
from gpmedic.utility_log import Level, Record, integer


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """What `gpstate -e` found.

    Attributes:
        mirrored: False for a cluster without mirrors, of which -e says nothing else.
        said_normal: it printed "All segments are running normally"; about the standby it never says anything (T24).
        failure: why gpstate could not report at all; None where it could.
    """

    switched: tuple[SwitchedPair, ...] = ()
    unsynchronized: tuple[UnsynchronizedPair, ...] = ()
    change_tracking: tuple[ChangeTrackingPair, ...] = ()
    resynchronizing: tuple[ResynchronizingPair, ...] = ()
    down: tuple[DownSegment, ...] = ()
    in_recovery: tuple[SegmentInRecovery, ...] = ()
    warnings: tuple[str, ...] = ()
    mirrored: bool = True
    said_normal: bool = False
    failure: str | None = None

    @property
    def all_normal(self) -> bool:
        """gpstate said so, and warned of nothing meanwhile."""
        return self.said_normal and not self.warnings

    @property
    def only_in_recovery(self) -> bool:
        """It shows rows of a recovery and nothing else: what a gprecoverseg that was killed leaves behind (T26)."""
        return self.in_recovery != () and self == ErrorReport(in_recovery=self.in_recovery)

    @property
    def unavailable(self) -> bool:
        """A content has no copy that works: queries fail."""
        return UNAVAILABLE in self.warnings


def _pair(cells: Cells) -> tuple[Location, Location]:
    return Location(cells["Current Primary"], integer(cells["Port"])), Location(
        cells["Mirror"], integer(cells["Port 2"])
    )


def _segment(cells: Cells) -> Location:
    return Location(cells["Segment"], integer(cells["Port"]))


def _switched(cells: Cells) -> SwitchedPair:
    return SwitchedPair(*_pair(cells))


def _unsynchronized(cells: Cells) -> UnsynchronizedPair:
    startup = cells.get("Startup recovery remaining bytes", "")
    return UnsynchronizedPair(*_pair(cells), number(cells["WAL sync remaining bytes"]), number(startup))


def _change_tracking(cells: Cells) -> ChangeTrackingPair:
    return ChangeTrackingPair(*_pair(cells), size(cells["Change tracking size"]))


def _resynchronizing(cells: Cells) -> ResynchronizingPair:
    figures = resynchronization([cells[column] for column in _RESYNC])
    return ResynchronizingPair(*_pair(cells), figures, size(cells["Change tracking size"]))


def _down(cells: Cells) -> DownSegment:
    return DownSegment(_segment(cells), {"Up": True, "Down": False}[cells["Config status"]], cells["Status"])


def _in_recovery(cells: Cells) -> SegmentInRecovery:
    return SegmentInRecovery(
        _segment(cells),
        RecoveryType(cells["Recovery type"].lower()),
        number(cells["Completed bytes (kB)"].replace(",", "")),
        number(cells.get("Total bytes (kB)", "")),
        percent(cells["Percentage completed"]),
        cells.get("Stage"),
    )


_PAIR = ("Current Primary", "Port")
_MIRROR = ("Mirror", "Port 2")
_RECOVERY = ("Segment", "Port", "Recovery type")
_DOWN = ("Segment", "Port", "Config status", "Status")
_RESYNC = (
    "Resync mode",
    "Est. resync progress",
    "Total resync objects",
    "Objects to resync",
    "Data synced",
    "Est. total to sync",
    "Est. resync end time",
)


@dataclass(frozen=True, slots=True)
class _Section:
    field: str
    columns: tuple[tuple[str, ...], ...]
    build: Callable[[Cells], object]
    notes: tuple[str, ...] = ()  # lines between heading and table


_SECTIONS = {
    "Segments with Primary and Mirror Roles Switched": _Section("switched", ((*_PAIR, *_MIRROR),), _switched),
    "Unsynchronized Segment Pairs": _Section(
        "unsynchronized",
        (
            (*_PAIR, "WAL sync remaining bytes", *_MIRROR),
            (*_PAIR, "WAL sync remaining bytes", "Startup recovery remaining bytes", *_MIRROR),  # 7
        ),
        _unsynchronized,
    ),
    "Primaries in Change Tracking": _Section(
        "change_tracking", ((*_PAIR, "Change tracking size", *_MIRROR),), _change_tracking
    ),
    "Segment Pairs in Resynchronization": _Section(
        "resynchronizing", ((*_PAIR, *_RESYNC, "Change tracking size", *_MIRROR),), _resynchronizing
    ),
    "Downed Segments (may include segments where status could not be retrieved)": _Section("down", (_DOWN,), _down),
    "Downed Segments (this excludes mirrors whose primaries are in change tracking": _Section(
        "down",
        (_DOWN,),
        _down,
        (
            "-- these, if any, are reported separately above",
            "also, this may include segments where status could not be retrieved)",
        ),
    ),
    "Segments in recovery": _Section(
        "in_recovery",
        (
            (*_RECOVERY, "Completed bytes (kB)", "Total bytes (kB)", "Percentage completed"),
            (*_RECOVERY, "Stage", "Completed bytes (kB)", "Percentage completed"),  # differential, 7 and late 6
        ),
        _in_recovery,
    ),
}
_TITLE = "Segment Mirroring Status Report"
_NORMAL = "All segments are running normally"
_NO_MIRRORS = "Physical mirroring is not configured"
_ADVICE = re.compile(r"Please monitor the output of the 'Wal sync remaining bytes' and .*")  # 7, below any section


def parse_errors(text: str) -> ErrorReport:
    """Read the whole output of `gpstate -e`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return ErrorReport(failure=frame.failure)
    if [r.message for r in frame.records] == [_NO_MIRRORS]:
        return ErrorReport(warnings=frame.warnings, mirrored=False)
    (title, *more), *blocks = blocks_between_rules(frame.records)
    cut_off = not blocks or frame.records[-1].message.startswith("---")
    if title.message != _TITLE or more or cut_off:
        raise frame.records[-1].unreadable()
    found: dict[str, Any] = {}
    said_normal = False
    for heading, *lines in blocks:
        section = _SECTIONS.get(heading.message)
        if said_normal or heading.level is not Level.INFO:
            raise heading.unreadable()
        if section is not None and section.field not in found:
            found[section.field] = _rows(section, heading, lines)
        elif heading.message == _NORMAL and not lines and not found:
            said_normal = True
        elif not _ADVICE.fullmatch(heading.message) or lines or not found:
            raise heading.unreadable()
    return ErrorReport(**found, warnings=frame.warnings, said_normal=said_normal)


def _rows(section: _Section, heading: Record, lines: Sequence[Record]) -> tuple[object, ...]:
    """The rows of a section; a heading without a row means that lines were lost."""
    notes, table = lines[: len(section.notes)], lines[len(section.notes) :]
    if tuple(note.message.strip() for note in notes) != section.notes or len(table) < 2:
        raise heading.unreadable()
    columns = Table(table[0], section.columns)
    return tuple(columns.read(row, section.build) for row in table[1:])
