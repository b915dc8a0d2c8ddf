"""What one run of a recovery has seen and done so far, kept with the flow run while it is suspended.

A suspended run begins again from the top when it is resumed; the journal is how its report still tells the whole
incident. It is a record for people: no decision is ever taken from it.
"""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic import BaseModel, Field

from gpmedic.cluster import Cluster
from gpmedic.diagnosis import Diagnosis
from gpmedic.errors import GpmedicError
from gpmedic.plan import Plan
from gpmedic.precheck import Check
from gpmedic.report import Approval, Decision, Event, Outcome, RecoveryReport
from gpmedic.verify import Proof
from tasks import approve
from tasks.notify import Progress

KEY = "gpmedic-journal"
MAX_EVENTS = 500


class Journal(BaseModel):
    """The notes of one run, in the order of the report; times in UTC."""

    cluster_name: str
    started: datetime = Field(default_factory=lambda: datetime.now(UTC))
    before: Diagnosis | None = None
    after: Cluster | None = None
    last_seen: str = ""
    adopted: bool = False
    plan: Plan | None = None
    checks: tuple[Check, ...] = ()
    approvals: tuple[Approval, ...] = ()
    events: tuple[Event, ...] = ()
    proofs: tuple[Proof, ...] = ()

    def hear(self, progress: Progress) -> None:
        """Note what happened; figures that only move a display are left out."""
        if progress.percent is None and len(self.events) < MAX_EVENTS:
            self.events = (*self.events, Event(progress.at, f"{progress.phase.value}: {progress.text}"))

    def see(self, diagnosis: Diagnosis) -> None:
        """Note the first diagnosis as the state before, each later one as the state after."""
        if self.before is None:
            self.before = diagnosis
        else:
            self.after = diagnosis.cluster

    def approved(self, approval: approve.Approval) -> None:
        word = Approval(approval.step, approval.fingerprint, Decision.APPROVED, approval.by, approval.decided_at)
        if word not in self.approvals:
            self.approvals = (*self.approvals, word)

    def report(self, outcome: Outcome, error: GpmedicError | None = None) -> RecoveryReport:
        """The report of the run as it ends now."""
        return RecoveryReport(
            cluster_name=self.cluster_name,
            outcome=outcome,
            started=self.started,
            ended=datetime.now(UTC),
            before=self.before or Diagnosis(self.cluster_name, None),
            after=self.after,
            plan=self.plan,
            checks=self.checks,
            approvals=self.approvals,
            events=self.events,
            proofs=self.proofs,
            error=error.message if error else "",
            next_action=error.next_action if error else "",
        )


def open_journal(cluster_name: str) -> Journal:
    """The journal that this run kept when it was suspended, else a new one."""
    with get_client(sync_client=True) as client:
        try:
            return Journal.model_validate_json(client.read_flow_run_input(_run(), KEY))
        except (ObjectNotFound, PrefectHTTPStatusError):
            return Journal(cluster_name=cluster_name)


def keep(journal: Journal) -> None:
    """Store the journal with the run, in place of what was stored before."""
    with get_client(sync_client=True) as client:
        with suppress(ObjectNotFound, PrefectHTTPStatusError):
            client.delete_flow_run_input(_run(), KEY)
        client.create_flow_run_input(_run(), KEY, journal.model_dump_json())


def _run() -> UUID:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("A journal belongs to a flow run.")
    return context.flow_run.id
