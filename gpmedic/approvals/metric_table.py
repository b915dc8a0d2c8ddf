"""The metrics: one table, a row a metric."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gpmedic.approvals import samples
from gpmedic.approvals.samples import Sample, Scrape


class Kind(Enum):
    GAUGE = "gauge"
    COUNTER = "counter"  # since the service began


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table.

    Attributes:
        samples: the values of its labels, in their order, and its own.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Scrape], Iterable[Sample]]


METRICS: Final = (
    Metric("gpmedic_clusters", Kind.GAUGE, "Clusters that this service tells of.", (), samples.clusters),
    Metric(
        "gpmedic_last_round_timestamp_seconds",
        Kind.GAUGE,
        "When the service last read Prefect for this cluster; 0 where it never did.",
        ("cluster",),
        samples.last_round,
    ),
    Metric(
        "gpmedic_last_shown_timestamp_seconds",
        Kind.GAUGE,
        "When this cluster's thread in Slack last showed what is; 0 where it never did.",
        ("cluster",),
        samples.last_shown,
    ),
    Metric(
        "gpmedic_last_health_check_timestamp_seconds",
        Kind.GAUGE,
        "When a health check last looked at this cluster; 0 where none has.",
        ("cluster",),
        samples.last_check,
    ),
    Metric(
        "gpmedic_last_look_timestamp_seconds",
        Kind.GAUGE,
        "When what gpmedic_healthy, _segments and _conditions tell was seen, by check or recovery; 0 where it was not.",
        ("cluster",),
        samples.last_look,
    ),
    Metric(
        "gpmedic_healthy",
        Kind.GAUGE,
        "Whether the last look found nothing wrong; missing where that is more than 15 minutes ago.",
        ("cluster",),
        samples.healthy,
    ),
    Metric(
        "gpmedic_segments",
        Kind.GAUGE,
        "Segments, coordinator and standby by what matters most about each; missing where nobody knows it just now.",
        ("cluster", "state"),
        samples.segments,
    ),
    Metric(
        "gpmedic_conditions",
        Kind.GAUGE,
        "Instances that each condition of the runbook is about; missing where nobody knows it just now.",
        ("cluster", "condition", "severity"),
        samples.conditions,
    ),
    Metric(
        "gpmedic_incident_age_seconds",
        Kind.GAUGE,
        "How long something has been wrong; missing where nothing is known to be.",
        ("cluster",),
        samples.incident_age,
    ),
    Metric(
        "gpmedic_recovery_live",
        Kind.GAUGE,
        "Whether a recovery runs, or waits for a person.",
        ("cluster",),
        samples.live,
    ),
    Metric(
        "gpmedic_recovery_phase",
        Kind.GAUGE,
        "1 for the page of the runbook that the live recovery is at.",
        ("cluster", "phase"),
        samples.phase,
    ),
    Metric(
        "gpmedic_recovery_last_word_timestamp_seconds",
        Kind.GAUGE,
        "When the live recovery last said something; missing where none is live.",
        ("cluster",),
        samples.last_word,
    ),
    Metric(
        "gpmedic_approvals_waiting",
        Kind.GAUGE,
        "Questions that wait for a person, by the step that was asked about.",
        ("cluster", "action"),
        samples.approvals_waiting,
    ),
    Metric(
        "gpmedic_approval_waiting_seconds",
        Kind.GAUGE,
        "For how long the open question has waited; missing where none is open.",
        ("cluster",),
        samples.approval_waiting_seconds,
    ),
    Metric(
        "gpmedic_alarms",
        Kind.GAUGE,
        "Runs that are late, pending, stuck, crashed, broken off; unwatched: 1 where no health check looks any more.",
        ("cluster", "alarm"),
        samples.alarms,
    ),
    Metric(
        "gpmedic_recoveries_total",
        Kind.COUNTER,
        "Recoveries that this service has seen end; unknown: crashed, cancelled, or of another version.",
        ("cluster", "result"),
        samples.recoveries,
    ),
    Metric(
        "gpmedic_skipped_total",
        Kind.COUNTER,
        "Of those, the refused and the stopped ones, by what has stopped them.",
        ("cluster", "reason"),
        samples.skipped,
    ),
    Metric(
        "gpmedic_not_begun",
        Kind.GAUGE,
        "1 for why the newest health check has started no recovery for what is wrong; missing where nobody knows.",
        ("cluster", "reason"),
        samples.not_begun,
    ),
    Metric(
        "gpmedic_reason_info",
        Kind.GAUGE,
        "What each reason means and what to do about it; to be joined to the others by reason.",
        ("reason", "meaning", "next_action"),
        samples.reasons,
    ),
    Metric(
        "gpmedic_rounds_total",
        Kind.COUNTER,
        "Rounds of the service, by what became of them.",
        ("cluster", "result"),
        samples.rounds,
    ),
    Metric(
        "gpmedic_clicks_total",
        Kind.COUNTER,
        "Clicks by their end; forged: not signed by Slack, or meaning no question; refused: by somebody who may not.",
        ("fate",),
        samples.clicks,
    ),
)
