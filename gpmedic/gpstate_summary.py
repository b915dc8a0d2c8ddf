"""`gpstate` without an option: how many segments, processes and files there are."""

import re
from dataclasses import dataclass

from gpmedic.errors import UnreadableOutput
from gpmedic.gpstate_table import UTILITY, blocks_between_rules, body
from gpmedic.utility_log import Record, integer, labelled


@dataclass(frozen=True, slots=True)
class Counts:
    """Segments of one preferred role: `valid` and `failures` in the catalog, `processes` found on the hosts."""

    total: int
    valid: int
    failures: int
    processes: int
    processes_missing: int


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """What `gpstate` found; `mirrors` is None where the cluster has none, standby_* where there is no standby.

    Attributes:
        switched: mirrors that act as primaries.
    """

    coordinator: str = ""
    standby_host: str | None = None
    standby_state: str | None = None
    segments: int = 0
    primaries: Counts | None = None
    mirrors: Counts | None = None
    switched: int = 0
    failure: str | None = None


_TITLE = re.compile(r"(?:Greenplum|(?:Apache )?Cloudberry) instance status summary")
_NO_STANDBY = re.compile(r"No (?:master|coordinator) standby configured")
_NO_MIRRORS = "Mirrors not configured on this array"
_FILES = re.compile(r"Total number of (?:postmaster\.pid files|postmaster\.pid PIDs|/tmp lock files) (?:missing|found)")


def parse_summary(text: str) -> SummaryReport:
    """Read the whole output of `gpstate`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return SummaryReport(failure=frame.failure)
    blocks = [block for block in blocks_between_rules(frame.records) if not _is_expansion(block)]
    last = frame.records[-1]
    messages = [[r.message.strip() for r in block] for block in blocks]
    headings = [messages[at] for at in (2, 4)] if len(blocks) == 6 else []
    titled = len(messages[0]) == 1 and _TITLE.fullmatch(messages[0][0])
    if not titled or not last.is_rule or headings != [["Primary Segment Status"], ["Mirror Segment Status"]]:
        raise last.unreadable()
    mirrored = messages[5] != [_NO_MIRRORS]
    try:
        return _summary([_values(blocks[at]) for at in ((1, 3, 5) if mirrored else (1, 3))], mirrored)
    except (KeyError, ValueError):
        raise last.unreadable() from None


def _is_expansion(block: list[Record]) -> bool:
    pair = labelled(block[0])
    return len(block) == 1 and pair is not None and pair[0] == "Cluster Expansion"


def _values(block: list[Record]) -> dict[str, str]:
    values = {}
    for record in block:
        pair = labelled(record)
        if pair is None:
            raise record.unreadable()
        label = pair[0].replace("coordinator", "master").replace("Coordinator", "Master")
        if not _FILES.fullmatch(label):
            values[label] = pair[1]
    return values


def _summary(parts: list[dict[str, str]], mirrored: bool) -> SummaryReport:
    head, primaries, *rest = parts
    named = head.pop("Master standby")
    standby = None if _NO_STANDBY.fullmatch(named) else named
    mirrors = rest[0] if mirrored else {}
    counts = _counts(mirrors, "mirror") if mirrored else None
    report = SummaryReport(
        head.pop("Master instance"),
        standby,
        None if standby is None else head.pop("Standby master state"),
        integer(head.pop("Total segment instance count from metadata")),
        _counts(primaries, "primary"),
        counts,
        0 if counts is None else _switched(mirrors, counts.total),
    )
    left = next((label for part in parts for label in part), None)
    if left is not None:
        raise UnreadableOutput(UTILITY, left)
    return report


def _switched(values: dict[str, str], total: int) -> int:
    """Take away how many mirrors act as what; KeyError or ValueError where that is missing or does not add up."""
    primaries, mirrors = (
        integer(values.pop(f"Total number mirror segments acting as {role} segments")) for role in ("primary", "mirror")
    )
    if primaries + mirrors != total:
        raise ValueError("mirrors")
    return primaries


def _counts(values: dict[str, str], kind: str) -> Counts:
    """Take the counts of one kind away; KeyError or ValueError where one is missing or does not add up."""
    total, valid, failures, processes, missing = (
        integer(values.pop(label))
        for label in (
            f"Total {kind} segments",
            f"Total {kind} segment valid (at master)",
            f"Total {kind} segment failures (at master)",
            "Total number postmaster processes found",
            "Total number postmaster processes missing",
        )
    )
    if valid + failures != total or processes + missing != total:
        raise ValueError(kind)
    return Counts(total, valid, failures, processes, missing)
