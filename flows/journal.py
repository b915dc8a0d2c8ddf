"""What one run of a recovery has seen and done so far, kept with the flow run while it is suspended.

A suspended run begins again from the top when it is resumed; the journal is how its report still tells the whole
incident. It is a record for people: no decision is ever taken from it.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from gpmedic.access.history import HistoryLine
from gpmedic.cluster import Cluster, Segment
from gpmedic.conditions import Condition
from gpmedic.copies import Comparison
from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.errors import GpmedicError
from gpmedic.events import MAX_EVENTS, Approval, Artifact, Decision, Event, history_event
from gpmedic.languages.language import Language
from gpmedic.outcome import Outcome, Standing
from gpmedic.picture_states import segments_by_state
from gpmedic.plan import Plan
from gpmedic.precheck import Check
from gpmedic.recovery_report import RecoveryReport, Round
from gpmedic.resync import Sample, with_sample
from gpmedic.skipped import reason_of
from gpmedic.verify import Proof, unproven_action
from tasks.notify import Level, Listener, Progress

KEY = "gpmedic-journal"
MAX_ARTIFACTS = 100
KEEP_EVERY = 1.0
KEEP_FIGURES_EVERY = 5.0
AFTER_A_FAILURE = 60.0
"""Seconds after which a running journal is stored again."""
STORED_WITHIN = 10.0
"""Seconds for each of the calls."""


class Journal(BaseModel):
    """The notes of one run, in the order of the report; times in UTC.

    Attributes:
        segments: how many were in each state at the last look, by the state's word; the proofs are one.
        reason: why nothing (more) was done, in a word of `gpmedic.skipped`; "" where nothing was refused.
        run: the name of the flow run.
        samples: how the mirrors caught up, thinned.
        artifacts: the evidence that was kept.
    """

    cluster_name: str
    run: str = ""
    language: Language = Language.ENGLISH
    started: datetime = Field(default_factory=lambda: datetime.now(UTC))
    before: Diagnosis | None = None
    after: Cluster | None = None
    found_later: tuple[Finding, ...] = ()
    found_last: tuple[Finding, ...] = ()
    looked_at: datetime | None = None
    segments: dict[str, int] = Field(default_factory=dict)
    last_seen: str = ""
    adopted: bool = False
    rounds: tuple[Round, ...] = ()
    approvals: tuple[Approval, ...] = ()
    events: tuple[Event, ...] = ()
    proofs: tuple[Proof, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    samples: tuple[Sample, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    history_until: datetime | None = None
    now: Progress | None = None
    moving: tuple[datetime, float] | None = None
    outcome: Outcome | None = None
    ended: datetime | None = None
    error: str = ""
    next_action: str = ""
    reason: str = ""
    _answered_before: int = PrivateAttr(default=0)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Those of the latest plan."""
        return self.rounds[-1].checks if self.rounds else ()

    def hear(self, progress: Progress) -> None:
        """Note what happened; of figures and signs of life, which only move a display, the last is kept."""
        self.now = progress
        if progress.level is Level.STILL:
            return
        if progress.sample is not None:
            self.samples = with_sample(self.samples, progress.sample)
        if progress.artifact is not None:
            self.artifacts = (*self.artifacts, progress.artifact)[-MAX_ARTIFACTS:]
        if progress.percent is not None:
            self.moving = self.moving or (progress.at, progress.percent)
            return
        self.moving = None
        if len(self.events) < MAX_EVENTS and progress.level is not Level.PASSING:
            what = f"{progress.phase.value}: {progress.text}"
            self.events = (*self.events, Event(progress.at, what, progress.source))

    def see(self, diagnosis: Diagnosis) -> None:
        """Note the first diagnosis as the state before, each later one as the state after."""
        self.found_last, self.looked_at = tuple(diagnosis.findings), datetime.now(UTC)
        self.segments = segments_by_state(diagnosis)
        if self.before is None:
            self.before = diagnosis
        else:
            self.after = diagnosis.cluster
            known = {_where(f) for f in (*self.before.findings, *self.found_later)}
            self.found_later += tuple(f for f in diagnosis.findings if _where(f) not in known)

    def planned(self, plan: Plan, checks: tuple[Check, ...] = ()) -> None:
        """Note a plan and what was checked for it; the same plan again, as after a suspension, takes its place."""
        last = self.rounds[-1] if self.rounds else None
        if last is not None and last.plan.fingerprint == plan.fingerprint:
            self.rounds = (*self.rounds[:-1], Round(plan, checks or last.checks))
        else:
            self.rounds = (*self.rounds, Round(plan, checks))

    def recall(self, history: Sequence[HistoryLine]) -> None:
        """Note what the catalog's history tells of this incident: FTS's marks and switches, gprecoverseg's changes.

        At first that is the last word on each instance in trouble, from before gpmedic came; then whatever is new.
        """
        if self.history_until is None:
            troubled = {s.dbid for s in self._troubled()}
            newest: dict[int, HistoryLine] = {}
            for line in history:
                newest.setdefault(line.dbid, line)
            fresh = [line for dbid, line in newest.items() if dbid in troubled]
        else:
            fresh = [line for line in history if line.time > self.history_until]
        told = [history_event(line.time, line.dbid, line.description) for line in fresh]
        self.events = (*self.events, *sorted(told, key=lambda event: event.at))[:MAX_EVENTS]
        if history:
            self.history_until = max(line.time for line in history)

    def _troubled(self) -> Iterator[Segment]:
        if self.before is not None and self.before.cluster is not None:
            contents = {content for finding in self.before.findings for content in finding.contents}
            yield from (s for s in self.before.cluster.segments if s.content in contents)

    def answered(self, answer: Approval) -> None:
        """Note what became of an answer; a run that begins again from the top hears the same one again."""
        if answer not in self.approvals:
            self.approvals = (*self.approvals, answer)

    def asks(self) -> None:
        """A question begins: what is answered from now on is answered to it."""
        self._answered_before = len(self.approvals)

    def answered_too_late(self, why: str) -> None:
        """The yes to the last question, of one person or of two, was not acted on after all."""
        before, newest = self.approvals[: self._answered_before], self.approvals[self._answered_before :]
        self.approvals = (*before, *(a.voided(why) if a.decision is Decision.APPROVED else a for a in newest))

    @property
    def acted(self) -> bool:
        """Whether a step was let run: a yes that counted, or a command of an earlier run."""
        return self.adopted or any(a.decision is Decision.APPROVED for a in self.approvals)

    def end(self, outcome: Outcome, error: GpmedicError | None = None) -> RecoveryReport:
        """Note how the run ends, and give its report."""
        self.ended = datetime.now(UTC)
        report = self.report(outcome, error)
        self.outcome, self.error, self.next_action = outcome, report.error, report.next_action
        self.reason = report.reason
        if outcome is Outcome.RECOVERED:
            self.segments = segments_by_state(Diagnosis(self.cluster_name, self.after))
        return report

    def report(self, outcome: Outcome | Standing, error: GpmedicError | None = None) -> RecoveryReport:
        """The report of the run as it is or ends now."""
        unproven = unproven_action(self.proofs, self.cluster_name) if outcome is Outcome.UNPROVEN else ""
        return RecoveryReport(
            cluster_name=self.cluster_name,
            outcome=outcome,
            started=self.started,
            ended=self.ended or datetime.now(UTC),
            before=self.before or Diagnosis(self.cluster_name, None),
            after=self.after,
            found_later=self.found_later,
            rounds=self.rounds,
            approvals=self.approvals,
            events=self.events,
            proofs=self.proofs,
            comparisons=self.comparisons,
            error=error.message if error else self.error,
            next_action=error.next_action if error else (self.next_action or unproven),
            reason=(reason_of(error) or "") if error else self.reason,
            run=self.run,
            samples=self.samples,
            artifacts=self.artifacts,
            language=self.language,
        )


