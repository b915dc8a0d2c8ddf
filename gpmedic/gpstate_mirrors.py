"""`gpstate -m`: every segment whose preferred role is mirror."""

import re
from dataclasses import dataclass

from gpmedic.gpstate_rows import DataStatus, Location, MirrorRow, MirrorStatus
from gpmedic.gpstate_table import Cells, Table, blocks_between_rules, body
from gpmedic.utility_log import Level, Record, integer

_COLUMNS = ("Mirror", "Datadir", "Port", "Status", "Data Status")
_NO_MIRRORS = "Mirror not used"
_TYPE = re.compile(r"-Type = (?:Spread|Group)")


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What `gpstate -m` found; attributes as in gpstate_errors.ErrorReport."""

    rows: tuple[MirrorRow, ...] = ()
    warnings: tuple[str, ...] = ()
    mirrored: bool = True
    failure: str | None = None


def _acting(row: MirrorRow) -> bool:
    return row.status is MirrorStatus.ACTING_AS_PRIMARY


# What gpstate counts below the table must be what was read from the table: a lost row is noticed.
_COUNTS = (
    ("segment(s) configured as mirror(s) are acting as primaries", _acting),
    ("segment(s) configured as mirror(s) have failed", lambda row: row.status is MirrorStatus.FAILED),
    (
        "mirror segment(s) acting as primaries are not synchronized",
        lambda row: _acting(row) and row.data_status is not DataStatus.SYNCHRONIZED,
    ),
    (
        "mirror segment(s) acting as primaries are in change tracking",
        lambda row: _acting(row) and row.data_status is DataStatus.CHANGE_TRACKING,
    ),
)


def parse_mirrors(text: str) -> MirrorReport:
    """Read the whole output of `gpstate -m`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return MirrorReport(failure=frame.failure)
    blocks = blocks_between_rules(frame.records)
    if [[r.message for r in block] for block in blocks] == [[_NO_MIRRORS]] and frame.records[-1].is_rule:
        return MirrorReport(warnings=frame.warnings, mirrored=False)
    title, table, counted = [*blocks, [], [], []][:3]
    closed = frame.records[-1].is_rule is (len(blocks) == 2)
    if len(blocks) not in {2, 3} or not closed or not _is_title(title) or len(table) < 2:
        raise frame.records[-1].unreadable()
    columns = Table(table[0], [_COLUMNS])
    rows = tuple(columns.read(row, _row) for row in table[1:])
    for record in counted:
        _check(record, rows)
    return MirrorReport(rows, (*frame.warnings, *(r.message for r in counted)))


def _is_title(block: list[Record]) -> bool:
    messages = [r.message for r in block]
    return (
        messages[:1] == ["-Current GPDB mirror list and status"]
        and len(messages) == 2
        and bool(_TYPE.match(messages[1]))
    )


def _row(cells: Cells) -> MirrorRow:
    status = MirrorStatus(cells["Status"])
    data = None if status is MirrorStatus.FAILED and not cells["Data Status"] else DataStatus(cells["Data Status"])
    return MirrorRow(Location(cells["Mirror"], integer(cells["Port"])), cells["Datadir"], status, data)


def _check(record: Record, rows: tuple[MirrorRow, ...]) -> None:
    number, _, what = record.message.partition(" ")
    for words, counts in _COUNTS:
        if what == words and record.level is Level.WARNING and number == str(sum(map(counts, rows))):
            return
    raise record.unreadable()
