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
    """How far the copy of one segment has come; sizes in kB, `detail` is what follows as printed.

    Attributes:
        total_kb: None for a differential recovery, of which rsync tells only the share.
    """

    host: str
    dbid: int
    done_kb: int
    total_kb: int | None
    percent: int
    detail: str = ""

    @property
    def amount(self) -> str:
        return f"{self.done_kb} kB" if self.total_kb is None else f"{self.done_kb}/{self.total_kb} kB"


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


_PROGRESS = re.compile(r"\s*(?P<done>\d{1,18})/(?P<total>\d{1,18}) kB \((?P<percent>\d{1,3})%\)(?P<detail>.*)")
# rsync --info=progress2 of a differential recovery: "16,454,866   4%   16.52MB/s    0:00:00 (xfr#216, ...) ..."
_RSYNC = re.compile(r"\s*(?P<bytes>\d{1,3}(?:,\d{3}){0,6}) +(?P<percent>\d{1,3})% +(?P<detail>\d[\d.]*\w+/s .*)")


def parse_progress(line: str) -> Progress | None:
    """The progress in a line `host (dbid N): done/total kB (P%) ...` or of rsync; None where it is another line."""
    worker = lines.WORKER.fullmatch(line)
    if worker is None:
        return None
    match, rsync = _PROGRESS.fullmatch(worker["text"]), _RSYNC.fullmatch(worker["text"])
    whose = worker["host"], int(worker["dbid"])
    if match is not None:
        sizes = int(match["done"]), int(match["total"]), int(match["percent"])
        return Progress(*whose, *sizes, match["detail"].strip(" ,"))
    if rsync is not None:
        done_kb = int(rsync["bytes"].replace(",", "")) // 1024
        return Progress(*whose, done_kb, None, int(rsync["percent"]), rsync["detail"].strip())
    return None
