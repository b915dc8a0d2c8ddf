"""`gpstate -f`: the standby coordinator. A dead standby shows nowhere else but in -s (T24)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpmedic.gpstate_table import blocks_between_rules, body
from gpmedic.utility_log import Record, integer, labelled

_PASSIVE = "Standby host passive"
_REPLICATION = "-pg_stat_replication"
_NO_STANDBY = re.compile(r"Standby (?:master|coordinator) instance not configured")
_DETAILS = re.compile(r"Standby (?:master|coordinator) details")
_NO_ROW = "No entries found."
_LOCATION = re.compile(
    r"-(?P<label>WAL Sender State|Sync state|Sent Location|Flush Location|Replay Location): (?P<value>\S.*)"
)


@dataclass(frozen=True, slots=True)
class StandbyReplication:
    """The row of pg_stat_replication, locations as printed."""

    state: str
    sync_state: str
    sent_location: str
    flush_location: str
    replay_location: str


@dataclass(frozen=True, slots=True)
class Standby:
    """The standby, as gpstate saw it on its host; `pid` is 0 where nothing runs or nothing could be seen."""

    address: str
    port: int
    datadir: str
    pid: int
    status: str


@dataclass(frozen=True, slots=True)
class StandbyReport:
    """What `gpstate -f` found; `standby` is None where none is configured or `failure` says why nothing is known."""

    standby: Standby | None = None
    replication: StandbyReplication | None = None
    warnings: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def works(self) -> bool:
        """A standby is configured, its process runs, and it receives."""
        runs = self.standby is not None and self.standby.status == _PASSIVE
        return runs and self.replication is not None and self.replication.state == "streaming"


def parse_standby(text: str) -> StandbyReport:
    """Read the whole output of `gpstate -f`, its last line end included.

    Raises:
        UnreadableOutput: it is cut off, mixed with another report, or says something unknown.
    """
    frame = body(text)
    if frame.failure is not None:
        return StandbyReport(failure=frame.failure)
    blocks: list[Sequence[Record]] = [[], [], *blocks_between_rules(frame.records)]
    *details, heading, rows = blocks
    last = frame.records[-1]
    if not last.message.startswith("---") or [r.message for r in heading] != [_REPLICATION]:
        raise last.unreadable()
    return StandbyReport(_standby([block for block in details if block], last), _replication(rows), frame.warnings)


def _standby(blocks: Sequence[Sequence[Record]], last: Record) -> Standby | None:
    if len(blocks) == 1 and len(blocks[0]) == 1 and _NO_STANDBY.fullmatch(blocks[0][0].message):
        return None
    if len(blocks) != 2 or len(blocks[0]) != 1 or not _DETAILS.fullmatch(blocks[0][0].message):
        raise last.unreadable()
    values = dict(pair for pair in map(labelled, blocks[1]) if pair is not None)
    try:
        pid = values["Standby PID"].split(" ")[0]  # what was wrong with it may follow
        return Standby(
            values["Standby address"],
            integer(values["Standby port"]),
            values["Standby data directory"],
            integer(pid) if pid.isdecimal() else 0,
            values["Standby status"],
        )
    except (KeyError, ValueError):
        raise blocks[1][-1].unreadable() from None


def _replication(rows: Sequence[Record]) -> StandbyReplication | None:
    if [r.message for r in rows] == [_NO_ROW]:
        return None
    matches = [_LOCATION.fullmatch(r.message) for r in rows]
    values = {match["label"]: match["value"] for match in matches if match is not None}
    if len(values) != 5 or len(rows) != 5:
        raise rows[0].unreadable()
    return StandbyReplication(
        values["WAL Sender State"],
        values["Sync state"],
        values["Sent Location"],
        values["Flush Location"],
        values["Replay Location"],
    )
