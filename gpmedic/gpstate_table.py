"""What all reports of gpstate have in common: their frame, and tables read by the position of their header."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.utility_log import Level, Record

UTILITY = "gpstate"

Cells = Mapping[str, str]
T = TypeVar("T")

_STARTING = re.compile(r"Starting gpstate with args: ?(?P<arguments>.*)")
_OPENING = re.compile(
    r"local Greenplum Version: '.*'|(?:master|coordinator) Greenplum Version: '.*'"
    r"|Obtaining Segment details from (?:master|coordinator)\.\.\.|Gathering data from segments\.\.\."
)
# Cloudberry prints its own name; the wording is otherwise that of 7.
_OPENING_OF_CLOUDBERRY = re.compile(r"(?:local|coordinator) (?:Apache )?Cloudberry(?: Database)? Version: '.*'")
_FAILED = re.compile(r"gpstate(?: failed\.|:? error:)|Error occurred: ")
_WARNINGS = (
    re.compile(r"pg_stat_replication shows (?:no standby connections|more than one standby connection)"),
    re.compile(r"could not query segment -?\d+ \([^()]+:\d+\)"),
    re.compile(r"pg_stat_activity has more than one rewinding mirror"),
    re.compile(r"DATABASE IS PROBABLY UNAVAILABLE"),
    re.compile(r"Review Instance Status in log file or screen output for more information"),
    re.compile(r"Warnings have been generated during status processing"),
    re.compile(r"Check log file or review screen output"),
)
UNAVAILABLE = "DATABASE IS PROBABLY UNAVAILABLE"
_CELL = re.compile(r"\S+(?: {1,2}\S+)*")


@dataclass(frozen=True, slots=True)
class Body:
    """What a report says between its opening lines and its end.

    Attributes:
        records: neither opening lines nor known warnings; rules (lines of dashes or stars) are kept.
        warnings: texts of known warnings, in order.
        failure: why gpstate gave up; then nothing else of the report may be believed.
    """

    records: tuple[Record, ...]
    warnings: tuple[str, ...]
    failure: str | None


def body(text: str) -> Body:
    """The frame of any report of gpstate.

    Raises:
        UnreadableOutput: the head or the end is missing, or a line is not known.
    """
    first, *records = utility_log.read(text, UTILITY).finished()
    if _STARTING.fullmatch(first.message) is None or not records:
        raise first.unreadable()
    failure = next((r for r in records if r.level in {Level.ERROR, Level.CRITICAL}), None)
    if failure is not None:
        if _FAILED.match(failure.message) is None:
            raise failure.unreadable()
        return Body((), (), failure.text)
    kept, warnings = [], []
    for record in (first, *records):
        if not all(utility_log.is_dots(line) for line in record.continuation):
            raise UnreadableOutput(UTILITY, next(c for c in record.continuation if not utility_log.is_dots(c)))
        if record is first or record.level is Level.DEBUG or _opening(record):
            continue
        if record.level is Level.WARNING and any(known.fullmatch(record.message) for known in _WARNINGS):
            warnings.append(record.message)
        else:
            kept.append(record)
    if not kept:
        raise records[-1].unreadable()
    return Body(tuple(kept), tuple(warnings), None)


def _opening(record: Record) -> bool:
    return any(p.fullmatch(record.message) for p in (_OPENING, _OPENING_OF_CLOUDBERRY)) and record.level is Level.INFO


def blocks_between_rules(records: Sequence[Record]) -> list[list[Record]]:
    """The groups of lines between lines of dashes or stars.

    Raises:
        UnreadableOutput: nothing but such lines, or a frame of stars that is not closed: the report was cut off.
    """
    blocks: list[list[Record]] = [[]]
    for record in records:
        if not record.is_rule:
            blocks[-1].append(record)
        elif blocks[-1]:
            blocks.append([])
    if not blocks[0] or sum(r.message.startswith("***") for r in records) % 2:
        raise records[-1].unreadable()
    return [block for block in blocks if block]


class Table:
    """The columns of a table, found by the positions at which its header's names begin.

    A name that comes again ("Port" of the mirror) gets a 2.
    """

    def __init__(self, header: Record, known: Iterable[Sequence[str]]) -> None:
        spans = [(m.start(), m.group()) for m in _CELL.finditer(header.message)]
        names: list[str] = []
        for _, name in spans:
            names.append(f"{name} 2" if name in names else name)
        if tuple(names) not in {tuple(columns) for columns in known}:
            raise header.unreadable()
        self.names = tuple(names)
        self._starts = tuple(start for start, _ in spans)

    def cells(self, row: Record) -> dict[str, str]:
        """The cells of a row by their column's name; UnreadableOutput where they do not line up with the header."""
        line = row.row
        ends = (*self._starts[1:], len(line))
        values = [line[start:end] for start, end in zip(self._starts, ends, strict=True)]
        filled = [value for value in values if value.strip()]
        out_of_place = line[: self._starts[0]].strip() or any(value.startswith(" ") for value in filled)
        # Every cell is padded to three blanks more than its column is wide, only the last one of a row is not.
        if out_of_place or not all(value.endswith("   ") for value in filled[:-1]):
            raise row.unreadable()
        return {name: value.strip() for name, value in zip(self.names, values, strict=True)}

    def read(self, row: Record, build: Callable[[Cells], T]) -> T:
        """What `build` makes of a row's cells; its ValueError and KeyError mean that the row could not be read."""
        try:
            return build(self.cells(row))
        except (ValueError, KeyError):
            raise row.unreadable() from None
