"""From what was seen to what is shown."""

from datetime import datetime

from flows.journal import Journal
from gpmedic.approvals.view import View
from gpmedic.policy import Automation
from gpmedic.settings import ClusterSettings
from gpmedic.skipped import REASONS, Reason, explained
from gpmedic.slack.incident import Card, Moving, Question
from gpmedic.steps import Action
from tasks.find_recovery import Recovery
from tasks.question import Request


def card(settings: ClusterSettings, view: View, opened_at: datetime) -> Card:
    """The incident as it is now."""
    recovery, journal = view.recovery, view.journal
    wrong = view.wrong is not False
    live = recovery is not None and recovery.live
    of_now = journal if recovery is not None and (live or (recovery.ended_at or view.at) >= opened_at) else None
    return Card(
        cluster=view.cluster,
        opened_at=opened_at,
        looked_at=view.looked_at,
        findings=view.findings if wrong else (),
        commands=_commands(of_now) if wrong else (),
        now=_now(view, of_now) if live and wrong else "",
        moving=_moving(of_now) if live and wrong else None,
        answers=of_now.approvals if of_now is not None else (),
        outcome=of_now.outcome if of_now is not None and not live else None,
        error=of_now.error if of_now is not None else "",
        why=_why(view, of_now) if wrong and not live else "",
        next_action=_next_action(settings, view, of_now, live=live),
        run=recovery.name if recovery is not None and of_now is not None else "",
        over=not wrong,
        may_start=wrong and not live and settings.policy.automation is Automation.WITH_APPROVAL,
    )


def _commands(journal: Journal | None) -> tuple[str, ...]:
    if journal is None or not journal.rounds:
        return ()
    return tuple(s.command for s in journal.rounds[-1].plan.steps if s.command)


def _now(view: View, journal: Journal | None) -> str:
    if view.request is not None:
        return f"waits for an answer to {view.request.proposal.command or view.request.proposal.step}"
    if journal is None or journal.now is None:
        return "a recovery is starting"
    return f"{journal.now.phase.value}: {journal.now.text}"


def _moving(journal: Journal | None) -> Moving | None:
    if journal is None or journal.now is None or journal.now.percent is None or journal.moving is None:
        return None
    begun, first = journal.moving
    done, seconds = journal.now.percent - first, (journal.now.at - begun).total_seconds()
    left = seconds / done * (100 - journal.now.percent) if done > 0 and seconds > 0 else None
    return Moving(journal.now.percent, left)


def _why(view: View, journal: Journal | None) -> str:
    """Why nothing, or nothing more, is done: by the recovery that has ended, else by the newest health check."""
    word = journal.reason if journal is not None else view.health.not_begun if view.health is not None else ""
    told = explained(word)
    return "" if told is None else f"{told.meaning} {told.next_action}"


def _next_action(settings: ClusterSettings, view: View, journal: Journal | None, *, live: bool) -> str:
    if live:
        return ""
    if journal is not None and journal.next_action:
        return journal.next_action
    if settings.policy.automation is Automation.OBSERVE_ONLY:
        return REASONS[Reason.OBSERVE_ONLY].next_action
    return view.findings[0].facts.next_action if view.findings else ""


def question(recovery: Recovery, request: Request) -> Question:
    """A step that waits for a person, as it is shown."""
    proposal = request.proposal
    return Question(
        value=f"{recovery.run}|{request.key}",
        cluster=proposal.cluster,
        action=Action.of_step(proposal.step),
        command=proposal.command or " ".join(proposal.argv),
        effect=proposal.effect,
        why=proposal.why,
        segments=proposal.segments,
        details=proposal.details,
        expires_at=request.expires_at,
        estimate=proposal.estimate,
        approved_by=request.approved_by,
    )
