"""Why nothing is done is explained in Slack, on the command line, in the report and in the metrics, from one table."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from approvals.conftest import cluster
from domain.clusters import healthy, mirror_down, probes
from domain.incidents import declined

from flows.health_note import HealthNote
from flows.journal import Journal
from flows.page import ended_early
from gpmedic import errors
from gpmedic.approvals.cards import card
from gpmedic.approvals.samples import Scrape, reasons
from gpmedic.approvals.tallies import Tallies
from gpmedic.approvals.view import View
from gpmedic.cli.recover import why_refused
from gpmedic.diagnosis import diagnose
from gpmedic.practice.slack import PracticeSlack
from gpmedic.report import report_text
from gpmedic.skipped import REASONS, Reason, reason_of
from gpmedic.slack import messages
from tasks.find_recovery import Recovery

NOW = datetime.now(UTC)
BROKEN = mirror_down(healthy(), 0)


def shown_in_slack(workspace: PracticeSlack, health: HealthNote | None, journal: Journal | None) -> str:
    recovery = Recovery(uuid4(), "otter", False, None, None, NOW) if journal is not None else None
    view = View("lab", health, recovery, journal, None, NOW)
    return str(messages.parent(card(cluster(workspace), view, NOW)).blocks)


@pytest.mark.parametrize("reason", [r for r, told in REASONS.items() if told.kind is not None])
def test_every_refusal_is_explained_in_all_four_places(reason: Reason, workspace: PracticeSlack) -> None:
    told = REASONS[reason]
    assert told.kind is not None
    error = told.kind("It was refused.", "Do this first.")
    assert reason_of(error) is reason
    journal = Journal(cluster_name="lab")
    journal.see(diagnose(BROKEN, probes(BROKEN)))
    report = journal.end(ended_early(error, journal), error)
    seen = {
        "Slack": shown_in_slack(workspace, None, journal),
        "command line": f"{why_refused(error)} {error}",
        "report": " ".join(report_text(report).split()),
    }
    for place, text in seen.items():
        for words in (told.meaning, "It was refused.", "Do this first."):
            assert words.replace("'", "\\'") in text or words in text, f"{place} does not say {words!r}"
    assert_in_metrics(reason)


@pytest.mark.parametrize("reason", [r for r, told in REASONS.items() if told.kind is None])
def test_why_a_health_check_starts_nothing_is_explained_in_slack_and_in_the_metrics(
    reason: Reason, workspace: PracticeSlack
) -> None:
    findings = diagnose(BROKEN, probes(BROKEN)).findings
    note = HealthNote(cluster_name="lab", healthy=False, findings=findings, not_begun=reason)
    text = shown_in_slack(workspace, note, None)
    assert REASONS[reason].meaning in text.replace("\\'", "'")
    assert REASONS[reason].next_action in text.replace("\\'", "'")
    assert_in_metrics(reason)


def assert_in_metrics(reason: Reason) -> None:
    told = REASONS[reason]
    labels = [labels for labels, value in reasons(Scrape((), Tallies(), {}, NOW)) if value == 1]
    assert (reason.value, told.meaning, told.next_action) in labels


def test_the_table_knows_every_reason_and_every_refusal() -> None:
    assert set(REASONS) == set(Reason)
    refusals = {errors.Refused, errors.UtilityBusy, errors.Unrecoverable, *subclasses(errors.Refused)}
    ours = {kind for kind in refusals if kind.__module__ == errors.__name__}
    assert ours == {told.kind for told in REASONS.values() if told.kind is not None}
    assert reason_of(errors.UtilityFailed(("gpstop",), 1, "", "Look.")) is None
    assert reason_of(errors.HostUnreachable("gone", "look")) is None


def subclasses(of: type[errors.GpmedicError]) -> set[type[errors.GpmedicError]]:
    return {deeper for kind in of.__subclasses__() for deeper in (kind, *subclasses(kind))}


def test_a_reason_of_another_version_is_left_out_and_the_error_is_still_told() -> None:
    report = replace(declined(), reason="moonphase")
    assert "Why" not in report_text(report).split("How long")[0]
    assert "boris said no" in report_text(report)
