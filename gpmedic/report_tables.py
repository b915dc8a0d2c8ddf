"""The tables of a report: what stands in which column, whatever it is printed as."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from gpmedic.amounts import duration
from gpmedic.check import Check, Verdict
from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Mode, Role, Segment, Status
from gpmedic.diagnosis import Finding
from gpmedic.events import Approval, Event
from gpmedic.picture import numbers
from gpmedic.plan import Plan
from gpmedic.table import Table, Verbatim
from gpmedic.verify import Proof

_MODES: Final = {
    Mode.SYNCHRONIZED: "synchronized",
    Mode.CHANGE_TRACKING: "change tracking",
    Mode.RESYNCHRONIZING: "resynchronizing",
    Mode.NOT_IN_SYNC: "not in sync",
}
_STATUS: Final = {Status.UP: "up", Status.DOWN: "DOWN"}
_ROLES: Final = {Role.PRIMARY: "primary", Role.MIRROR: "mirror"}
STANDBY: Final = "standby"
"""The role of a standby coordinator in a table of segments, by which it is found again."""
_COORDINATOR_ROLES: Final = {Role.PRIMARY: "coordinator", Role.MIRROR: STANDBY}
_MANY: Final = 16  # numbers; from here on neighbours are drawn together
_SEGMENT_HEADINGS: Final = ("content", "dbid", "host", "port", "role", "preferred", "status", "mode")


def segments_table(cluster: Cluster, before: Cluster | None = None, first: Collection[int] = ()) -> Table:
    """Every row of the catalog, both copies of a content together; with `before`, a change shows as old -> new.

    Args:
        first: contents that stand before the others.
    """
    now = {s.dbid: s for s in cluster.segments}
    then = now if before is None else {s.dbid: s for s in before.segments}
    every = {**then, **now}.values()
    ordered = sorted(every, key=lambda s: (s.content not in first, s.content, s.preferred_role is Role.MIRROR, s.dbid))
    rows = [_changed(_cells(then.get(s.dbid)), _cells(now.get(s.dbid))) for s in ordered]
    return Table(_SEGMENT_HEADINGS, tuple(rows))


def findings_table(findings: Sequence[Finding]) -> Table:
    return Table(
        ("condition", "severity", "contents", "dbids", "seen"),
        tuple((f.facts.title, f.facts.severity.value, _list(f.contents), _list(f.dbids), f.detail) for f in findings),
    )


def steps_table(plan: Plan) -> Table:
    rows = [
        (
            str(number),
            step.action.value,
            Verbatim(step.command or "-"),
            _list(step.dbids),
            "yes" if step.disruption.needs_approval else "no",
        )
        for number, step in enumerate(plan.steps, 1)
    ]
    return Table(("step", "action", "command", "dbids", "approval"), tuple(rows))


def checks_table(checks: Sequence[Check]) -> Table:
    """What failed first, then warnings, then what passed."""
    order = list(Verdict)[::-1]
    ordered = sorted(checks, key=lambda c: order.index(c.verdict))
    rows = tuple((c.verdict.value, c.name.value, c.target, c.detail, c.next_action or "-") for c in ordered)
    return Table(("verdict", "check", "target", "seen", "next action"), rows)


def approvals_table(approvals: Sequence[Approval]) -> Table:
    return Table(
        ("time (UTC)", "step", "decision", "by", "via", "why", "plan"),
        tuple(
            (clock(a.at), a.step, a.decision.value, Verbatim(a.by), a.via or "-", a.reason or "-", a.fingerprint)
            for a in approvals
        ),
    )


def events_table(events: Sequence[Event], started: datetime) -> Table:
    """The time line, in the order of time, with the seconds since the start and since the line before."""
    ordered = sorted(events, key=lambda e: e.at)
    previous = [started, *(e.at for e in ordered)]
    rows = [
        (clock(e.at), _since(e.at, started), _took(e.at, previous[i]), e.source, _what(e))
        for i, e in enumerate(ordered)
    ]
    return Table(("time (UTC)", "since start", "took", "who", "what"), tuple(rows))


def _what(event: Event) -> str:
    return Verbatim(event.what) if event.of_catalog else event.what


def proofs_table(proofs: Sequence[Proof]) -> Table:
    return Table(("proof", "holds", "seen"), tuple((p.name.value, p.answer, p.detail) for p in proofs))


def clock(at: datetime) -> str:
    """The time of day in UTC, seconds included."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def _took(at: datetime, earlier: datetime) -> str:
    return "-" if at < earlier else _since(at, earlier)


def _since(at: datetime, earlier: datetime) -> str:
    seconds = (at - earlier).total_seconds()
    return f"-{duration(-seconds)}" if seconds < 0 else duration(seconds)  # FTS acted before gpmedic was started


def _cells(segment: Segment | None) -> tuple[str, ...] | None:
    if segment is None:
        return None
    coordinator = segment.content == COORDINATOR_CONTENT
    roles = _COORDINATOR_ROLES if coordinator else _ROLES
    return (
        str(segment.content),
        str(segment.dbid),
        segment.hostname,
        str(segment.port),
        roles[segment.role],
        roles[segment.preferred_role],
        _STATUS[segment.status],
        "-" if coordinator else _MODES[segment.mode],  # of content -1 it means nothing (T16)
    )


def _changed(then: tuple[str, ...] | None, now: tuple[str, ...] | None) -> tuple[str, ...]:
    if then is None and now is not None:
        return (*now[:-2], f"new -> {now[-2]}", now[-1])
    if now is None and then is not None:
        return (*then[:-2], f"{then[-2]} -> gone", then[-1])
    return tuple(a if a == b else f"{a} -> {b}" for a, b in zip(then or (), now or (), strict=True))


def _list(own: Sequence[int]) -> str:
    return (numbers(own) if len(own) > _MANY else ", ".join(map(str, own))) or "-"
