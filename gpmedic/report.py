"""What happened, for people: an incident as plain text and as Markdown."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.amounts import duration
from gpmedic.check import Check, Verdict
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import Diagnosis
from gpmedic.events import Approval, Decision, Event
from gpmedic.plan import Plan, Step
from gpmedic.report_json import diagnosis_json, plan_json
from gpmedic.report_tables import (
    approvals_table,
    checks_table,
    clock,
    events_table,
    findings_table,
    proofs_table,
    segments_table,
    steps_table,
)
from gpmedic.table import Table, markdown, plain
from gpmedic.verify import Proof

__all__ = [
    "Approval",
    "Decision",
    "Event",
    "Outcome",
    "RecoveryReport",
    "approval_markdown",
    "diagnosis_json",
    "diagnosis_markdown",
    "diagnosis_text",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "report_markdown",
    "report_text",
    "segments_markdown",
    "segments_text",
]

WIDTH: Final = 120  # characters of a line of text


class Outcome(StrEnum):
    HEALTHY = "healthy"  # there was nothing to do
    RECOVERED = "recovered"  # proven
    UNPROVEN = "unproven"  # acted, but not every proof holds
    REFUSED = "refused"  # untouched
    STOPPED = "stopped"  # refused or declined after an earlier step had been done
    FAILED = "failed"  # acted and failed: a person decides


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """One run of a recovery, from the first look to the proofs.

    Attributes:
        started, ended: aware datetimes.
        before: the first diagnosis.
        after: the last snapshot; None where nothing was done or the coordinator was lost.
        error, next_action: where it ended early, one line each.
    """

    cluster_name: str
    outcome: Outcome
    started: datetime
    ended: datetime
    before: Diagnosis
    after: Cluster | None = None
    plan: Plan | None = None
    checks: tuple[Check, ...] = ()
    approvals: tuple[Approval, ...] = ()
    events: tuple[Event, ...] = ()
    proofs: tuple[Proof, ...] = ()
    error: str = ""
    next_action: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended - self.started).total_seconds()


def report_text(report: RecoveryReport) -> str:
    """The whole report as plain text; checks that passed are only counted."""
    return _joined(_report(report), _heading_text, _paragraph_text, Table.text)


def report_markdown(report: RecoveryReport) -> str:
    """The whole report as Markdown; nothing that a cluster printed can break out of its cell."""
    return _joined(_report(report), _heading_markdown, _paragraph_markdown, Table.markdown)


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """What is wrong, what it means, what to do, and the table of segments."""
    return _joined(_diagnosis(diagnosis), _heading_text, _paragraph_text, Table.text)


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    return _joined(_diagnosis(diagnosis), _heading_markdown, _paragraph_markdown, Table.markdown)


def segments_text(cluster: Cluster, before: Cluster | None = None) -> str:
    """The table of segments; with `before`, what changed is shown as old -> new."""
    return segments_table(cluster, before).text()


def segments_markdown(cluster: Cluster, before: Cluster | None = None) -> str:
    return segments_table(cluster, before).markdown()


def plan_text(plan: Plan) -> str:
    """The steps as a table and what each does, for the person who approves them."""
    return _joined(_plan(plan), _heading_text, _paragraph_text, Table.text)


def plan_markdown(plan: Plan) -> str:
    return _joined(_plan(plan), _heading_markdown, _paragraph_markdown, Table.markdown)


def approval_markdown(plan: Plan, step: Step, checks: Sequence[Check]) -> str:
    """What a person is shown before a step: what it does, what comes with it, and what was checked."""
    return _joined(_approval(plan, step, checks), _heading_markdown, _paragraph_markdown, Table.markdown)


@dataclass(frozen=True, slots=True)
class _Heading:
    text: str


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str


_Part = _Heading | _Paragraph | Table


def _report(report: RecoveryReport) -> Iterator[_Part]:
    yield _Heading(f"{report.cluster_name}: {_OUTCOMES[report.outcome]}")
    day = report.started.astimezone(UTC).strftime("%Y-%m-%d")
    times = f"{day}, {clock(report.started)} to {clock(report.ended)} UTC"
    yield _Paragraph(f"{times}, {duration(report.seconds)}; scenario: {report.before.scenario.value}.")
    if report.error:
        yield _Paragraph(f"Ended early: {report.error}")
    if report.next_action:
        yield _Paragraph(f"Next: {report.next_action}")
    if report.before.findings:
        yield _Heading("What was found")
        yield findings_table(report.before.findings)
    if report.plan is not None and report.plan.steps:
        yield from _plan(report.plan)
    if report.checks:
        yield from _checks(report.checks)
    if report.approvals:
        yield _Heading("Approvals")
        yield approvals_table(report.approvals)
    if report.events:
        yield _Heading("Time line")
        yield events_table(report.events, report.started)
    yield from _segments(report)
    if report.proofs:
        yield _Heading("Proof")
        yield proofs_table(report.proofs)


def _segments(report: RecoveryReport) -> Iterator[_Part]:
    before, after = report.before.cluster, report.after
    if after is not None and before is not None and after.segments != before.segments:
        yield _Heading("Segments, before -> after")
        yield segments_table(after, before)
    elif (known := after or before) is not None:
        yield _Heading("Segments (unchanged)" if after is not None else "Segments, as last seen")
        yield segments_table(known)


def _checks(checks: Sequence[Check]) -> Iterator[_Part]:
    remarkable = [c for c in checks if c.verdict is not Verdict.PASS]
    yield _Heading("Prechecks")
    yield _Paragraph(f"{len(checks) - len(remarkable)} of {len(checks)} passed.")
    if remarkable:
        yield checks_table(remarkable)


def _diagnosis(diagnosis: Diagnosis) -> Iterator[_Part]:
    version = "" if diagnosis.cluster is None else f" ({diagnosis.cluster.version})"
    state = "healthy" if diagnosis.healthy else "action needed"
    yield _Heading(f"{diagnosis.cluster_name}{version}: {state}")
    for finding in diagnosis.findings:
        facts = finding.facts
        yield _Paragraph(f"{facts.severity.value.upper()} {facts.title}: {finding.detail}. {facts.meaning}")
        yield _Paragraph(f"Next: {facts.next_action}")
    if diagnosis.cluster is not None:
        yield segments_table(diagnosis.cluster)


def _approval(plan: Plan, step: Step, checks: Sequence[Check]) -> Iterator[_Part]:
    yield _Heading(f"{plan.cluster_name}: approve {step.command}?")
    yield _Paragraph(step.effect)
    yield _Paragraph(
        "On no, or without an answer, it is not run. The whole plan, each approval of which is asked for by itself:"
    )
    yield steps_table(plan)
    if checks:
        yield from _checks(checks)
    yield _Paragraph(f"Plan {plan.fingerprint}: an answer counts only while the cluster is as it was for this plan.")


def _plan(plan: Plan) -> Iterator[_Part]:
    yield _Heading(f"Plan {plan.fingerprint}")
    if not plan.steps:
        yield _Paragraph("Nothing is to be done.")
        return
    yield steps_table(plan)
    for number, step in enumerate(plan.steps, 1):
        yield _Paragraph(f"Step {number}, {step.action.value}: {step.effect}")


_OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.HEALTHY: "healthy, nothing was done",
        Outcome.RECOVERED: "recovered and proven healthy",
        Outcome.UNPROVEN: "acted, but not proven healthy",
        Outcome.REFUSED: "refused, the cluster is untouched",
        Outcome.STOPPED: "stopped before the end; what was done before stands",
        Outcome.FAILED: "failed, a person decides",
    }
)


def _joined(
    parts: Iterable[_Part],
    heading: Callable[[str], str],
    paragraph: Callable[[str], str],
    table: Callable[[Table], str],
) -> str:
    shown = []
    for part in parts:
        match part:
            case _Heading(text):
                shown.append(heading(text))
            case _Paragraph(text):
                shown.append(paragraph(text))
            case Table():
                shown.append(table(part))
    return "\n\n".join(shown) + "\n"


def _heading_text(text: str) -> str:
    line = plain(text)
    return f"{line}\n{'=' * len(line)}"


def _paragraph_text(text: str) -> str:
    return textwrap.fill(plain(text), width=WIDTH, break_long_words=False, break_on_hyphens=False)


def _heading_markdown(text: str) -> str:
    return f"### {markdown(text)}"


def _paragraph_markdown(text: str) -> str:
    return markdown(text)
