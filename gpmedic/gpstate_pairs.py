"""`gpstate -c` and `gpstate -Q`: pairs and down segments as the catalog has them; no segment is asked."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpmedic.gpstate_rows import DataStatus, Location
from gpmedic.gpstate_table import Cells, Table, blocks_between_rules, body
from gpmedic.utility_log import Level, Record, integer


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair by its preferred roles.

    Attributes:
        switched: the preferred mirror acts as primary.
        complete: the copy that acts as mirror is up.
    """

    primary: Location
    primary_datadir: str
    mirror: Location
    mirror_datadir: str
    switched: bool
    complete: bool
    data_status: DataStatus


@dataclass(frozen=True, slots=True)
class PairReport:
    """What `gpstate -c` found; attributes as in gpstate_errors.ErrorReport."""

    rows: tuple[PairRow, ...] = ()
    warnings: tuple[str, ...] = ()
    mirrored: bool = True
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class DownRow:
    segment: Location
    datadir: str


@dataclass(frozen=True, slots=True)
class QuickReport:
    """What `gpstate -Q` found: how many segments are up, and which are down, in the catalog."""

    up: int = 0
    down: tuple[DownRow, ...] = ()
    failure: str | None = None


_PAIR_COLUMNS = ("Status", "Data State", "Primary", "Datadir", "Port", "Mirror", "Datadir 2", "Port 2")
_PRIMARY_COLUMNS = ("Primary", "Datadir", "Port")
_DOWN_COLUMNS = ("Down Segment", "Datadir", "Port")
_STATUS = {
    "Primary Active, Mirror Available": (False, True),
    "Primary Active, Mirror Failed": (False, False),
    "Mirror Active, Primary Available": (True, True),
    "Mirror Active, Primary Failed": (True, False),
}
# What gpstate counts below the table must be what was read from the table: a lost row is noticed.
_COUNTS: tuple[tuple[str, Callable[[PairRow], bool]], ...] = (
    ("segment(s) configured as mirror(s) are acting as primaries", lambda row: row.switched),
    ("primary segment(s) are not synchronized", lambda row: row.data_status is DataStatus.NOT_IN_SYNC),
    ("segment(s) are in change tracking", lambda row: row.data_status is DataStatus.CHANGE_TRACKING),
)
_QUICK = re.compile(
    r"-Quick (?:Greenplum|(?:Apache )?Cloudberry) database status from (?:Master|Coordinator) instance only"
)
_UP = re.compile(r"# of up segments, from configuration table +=(?: +)(?P<number>\d+)")
_DOWN = re.compile(r"# of down segments, from configuration table +=(?: +)(?P<number>\d+)")


def parse_pairs(text: str) -> PairReport:
    """Read the whole output of `gpstate -c`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return PairReport(failure=frame.failure)
    title, table, counted = [*blocks_between_rules(frame.records), [], []][:3]
    last = frame.records[-1]
    mirrored = title[0].message == "-Current GPDB mirror list and status"
    if not mirrored and [r.message for r in title] != ["-Primary list [Mirror not used]"]:
        raise title[0].unreadable()
    if len(table) < 2 or last.is_rule is bool(counted) or len(title) != 1 + mirrored:
        raise last.unreadable()
    if not mirrored:
        primaries = Table(table[0], [_PRIMARY_COLUMNS])
        for row in table[1:]:
            primaries.cells(row)
        return PairReport(warnings=frame.warnings, mirrored=False)
    columns = Table(table[0], [_PAIR_COLUMNS])
    rows = tuple(columns.read(row, _pair) for row in table[1:])
    for record in counted:
        _check(record, rows)
    return PairReport(rows, (*frame.warnings, *(r.message for r in counted)))


def _check(record: Record, rows: Sequence[PairRow]) -> None:
    number, _, what = record.message.partition(" ")
    for words, counts in _COUNTS:
        if what == words and record.level is Level.WARNING and number == str(sum(map(counts, rows))):
            return
    raise record.unreadable()


def _pair(cells: Cells) -> PairRow:
    return PairRow(
        Location(cells["Primary"], integer(cells["Port"])),
        cells["Datadir"],
        Location(cells["Mirror"], integer(cells["Port 2"])),
        cells["Datadir 2"],
        *_STATUS[cells["Status"]],
        DataStatus(cells["Data State"]),
    )


def parse_quick(text: str) -> QuickReport:
    """Read the whole output of `gpstate -Q`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return QuickReport(failure=frame.failure)
    title, *rest = blocks_between_rules(frame.records)
    last = frame.records[-1]
    if not last.is_rule or len(rest) != 1 or len(title) != 1 or not _QUICK.fullmatch(title[0].message):
        raise last.unreadable()
    up, *more = rest[0]
    count = _UP.fullmatch(up.message)
    if count is None:
        raise up.unreadable()
    return QuickReport(integer(count["number"]), _down(more) if more else ())


def _down(lines: Sequence[Record]) -> tuple[DownRow, ...]:
    count = _DOWN.fullmatch(lines[0].message)
    if count is None or len(lines) != integer(count["number"]) + 2:
        raise lines[0].unreadable()
    columns = Table(lines[1], [_DOWN_COLUMNS])
    return tuple(columns.read(row, _down_row) for row in lines[2:])


def _down_row(cells: Cells) -> DownRow:
    return DownRow(Location(cells["Down Segment"], integer(cells["Port"])), cells["Datadir"])
