"""One run of a recovery as its report tells it."""

from dataclasses import dataclass
from datetime import datetime

from gpmedic.check import Check
from gpmedic.cluster import Cluster
from gpmedic.copies import Comparison
from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.events import Approval, Artifact, Event
from gpmedic.languages.language import Language
from gpmedic.outcome import Outcome, Standing
from gpmedic.plan import Plan
from gpmedic.resync import Sample
from gpmedic.verify import Proof


@dataclass(frozen=True, slots=True)
class Round:
    """A plan that a person was asked about, or that its prechecks stopped, and what was checked for it."""

    plan: Plan
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """One run of a recovery, from the first look to the proofs.

    Attributes:
        started, ended: aware datetimes; of a run that has not ended, `ended` is now.
        before: the first diagnosis.
        found_later: what was seen only after the first diagnosis, as roles that are switched after a recovery.
        after: the last snapshot; None where nothing was done or the coordinator was lost.
        rounds: every plan, in the order in which they were made.
        comparisons: of the copies of each content that did not answer.
        error, next_action: where it ended early, one line each.
        reason: why nothing (more) was done, a word of `gpmedic.skipped`; empty where nothing was refused.
        run: the name of the flow run.
        samples: how the mirrors caught up.
        artifacts: the evidence that was kept, in the order of time.
        language: of the cluster, in which the report is told.
    """

    cluster_name: str
    outcome: Outcome | Standing
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
    reason: str = ""
    run: str = ""
    samples: tuple[Sample, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    language: Language = Language.ENGLISH

    @property
    def seconds(self) -> float:
        return (self.ended - self.started).total_seconds()

    @property
    def acted(self) -> bool:
        """Whether it ended by itself after its work, whatever the proofs say."""
        return self.outcome in (Outcome.RECOVERED, Outcome.UNPROVEN)