def open_journal(cluster_name: str, run: UUID | None = None) -> Journal:
    """The journal that a run, by default this one, kept when it was suspended, else a new one."""
    own = _run()
    return read_journal(run or own.id) or Journal(cluster_name=cluster_name, run=own.name)


def read_journal(run: UUID) -> Journal | None:
    """What a run has kept so far; None where it has kept nothing."""
    with get_client(sync_client=True) as client:
        rows = client.filter_flow_run_input(run, key_prefix=KEY, limit=20, exclude_keys=set())
    newest = max(rows, key=lambda row: row.key, default=None)
    return None if newest is None else Journal.model_validate_json(newest.value)


def known_journal(run: UUID) -> Journal | None:
    """The same for those who only show it: None too where another version of gpmedic has kept it."""
    try:
        return read_journal(run)
    except ValidationError:
        return None


def keeping(journal: Journal) -> Listener:
    """Note what is told, and store the journal now and then, so that others can show a run while it goes on."""
    again = -math.inf

    def hear(progress: Progress) -> None:
        nonlocal again
        journal.hear(progress)
        began = time.monotonic()
        if began < again or progress.level is Level.PASSING:
            return
        well = _keep_at_once(journal)
        took = time.monotonic() - began
        pause = KEEP_EVERY if progress.percent is None else KEEP_FIGURES_EVERY
        # What takes long, as with thousands of segments, is done more rarely; what fails holds nobody up again soon.
        again = time.monotonic() + (max(pause, 9 * took) if well else AFTER_A_FAILURE)

    return hear


def keep(journal: Journal) -> None:
    """Store the journal with the run, in place of what was stored before: before a question, and at the end.

    Whoever watches learns the end from here alone, so a server that is away is waited for as Prefect's client does. One
    that does not come back ends no recovery.
    """
    with suppress(httpx.HTTPError, PrefectHTTPStatusError), get_client(sync_client=True) as client:
        _store(client, journal)


def _keep_at_once(journal: Journal) -> bool:
    """The same in the middle of the work, which waits for no server; False where Prefect does not take it."""
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True, httpx_settings={"timeout": STORED_WITHIN}) as client,
        ):
            _store(client, journal)
    except (httpx.HTTPError, PrefectHTTPStatusError):
        return False
    return True


def _store(client: SyncPrefectClient, journal: Journal) -> None:
    text, run = journal.model_dump_json(), _run().id
    old = client.filter_flow_run_input(run, key_prefix=KEY, limit=20, exclude_keys=set())
    client.create_flow_run_input(run, f"{KEY}-{time.time_ns()}", text)  # first, so that there always is one
    for row in old:
        with suppress(ObjectNotFound):
            client.delete_flow_run_input(run, row.key)


def _where(finding: Finding) -> tuple[Condition, tuple[int, ...], tuple[int, ...]]:
    return finding.condition, finding.contents, finding.dbids  # what was seen of it may be told in other words


def _run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("A journal belongs to a flow run.")
    return context.flow_run
