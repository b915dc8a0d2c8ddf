"""What happened, for people: an incident as plain text and as Markdown."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.amounts import duration
from gpmedic.check import Check, Verdict
from gpmedic.cluster import Cluster
from gpmedic.copies import Comparison
from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.document import Heading, Paragraph, Part, as_markdown, as_text
from gpmedic.events import Approval, Decision, Event
from gpmedic.handoff import compared
from gpmedic.limits import Limits
from gpmedic.plan import Plan, Step
from gpmedic.report_json import diagnosis_json, plan_json
from gpmedic.report_move import move_parts
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
from gpmedic.verify import Proof

__all__ = [
    "OUTCOMES",
    "Approval",
    "Decision",
    "Event",
    "Outcome",
    "RecoveryReport",
    "Round",
    "approval_markdown",
    "approval_text",
    "diagnosis_json",
    "diagnosis_line",
    "diagnosis_markdown",
    "diagnosis_text",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "report_line",
    "report_markdown",
    "report_text",
    "segments_markdown",
    "segments_text",
]


class Outcome(StrEnum):
    HEALTHY = "healthy"  # there was nothing to do
    RECOVERED = "recovered"  # proven
    UNPROVEN = "unproven"  # acted, but not every proof holds
    REFUSED = "refused"  # untouched
    STOPPED = "stopped"  # refused or declined after an earlier step had been done
    FAILED = "failed"  # acted and failed: a person decides


@dataclass(frozen=True, slots=True)
class Round:
    """A plan that a person was asked about, or that its prechecks stopped, and what was checked for it."""

    plan: Plan
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """One run of a recovery, from the first look to the proofs.

    Attributes:
        started, ended: aware datetimes.
        before: the first diagnosis.
        found_later: what was seen only after the first diagnosis, as roles that are switched after a recovery.
        after: the last snapshot; None where nothing was done or the coordinator was lost.
        rounds: every plan, in the order in which they were made.
        comparisons: of the copies of each content that did not answer.
        error, next_action: where it ended early, one line each.
    """

    cluster_name: str
    outcome: Outcome
    started: datetime
    ended: datetime
    before: Diagnosis
    after: Cluster | None = None
    found_later: tuple[Finding, ...] = ()
    rounds: tuple[Round, ...] = ()
    approvals: tuple[Approval, ...] = ()
    events: tuple[Event, ...] = ()
    proofs: tuple[Proof, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    error: str = ""
    next_action: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended - self.started).total_seconds()


def report_line(report: RecoveryReport) -> str:
    """The cluster and what became of it."""
    return f"{report.cluster_name}: {OUTCOMES[report.outcome]}"


def report_text(report: RecoveryReport) -> str:
    """The whole report as plain text; checks that passed are only counted."""
    return as_text(_report(report))


def report_markdown(report: RecoveryReport) -> str:
    """The whole report as Markdown; nothing that a cluster printed can break out of its cell."""
    return as_markdown(_report(report))


def diagnosis_line(diagnosis: Diagnosis) -> str:
    """The cluster and the names of what is wrong with it."""
    wrong = "; ".join(finding.facts.title for finding in diagnosis.findings)
    return f"{diagnosis.cluster_name}: {_state(diagnosis)}{f': {wrong}' if wrong else ''}"


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """What is wrong, what it means, what to do, and the table of segments."""
    return as_text(_diagnosis(diagnosis))


def diagnosis_markdown(diagnosis: Diagnosis, limits: Limits | None = None) -> str:
    """The same as Markdown; of hundreds of segments those concerned stand first."""
    concerned = {content for finding in diagnosis.findings for content in finding.contents}
    return as_markdown(_diagnosis(diagnosis, limits, concerned))


def segments_text(cluster: Cluster, before: Cluster | None = None) -> str:
    """The table of segments; with `before`, what changed is shown as old -> new."""
    return segments_table(cluster, before).text()


def segments_markdown(cluster: Cluster, before: Cluster | None = None) -> str:
    return segments_table(cluster, before).markdown()


def plan_text(plan: Plan, limits: Limits | None = None) -> str:
    """The steps as a table and what each does, for the person who approves them; then what keeps gpmedic from it."""
    return as_text((*_plan(plan), *_limits(limits)))


def plan_markdown(plan: Plan) -> str:
    return as_markdown(_plan(plan))


def approval_markdown(plan: Plan, step: Step, checks: Sequence[Check]) -> str:
    """What a person is shown before a step: what it does, what comes with it, and what was checked."""
    return as_markdown(_approval(plan, step, checks))


def approval_text(plan: Plan, step: Step, checks: Sequence[Check]) -> str:
    """The same as plain text."""
    return as_text(_approval(plan, step, checks))


def _report(report: RecoveryReport) -> Iterator[Part]:
    yield Heading(report_line(report))
    day = report.started.astimezone(UTC).strftime("%Y-%m-%d")
    times = f"{day}, {clock(report.started)} to {clock(report.ended)} UTC"
    yield Paragraph(f"{times}, {duration(report.seconds)}; scenario: {report.before.scenario.value}.")
    if report.error:
        yield Paragraph(report.error, "Ended early:")
    if report.next_action:
        yield Paragraph(report.next_action, "Next:")
    if found := (*report.before.findings, *report.found_later):
        yield Heading("What was found")
        yield findings_table(found)
    yield from compared(report.before.cluster, report.comparisons)
    for number, one in enumerate(report.rounds, 1):
        of = f" {number} of {len(report.rounds)}," if len(report.rounds) > 1 else ""
        yield from _plan(one.plan, f"Plan{of} {one.plan.fingerprint}")
        if one.checks:
            yield from _checks(one.checks)
    if report.approvals:
        yield Heading("Approvals")
        yield approvals_table(report.approvals)
    if report.events:
        yield Heading("Time line")
        yield events_table(report.events, report.started)
    yield from _segments(report)
    if report.proofs:
        yield Heading("Proof")
        yield proofs_table(report.proofs)


def _segments(report: RecoveryReport) -> Iterator[Part]:
    before, after = report.before.cluster, report.after
    if after is not None and before is not None and after.segments != before.segments:
        yield Heading("Segments, before -> after")
        yield segments_table(after, before)
    elif (known := after or before) is not None:
        yield Heading("Segments (unchanged)" if after is not None else "Segments, as last seen")
        yield segments_table(known)


def _checks(checks: Sequence[Check]) -> Iterator[Part]:
    remarkable = [c for c in checks if c.verdict is not Verdict.PASS]
    yield Heading("Prechecks")
    yield Paragraph(f"{len(checks) - len(remarkable)} of {len(checks)} passed.")
    if remarkable:
        yield checks_table(remarkable)


def _limits(limits: Limits | None) -> Iterator[Part]:
    yield from (Paragraph(sentence) for sentence in (limits.sentences if limits is not None else ()))


def _diagnosis(diagnosis: Diagnosis, limits: Limits | None = None, first: Collection[int] = ()) -> Iterator[Part]:
    version = "" if diagnosis.cluster is None else f" ({diagnosis.cluster.version})"
    yield Heading(f"{diagnosis.cluster_name}{version}: {_state(diagnosis)}")
    for finding in diagnosis.findings:
        facts = finding.facts
        yield Paragraph(f"{finding.sentence} {facts.meaning}", facts.severity.value.upper())
        yield Paragraph(facts.next_action, "Next:")
    yield from _limits(limits)
    if diagnosis.cluster is not None:
        yield segments_table(diagnosis.cluster, first=first)


def _state(diagnosis: Diagnosis) -> str:
    return "healthy" if diagnosis.healthy else "action needed"


def _approval(plan: Plan, step: Step, checks: Sequence[Check]) -> Iterator[Part]:
    yield Heading(f"{plan.cluster_name}: approve {step.command}?")
    yield Paragraph(step.effect)
    yield from move_parts(step)
    yield Paragraph(
        "On no, or without an answer, it is not run. The whole plan, each approval of which is asked for by itself:"
    )
    yield steps_table(plan)
    if checks:
        yield from _checks(checks)
    yield Paragraph(f"Plan {plan.fingerprint}: an answer counts only while the cluster is as it was for this plan.")


def _plan(plan: Plan, heading: str = "") -> Iterator[Part]:
    yield Heading(heading or f"Plan {plan.fingerprint}")
    if not plan.steps:
        yield Paragraph("Nothing is to be done.")
        return
    yield steps_table(plan)
    for number, step in enumerate(plan.steps, 1):
        yield Paragraph(step.effect, f"Step {number}, {step.action.value}:")
        yield from move_parts(step)


OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.HEALTHY: "healthy, nothing was done",
        Outcome.RECOVERED: "recovered and proven healthy",
        Outcome.UNPROVEN: "acted, but not proven healthy",
        Outcome.REFUSED: "refused, the cluster is untouched",
        Outcome.STOPPED: "stopped before the end; what was done before stands",
        Outcome.FAILED: "failed, a person decides",
    }
)
