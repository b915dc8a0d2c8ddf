"""What is left for people after an incident: one table, a row a kind of follow-up."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.check import Verdict
from gpmedic.cluster import Cluster, Segment
from gpmedic.conditions import Condition
from gpmedic.events import MAX_EVENTS
from gpmedic.recovery_report import RecoveryReport
from gpmedic.verify import unproven_action


class FollowUp(StrEnum):
    RUN_ENDED = "how it ended"
    STILL_DOWN = "still down"
    ROLES_SWITCHED = "roles still switched"
    UNPROVEN = "not proven"
    CAUSE = "the cause"
    WARNING = "a warning stays"
    WAY_BACK = "the way back"
    LOST = "data lost"
    CUT = "time line cut off"


@dataclass(frozen=True, slots=True)
class ToDo:
    """One line for people: what is left, and what to do about it."""

    kind: FollowUp
    what: str
    next_action: str


Found = Iterator[tuple[str, str]]


def follow_ups(report: RecoveryReport) -> tuple[ToDo, ...]:
    """Everything that is left, what matters most first."""
    return tuple(ToDo(kind, what, action) for kind, find in FOLLOW_UPS.items() for what, action in find(report))


def _run_ended(report: RecoveryReport) -> Found:
    if report.next_action and not report.acted:
        yield report.error or "the run ended early", report.next_action


def _still_down(report: RecoveryReport) -> Found:
    if down := [str(s) for s in _segments(report) if not s.is_up]:
        yield (
            f"{_few(down)} marked down",
            f"See gpmedic status {report.cluster_name}; gpmedic recover takes it up again.",
        )


def _roles_switched(report: RecoveryReport) -> Found:
    cluster = _last_look(report)
    switched = [str(p.content) for p in cluster.pairs if not p.balanced] if cluster is not None else []
    if switched:
        yield (
            f"content {_few(switched)}: the mirror serves as primary, so the load is not spread as planned",
            f"Rebalance in a quiet window: gpmedic recover {report.cluster_name}. It cancels the running queries.",
        )


def _unproven(report: RecoveryReport) -> Found:
    missing = [p.name.value for p in report.proofs if not p.holds]
    if missing:
        yield "; ".join(missing), unproven_action(report.proofs, report.cluster_name)


def _cause(report: RecoveryReport) -> Found:
    """gpmedic mends what a failure has left behind, and never its cause."""
    cluster = report.before.cluster
    failed = {d for f in report.before.findings if f.condition in _FAILURES for d in f.dbids}
    if cluster is None or not failed:
        return
    segments = [s for s in cluster.segments if s.dbid in failed]
    hosts = sorted({s.hostname for s in segments})
    yield (
        f"why {_few([str(s) for s in segments])} failed is not said by the catalog",
        f"Read their logs in the evidence of this run, from the time line's first lines on, and look on {_few(hosts)}"
        " at disks, memory, kernel log and network: gpmedic mends what a failure leaves behind, not its cause.",
    )


def _warnings(report: RecoveryReport) -> Found:
    if report.rounds:
        for check in report.rounds[-1].checks:
            if check.verdict is Verdict.WARN:
                yield f"{check.name.value} ({check.target}): {check.detail}", check.next_action


def _way_back(report: RecoveryReport) -> Found:
    if any(step.way_back for one in report.rounds for step in one.plan.steps):
        yield (
            "segments were put on another host, or were about to be",
            "Keep the file for the way back: it stands in this report below the plan, and in Prefect as artifact"
            " move-back.",
        )


def _lost(report: RecoveryReport) -> Found:
    if lost := [str(c.content) for c in report.comparisons if c.lost]:
        yield (
            f"every copy of content {', '.join(lost)} is lost",
            "Follow the hand-off page: only a restore from a backup brings the data back.",
        )


def _cut(report: RecoveryReport) -> Found:
    if len(report.events) >= MAX_EVENTS:
        yield (
            f"only the first {MAX_EVENTS} lines were kept",
            f"Read the rest in the log of the run {report.run or ''} in Prefect.",
        )


FOLLOW_UPS: Final[Mapping[FollowUp, Callable[[RecoveryReport], Found]]] = MappingProxyType(
    {
        FollowUp.RUN_ENDED: _run_ended,
        FollowUp.LOST: _lost,
        FollowUp.STILL_DOWN: _still_down,
        FollowUp.UNPROVEN: _unproven,
        FollowUp.ROLES_SWITCHED: _roles_switched,
        FollowUp.WAY_BACK: _way_back,
        FollowUp.CAUSE: _cause,
        FollowUp.WARNING: _warnings,
        FollowUp.CUT: _cut,
    }
)
_FAILURES: Final = frozenset(
    {
        Condition.DOUBLE_FAULT,
        Condition.MIRRORLESS_PRIMARY_DOWN,
        Condition.FAILOVER_PENDING,
        Condition.FAILED_OVER,
        Condition.MIRROR_DOWN,
        Condition.STANDBY_DOWN,
    }
)
_FEW: Final = 6


def _last_look(report: RecoveryReport) -> Cluster | None:
    return report.after or report.before.cluster


def _segments(report: RecoveryReport) -> tuple[Segment, ...]:
    cluster = _last_look(report)
    return () if cluster is None else cluster.segments


def _few(names: list[str]) -> str:
    more = len(names) - _FEW
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_FEW])} and {more} more"
