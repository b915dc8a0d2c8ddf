"""What one run of gprecoverseg said, and the line that tells how far a copy has come."""

import re
from dataclasses import dataclass
from enum import StrEnum

from gpmedic import gprecoverseg_lines as lines
from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.gprecoverseg_parameters import RecoveryParameters, UnbalancedSegment


class Outcome(StrEnum):
    """What the run says of itself; only the catalog proves it."""

    UNFINISHED = "unfinished"  # it still runs, or it was ended from outside
    RECOVERED = "recovered"  # mirrors were started; they still have to catch up, which takes up to hours (T33)
    NOTHING_TO_RECOVER = "nothing to recover"
    SKIPPED_UNREACHABLE = "skipped: hosts are unreachable"  # T2
    SKIPPED_RUNNING = "skipped: a copy is already running"
    SOME_FAILED = "some segments failed"
    REBALANCED = "rebalanced"
    REBALANCE_WARNINGS = "rebalanced with warnings or not at all"  # T3
    NOTHING_TO_REBALANCE = "nothing to rebalance"
    CONFIGURATION_WRITTEN = "configuration written"
    LOCK_HELD = "lock held"  # T1, T31
    DECLINED = "declined at the prompt"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the copy of one segment has come; sizes in kB, `detail` is what follows as printed."""

    host: str
    dbid: int
    done_kb: int
    total_kb: int
    percent: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UnreachableSegment:
    dbid: int
    host: str


@dataclass(frozen=True, slots=True)
class FailedSegment:
    """A segment that was not recovered, with `datadir`: recovered but not started, with `error`: not even begun."""

    host: str
    port: int
    type: RecoveryType | None = None
    logfile: str | None = None
    datadir: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RecoverReport:
    """What one run of gprecoverseg said.

    Attributes:
        parameters: what it set out to recover; in 6 and 7 a rebalance has none.
        unbalanced: what a rebalance set out to turn round.
        nested_parameters: what the recovery inside a rebalance of 6 and 7 set out to recover (T4).
        unreachable: segments left out because their host did not answer; also filled where others were recovered.
        not_rebalanced: dbids (acting primary, acting mirror) of pairs left as they were.
        progress: the newest of each segment, by dbid.
        messages: the newest line of each segment's worker, by dbid, whatever it says.
        errors: everything logged as an error, with what follows it.
        lock_pid: the process that is said to hold the lock; it may be dead (T22).
    """

    outcome: Outcome
    parameters: tuple[RecoveryParameters, ...] = ()
    unbalanced: tuple[UnbalancedSegment, ...] = ()
    nested_parameters: tuple[RecoveryParameters, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    unreachable: tuple[UnreachableSegment, ...] = ()
    not_rebalanced: tuple[tuple[int, int], ...] = ()
    skipped_contents: tuple[int, ...] = ()
    failed: tuple[FailedSegment, ...] = ()
    progress: tuple[Progress, ...] = ()
    messages: tuple[tuple[int, str], ...] = ()
    lock_pid: int | None = None

    @property
    def unreachable_hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(segment.host for segment in self.unreachable))


_PROGRESS = re.compile(r"\s*(?P<done>\d+)/(?P<total>\d+) kB \((?P<percent>\d+)%\)(?P<detail>.*)")


def parse_progress(line: str) -> Progress | None:
    """The progress in a line `host (dbid N): done/total kB (P%) ...`; None where the line is another one."""
    worker = lines.WORKER.fullmatch(line)
    match = worker and _PROGRESS.fullmatch(worker["text"])
    if not worker or not match:
        return None
    sizes = int(match["done"]), int(match["total"]), int(match["percent"])
    return Progress(worker["host"], int(worker["dbid"]), *sizes, match["detail"].strip(" ,"))
