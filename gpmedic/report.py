"""What happened, for people: an incident as plain text, as Markdown and as a page."""

from collections.abc import Collection, Iterator, Sequence

from gpmedic import report_sections as sections
from gpmedic.check import Check, Verdict
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import Diagnosis
from gpmedic.document import Heading, Level, Paragraph, Part, as_markdown, as_text
from gpmedic.events import Approval, Decision, Event
from gpmedic.handoff import compared
from gpmedic.languages.language import Language, saying
from gpmedic.limits import Limits
from gpmedic.outcome import OUTCOMES, Outcome, Standing
from gpmedic.plan import Plan, Step
from gpmedic.recovery_report import RecoveryReport, Round
from gpmedic.report_json import diagnosis_json, plan_json
from gpmedic.report_move import move_parts
from gpmedic.report_tables import (
    approvals_table,
    checks_table,
    events_table,
    findings_table,
    proofs_table,
    segments_table,
    steps_table,
)

__all__ = [
    "OUTCOMES",
    "Approval",
    "Decision",
    "Event",
    "Outcome",
    "RecoveryReport",
    "Round",
    "Standing",
    "approval_markdown",
    "approval_text",
    "diagnosis_json",
    "diagnosis_line",
    "diagnosis_markdown",
    "diagnosis_text",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "report_html",
    "report_line",
    "report_markdown",
    "report_text",
    "segments_markdown",
    "segments_text",
]


def report_line(report: RecoveryReport) -> str:
    """The cluster and what became of it."""
    return f"{report.cluster_name}: {OUTCOMES[report.outcome]}"


def report_text(report: RecoveryReport) -> str:
    """The whole report as plain text; checks that passed are only counted."""
    return as_text(_report(report), saying(report.language))


def report_markdown(report: RecoveryReport) -> str:
    """The whole report as Markdown; nothing that a cluster printed can break out of its cell."""
    return as_markdown(_report(report), saying(report.language))


def report_html(report: RecoveryReport) -> str:
    """The whole report as one HTML file, with the pictures and the chart in it."""
    from gpmedic.document_html import as_html  # jinja2, which `gpmedic status` need not load

    return as_html(_report(report), report.language.tag, saying(report.language))


def diagnosis_line(diagnosis: Diagnosis) -> str:
    """The cluster and the names of what is wrong with it."""
    wrong = "; ".join(finding.facts.title for finding in diagnosis.findings)
    return f"{diagnosis.cluster_name}: {_state(diagnosis)}{f': {wrong}' if wrong else ''}"


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """What is wrong, what it means, what to do, and the table of segments."""
    return as_text(_diagnosis(diagnosis))


def diagnosis_markdown(
    diagnosis: Diagnosis, limits: Limits | None = None, language: Language = Language.ENGLISH
) -> str:
    """The same as Markdown; of hundreds of segments those concerned stand first."""
    concerned = {content for finding in diagnosis.findings for content in finding.contents}
    return as_markdown(_diagnosis(diagnosis, limits, concerned), saying(language))


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


def approval_markdown(plan: Plan, step: Step, checks: Sequence[Check], language: Language = Language.ENGLISH) -> str:
    """What a person is shown before a step: what it does, what comes with it, and what was checked."""
    return as_markdown(_approval(plan, step, checks), saying(language))


def approval_text(plan: Plan, step: Step, checks: Sequence[Check], language: Language = Language.ENGLISH) -> str:
    """The same as plain text."""
    return as_text(_approval(plan, step, checks), saying(language))


def _report(report: RecoveryReport) -> Iterator[Part]:
    yield from sections.head(report)
    yield from sections.took(report)
    if found := (*report.before.findings, *report.found_later):
        yield Heading("What was found")
        yield findings_table(found)
    yield from sections.left(report)
    yield from sections.pictures(report)
    yield from compared(report.before.cluster, report.comparisons)
    for number, one in enumerate(report.rounds, 1):
        several = f"Plan {number} of {len(report.rounds)}, {one.plan.fingerprint}"
        yield from _plan(one.plan, several if len(report.rounds) > 1 else "")
        if one.checks:
            yield from _checks(one.checks)
    if report.approvals:
        yield Heading("Approvals")
        yield approvals_table(report.approvals)
    yield from sections.resynchronization(report)
    if report.events:
        yield Heading("Time line")
        yield events_table(report.events, report.started)
    yield from _segments(report)
    if report.proofs:
        yield Heading("Proof")
        yield proofs_table(report.proofs)
    yield from sections.evidence(report)


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
    yield Heading("Prechecks", Level.PART)
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
