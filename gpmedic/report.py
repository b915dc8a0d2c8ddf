"""What happened, for people: an incident as plain text and as Markdown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gpmedic.cluster import Cluster
from gpmedic.diagnosis import Diagnosis
from gpmedic.plan import Plan
from gpmedic.precheck import Check
from gpmedic.verify import Proof


class Decision(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"  # silence is a no
    VOIDED = "voided"  # the cluster changed after it was given


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word on one step of one plan."""

    step: str
    fingerprint: str
    decision: Decision
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the time line.

    Attributes:
        source: who says so: gpmedic, FTS, gprecoverseg, a person.
    """

    at: datetime
    what: str
    source: str = "gpmedic"


class Outcome(StrEnum):
    HEALTHY = "healthy"  # there was nothing to do
    RECOVERED = "recovered"  # proven
    UNPROVEN = "unproven"  # acted, but not every proof holds
    REFUSED = "refused"  # untouched
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


def report_text(report: RecoveryReport) -> str:
    """The whole report as plain text, lines of at most 120 characters where the data allows."""
    raise NotImplementedError


def report_markdown(report: RecoveryReport) -> str:
    """The whole report as Markdown; nothing that a cluster printed can break out of its cell."""
    raise NotImplementedError


def diagnosis_text(diagnosis: Diagnosis) -> str:
    raise NotImplementedError


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    raise NotImplementedError


def segments_text(cluster: Cluster, before: Cluster | None = None) -> str:
    """The table of segments; with `before`, what changed is shown as old > new."""
    raise NotImplementedError


def segments_markdown(cluster: Cluster, before: Cluster | None = None) -> str:
    raise NotImplementedError


def plan_text(plan: Plan) -> str:
    raise NotImplementedError


def plan_markdown(plan: Plan) -> str:
    raise NotImplementedError
