"""The sections of a report that tell how it went and what is left, beside plans and segments."""

from collections.abc import Iterator
from datetime import UTC
from types import MappingProxyType
from typing import Final

from gpmedic.amounts import duration, size
from gpmedic.artifacts import Kind, artifact_key
from gpmedic.document import Callout, Drawing, Heading, Paragraph, Part, Tiles, Tone
from gpmedic.follow_ups import follow_ups
from gpmedic.incident_times import incident_times
from gpmedic.not_done import not_done
from gpmedic.outcome import OUTCOMES, Outcome, Standing
from gpmedic.picture import Picture, before_and_after, picture
from gpmedic.picture_layout import lay_out
from gpmedic.probe import Probe, ProbeState
from gpmedic.recovery_report import RecoveryReport
from gpmedic.report_tables import clock
from gpmedic.resync import waits
from gpmedic.resync_chart import resync_chart
from gpmedic.skipped import explained
from gpmedic.table import Table
from gpmedic.verify import ProofName

TONES: Final = MappingProxyType(
    {
        Outcome.HEALTHY: Tone.GOOD,
        Outcome.RECOVERED: Tone.GOOD,
        Outcome.UNPROVEN: Tone.WARNING,
        Outcome.REFUSED: Tone.WARNING,
        Outcome.STOPPED: Tone.WARNING,
        Outcome.FAILED: Tone.BAD,
        Standing.RUNNING: Tone.NEUTRAL,
        Standing.WAITING: Tone.NEUTRAL,
        Standing.DIED: Tone.BAD,
    }
)


def head(report: RecoveryReport) -> Iterator[Part]:
    """What it is, how it ended, why, and what to do next."""
    yield Heading(f"{report.cluster_name}: {OUTCOMES[report.outcome]}", tone=TONES[report.outcome])
    day = report.started.astimezone(UTC).strftime("%Y-%m-%d")
    yield Paragraph(
        f"{day}, {clock(report.started)} to {clock(report.ended)} UTC, {duration(report.seconds)};"
        f" scenario: {report.before.scenario.value}."
    )
    if report.run:
        yield Paragraph(f"Run in Prefect: {report.run}.")
    if report.error:
        yield Callout(f"Ended early: {report.error}", TONES[report.outcome])
    if (why := explained(report.reason)) is not None:
        yield Callout(f"Why ({report.reason}): {why.meaning}", TONES[report.outcome])
    if report.next_action:
        yield Callout(f"Next: {report.next_action}", Tone.NEUTRAL)
    elif why is not None:
        yield Callout(f"Next: {why.next_action}", Tone.NEUTRAL)


def took(report: RecoveryReport) -> Iterator[Part]:
    """How long each part took."""
    yield Heading("How long it took")
    rows = tuple(
        (t.part.value, "-" if t.seconds is None else duration(t.seconds), t.told) for t in incident_times(report)
    )
    yield Tiles(Table(("time to", "took", "counted"), rows))


def left(report: RecoveryReport) -> Iterator[Part]:
    """What was not done and why, and what is left for people."""
    if steps := not_done(report):
        yield Heading("Not done")
        rows = tuple((n.step.action.value, n.step.command or "-", n.why) for n in steps)
        yield Table(("step", "command", "why"), rows)
    yield Heading("What is left to do")
    if todo := follow_ups(report):
        yield Table(("kind", "what", "next action"), tuple((t.kind.value, t.what, t.next_action) for t in todo))
    else:
        yield Paragraph("Nothing that gpmedic knows of.")


def pictures(report: RecoveryReport) -> Iterator[Part]:
    """The cluster before and after; the tables of findings and segments tell the same in words."""
    if report.before.cluster is not None:
        yield Heading("The cluster before and after" if report.after is not None else "The cluster as it was seen")
        yield Drawing(lambda say: lay_out(*pictures_of(report), say=say))


def pictures_of(report: RecoveryReport) -> tuple[Picture, ...]:
    """One picture, two as before and after, or none where the coordinator could not be asked."""
    if report.before.cluster is None:
        return ()
    before = picture(report.before.cluster, report.before.probes)
    if report.after is None:
        return (before,)
    answered = any(p.name is ProofName.EVERY_CONTENT_ANSWERS and p.holds for p in report.proofs)
    probes = [Probe(s.dbid, ProbeState.ANSWERS) for s in report.after.acting_primaries] if answered else []
    return before_and_after(before, picture(report.after, probes))


def resynchronization(report: RecoveryReport) -> Iterator[Part]:
    """How the mirrors caught up."""
    if not report.samples:
        return
    yield Heading("Resynchronization")
    if (chart := resync_chart(report.samples)) is not None:
        yield Drawing(lambda _: chart)
    rows = tuple(
        (
            str(number),
            clock(wait.samples[0].at),
            clock(wait.samples[-1].at) if wait.finished else "not seen",
            duration(wait.seconds),
            "-" if wait.largest is None else size(wait.largest),
            "-" if wait.mean_rate is None else f"{size(wait.mean_rate)}/s",
            "-" if wait.highest_rate is None else f"{size(wait.highest_rate)}/s",
        )
        for number, wait in enumerate(waits(report.samples), 1)
    )
    yield Table(("wait", "from (UTC)", "until", "took", "most to come", "rate on average", "highest rate"), rows)


def evidence(report: RecoveryReport) -> Iterator[Part]:
    """Where what was saved is found."""
    yield Heading("Evidence")
    if not report.artifacts:
        yield Paragraph("None was saved: that is done right before a step that changes something.")
    name = report.cluster_name
    rows = [(a.key, clock(a.at), f"catalog, history, copies and logs {a.what}") for a in report.artifacts]
    rows.append((artifact_key(Kind.RECOVERY, name), clock(report.ended), "this report"))
    if report.before.cluster is not None or report.after is not None:
        rows.append((artifact_key(Kind.SEGMENTS, name), clock(report.ended), "the table of segments, as last seen"))
    yield Table(("artifact in Prefect", "time (UTC)", "what it holds"), tuple(rows))
