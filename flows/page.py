"""How every page of the runbook is run: one claim, one journal, one report, whatever happens."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from blocks.greenplum import load_cluster
from flows.estimate import estimate
from flows.journal import Journal, keep, keeping, open_journal
from gpmedic.access.history import read_history
from gpmedic.artifacts import Kind
from gpmedic.conditions import Condition, Scenario
from gpmedic.diagnosis import coordinator_unreachable
from gpmedic.errors import (
    BeingRestarted,
    GpmedicError,
    HostUnreachable,
    Refused,
    Unrecoverable,
    UnsafeState,
    UtilityBusy,
    UtilityFailed,
)
from gpmedic.events import Approval as Answered
from gpmedic.plan import Action, Plan, fingerprint
from gpmedic.report import Outcome, RecoveryReport, approval_markdown, approval_text, report_line, report_markdown
from gpmedic.settings import ClusterSettings, RepeatedFailure
from tasks.adopt import adopt_restarts, adopt_what_runs, at_work, find_running
from tasks.advise import advise
from tasks.approve import CHANGED, Approval, Needed, Outdated, Proposal, approve
from tasks.claim import claim
from tasks.collect_evidence import AFTER_A_FAILURE, Evidence, collect_evidence
from tasks.detect import Seen, detect, look
from tasks.notify import Level, Phase, announce, listening, tell
from tasks.permission import require_permission
from tasks.publish import publish_markdown, publish_segments
from tasks.question import MAX_ASKS
from tasks.run_utility import after_the_answer

Page = Callable[[ClusterSettings, Journal, Seen], Outcome]
"""Called with the first look at the cluster."""
FTS_DECISION_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 2.0
NOT_STARTED = "it was not started"


def follow(page: Page, cluster_name: str, repeated_failure: RepeatedFailure | None = None) -> RecoveryReport:
    """Run a page of the runbook on the cluster that this flow run claims, and report, also where it ends early.

    Args:
        repeated_failure: instead of what the cluster's policy says, in this run.

    Raises:
        GpmedicError: what ended it early; the report is published before.
    """
    settings = load_cluster(cluster_name)
    if repeated_failure is not None:
        policy = settings.policy.model_copy(update={"repeated_failure": repeated_failure})
        settings = settings.model_copy(update={"policy": policy})
    claim(settings.name)
    journal = open_journal(settings.name)
    journal.language = settings.language
    with listening(keeping(journal)):
        try:
            seen = first_look(settings, journal, at_work(settings))
            outcome = _to_its_end(page, settings, journal, seen)
        except GpmedicError as error:
            tell(Phase.REPORT, str(error), Level.WARNING)
            if error.nothing_started:
                journal.answered_too_late(NOT_STARTED)
            advice = ""
            if isinstance(error, HostUnreachable):
                advice = advise(settings)
            else:
                _recall(settings, journal)
            _publish(journal, journal.end(ended_early(error, journal), error), advice)
            if isinstance(error, UtilityFailed):
                _keep_what_failed(settings)
            raise
        tell(Phase.REPORT, f"{settings.name}: {outcome.value}.")
    _recall(settings, journal)
    report = journal.end(outcome)
    _publish(journal, report)
    return report


def first_look(settings: ClusterSettings, journal: Journal, running: tuple[str, ...]) -> Seen:
    """What the cluster shows when nothing that an earlier run has started changes it any more.

    Args:
        running: the jobs that were at work before.
    """
    journal.adopted |= adopt_restarts(settings, running)  # meanwhile there is nothing to look at
    try:
        seen = observe(settings, journal)
    except BeingRestarted:  # its host did not answer when it was asked for jobs
        journal.adopted |= adopt_restarts(settings, find_running(settings))
        seen = observe(settings, journal)
    if adopt_what_runs(settings, running):  # it has changed the cluster meanwhile
        journal.adopted = True
        seen = observe(settings, journal)
    return seen


def _to_its_end(page: Page, settings: ClusterSettings, journal: Journal, seen: Seen) -> Outcome:
    """The page, from the top again where an answer came too late for what the cluster is by now."""
    for _ in range(MAX_ASKS):
        try:
            return page(settings, journal, seen)
        except Outdated as error:
            journal.answered_too_late(CHANGED)
            tell(Phase.APPROVE, f"{error.message} Looking anew.", Level.WARNING)
            seen = observe(settings, journal)
    raise UnsafeState(
        f"The cluster changed {MAX_ASKS} times between an answer and what it allowed; nothing more was done.",
        "Find out what keeps changing the cluster, then run the flow again.",
    )


def _keep_what_failed(settings: ClusterSettings) -> None:
    """The logs of a copy that failed, too: the next attempt may overwrite what they tell of."""
    with suppress(Exception):  # as where a restart left the database down; it must not stand before the failure itself
        collect_evidence(settings, look(settings), AFTER_A_FAILURE)


def _recall(settings: ClusterSettings, journal: Journal) -> None:
    with suppress(GpmedicError):  # a report that lacks these lines is better than none
        journal.recall(read_history(settings))


def ended_early(error: GpmedicError, journal: Journal) -> Outcome:
    """What became of a run that this error has ended."""
    if not isinstance(error, Refused | UtilityBusy | Unrecoverable):
        return Outcome.FAILED
    return Outcome.STOPPED if journal.acted else Outcome.REFUSED


def _publish(journal: Journal, report: RecoveryReport, advice: str = "") -> None:
    keep(journal)
    page = "\n".join(filter(None, (report_markdown(report), advice)))
    publish_markdown(Kind.RECOVERY, report.cluster_name, page, report_line(report))
    cluster = report.after or report.before.cluster
    if cluster is not None:
        publish_segments(cluster)
    announce(report.cluster_name, f"recovery.{report.outcome.value}", {"error": report.error})


def observe(settings: ClusterSettings, journal: Journal) -> Seen:
    """Look, and note it; a coordinator that does not answer is noted too."""
    try:
        seen = detect(settings)
    except HostUnreachable as error:
        journal.see(coordinator_unreachable(settings.name, error))
        raise
    journal.see(seen.diagnosis)
    journal.recall(seen.observation.history)
    findings = "; ".join(f"{f.facts.title} ({f.detail})" for f in seen.diagnosis.findings)
    findings = findings or "All segments are up, synchronized and in their preferred roles."
    if findings != journal.last_seen:  # every page begins with a look; the reader is told once
        journal.last_seen = findings
        tell(Phase.OBSERVE, findings)
    return seen


def settled(settings: ClusterSettings, journal: Journal, seen: Seen) -> Seen:
    """The first look after which FTS has nothing left to decide, or the last one within its time."""
    deadline = time.monotonic() + FTS_DECISION_SECONDS
    while _undecided(seen) and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_SECONDS)
        seen = observe(settings, journal)
    return seen


def _undecided(seen: Seen) -> bool:
    """Also where something worse decides the page: it waits for what FTS is about to do."""
    pending = seen.diagnosis.having(Condition.FAILOVER_PENDING) is not None
    return pending or seen.diagnosis.scenario is Scenario.LOOK_AGAIN


def ask(
    settings: ClusterSettings,
    journal: Journal,
    action: Action,
    evidence: Evidence,
    shown: Plan,
    *,
    plan_of: Callable[[Seen], Plan],
) -> Approval | None:
    """Show the plan and have this step of it approved; None when the cluster no longer needs the step.

    Args:
        evidence: what was saved of the state that the plan was made from.
        shown: the plan made from the last look.
        plan_of: makes the plan from another look, after the answer.

    Raises:
        NotApproved: a person said no, or nobody answered in time.
        ObserveOnly, Braked: gpmedic may not act here; nobody was asked.
        Outdated: the answer was to another plan than that of now: evidence, checks and question begin anew.
        UnsafeState: the evidence is of another state, as from before an earlier step; nobody was asked.
    """
    _require_evidence(evidence, shown)

    def plan_again() -> Iterator[Plan]:
        yield shown
        while True:
            seen = detect(settings)
            with after_the_answer():
                plan = plan_of(seen)
            yield plan

    plans = plan_again()

    def proposal() -> Proposal | None:
        plan = next(plans)
        step = plan.step(action)
        if step is None:
            return None
        return Proposal(
            cluster=settings.name,
            step=action.step_name,
            fingerprint=plan.fingerprint,
            argv=step.argv,
            dbids=step.dbids,
            text=approval_markdown(plan, step, journal.checks, settings.language),
            command=step.command,
            effect=step.effect,
            why=journal.last_seen,
            segments=tuple(str(s) for s in evidence.cluster.segments if s.dbid in step.dbids),
            details=approval_text(plan, step, journal.checks, settings.language),
            estimate=lasting,
            language=settings.language,
        )

    def note(answer: Answered) -> None:
        journal.answered(answer)
        keep(journal)  # a void answer is not heard again when the run begins again from the top

    require_permission(settings)
    journal.planned(shown)
    journal.asks()
    lasting = estimate(settings.name, action.step_name)
    keep(journal)  # a deployed run ends here and begins again from the top when somebody has answered
    needed = Needed.TWO_PEOPLE if action in settings.policy.two_people else Needed.ONE_PERSON
    return approve(proposal, timedelta(seconds=settings.policy.approval_timeout), needed, note)


def _require_evidence(evidence: Evidence, shown: Plan) -> None:
    if fingerprint(shown.steps, evidence.cluster) != shown.fingerprint:
        raise UnsafeState(
            f"The evidence that was saved of {shown.cluster_name} is not of the state that the plan was made from;"
            " nobody was asked and nothing was touched.",
            "Run the flow again: it saves the evidence anew.",
        )
