"""Make the thread of an incident show what is: post what is missing, change what is old, close what is over.

Every round begins with a look at Prefect and with what is known to have been posted, and does what is missing. So a
restarted service goes on where the old one was, and what could not be posted while Slack was away is posted later.
"""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Final

from gpmedic.access.slack import MessageGone, Slack, SlackAway
from gpmedic.amounts import duration
from gpmedic.approvals.attachments import attachments
from gpmedic.approvals.cards import card, question
from gpmedic.approvals.speaking import Speaking
from gpmedic.approvals.thread import Asked, Thread, Threads
from gpmedic.approvals.view import View
from gpmedic.errors import AccessRefused
from gpmedic.events import Approval, Decision
from gpmedic.settings import ClusterSettings, SlackSettings
from gpmedic.slack import messages
from gpmedic.slack.block_kit import Message
from gpmedic.slack.incident import Card
from tasks.approve import Answer, given_answer
from tasks.find_recovery import read_recovery
from tasks.question import Request, load_request

LINES_A_REPLY: Final = 20
REPORT_TRIES: Final = 3
REMINDERS: Final = (0.5, 0.9)
"""Shares of a question's time after which the thread is told that it still waits."""


def reconcile(
    slack: Slack, threads: Threads, settings: ClusterSettings, wanted: SlackSettings, view: View, *, first: bool = False
) -> None:
    """One round for one cluster.

    Args:
        first: the first one since the service began: what was posted before is shown again, where somebody has deleted
            it as a new message.

    Raises:
        SlackAway: Slack does not answer; what is missing is done in a later round.
        AccessRefused: Slack refuses the app, its channel or its scopes.
    """
    speaking = Speaking(slack, settings.language)
    threads.write(view.cluster)
    thread = threads.recall(view.cluster)
    if thread is None or thread.over:
        if thread is not None:
            _settle_questions(speaking, threads, thread, view)
            _report(speaking, threads, thread, view)
        if not view.wrong or not view.recent:
            return
        thread = _open(speaking, threads, settings, wanted, view)
    shown = card(settings, view, thread.opened_at)
    if first:
        _doubt(thread)
        _replace(speaking, threads, thread, thread, messages.parent(shown))
    try:
        _bring_up_to_date(speaking, threads, thread, view, shown)
    except MessageGone:  # somebody has deleted it all: what is left to say is said in a new thread
        thread.ts = speaking.post(thread.channel, messages.parent(shown))
        thread.questions = []
        threads.remember(thread)


def _doubt(thread: Thread) -> None:
    thread.shown = ""
    for posted in thread.questions:
        posted.shown = ""


def _bring_up_to_date(slack: Speaking, threads: Threads, thread: Thread, view: View, shown: Card) -> None:
    _ask(slack, threads, thread, view)  # what waits for a person comes first
    _settle_questions(slack, threads, thread, view)
    _tell_steps(slack, threads, thread, view)
    _replace(slack, threads, thread, thread, messages.parent(shown))
    if shown.over:
        thread.over = True
        threads.remember(thread)
    _report(slack, threads, thread, view)


def _open(slack: Speaking, threads: Threads, settings: ClusterSettings, wanted: SlackSettings, view: View) -> Thread:
    opened_at = view.looked_at or view.at
    first = messages.parent(card(settings, view, opened_at))
    ts = slack.post(wanted.channel, first)
    thread = Thread(cluster=view.cluster, channel=wanted.channel, opened_at=opened_at, ts=ts, shown=_digest(first))
    threads.remember(thread)
    return thread


def _tell_steps(slack: Speaking, threads: Threads, thread: Thread, view: View) -> None:
    recovery, journal = view.recovery, view.journal
    if recovery is None or journal is None:
        return
    if thread.run != recovery.run:
        if not recovery.live and (recovery.ended_at or view.at) < thread.opened_at:
            return  # it belongs to an earlier incident
        thread.run, thread.told = recovery.run, 0
    while len(journal.events) > thread.told:
        fresh = journal.events[thread.told : thread.told + LINES_A_REPLY]
        if told := [event for event in fresh if not event.of_catalog]:  # those are in the report
            slack.post(thread.channel, messages.steps(told), thread.ts)
        thread.told += len(fresh)
        threads.remember(thread)


def _ask(slack: Speaking, threads: Threads, thread: Thread, view: View) -> None:
    recovery, request, now = view.recovery, view.request, view.at
    if recovery is None or request is None or now >= request.expires_at:
        return
    asked = question(recovery, request)
    posted = thread.asked(recovery.run, request.key)
    if posted is None:
        shown = messages.question(asked)
        ts = slack.post(thread.channel, shown, thread.ts)
        thread.questions.append(Asked(run=recovery.run, key=request.key, ts=ts, shown=_digest(shown)))
        threads.remember(thread)
        return
    _replace(slack, threads, thread, posted, messages.question(asked))
    due = sum(now >= request.asked_at + share * (request.expires_at - request.asked_at) for share in REMINDERS)
    if due > posted.reminded:
        slack.post(thread.channel, messages.reminder(asked, now), thread.ts)
        posted.reminded = due
        threads.remember(thread)


def _settle_questions(slack: Speaking, threads: Threads, thread: Thread, view: View) -> None:
    """Take the buttons from every message whose question needs no answer any more, and say what became of it."""
    for posted in [q for q in thread.questions if not q.settled and not view.waits_for(q.run, q.key)]:
        recovery, request = read_recovery(posted.run), load_request(posted.run, posted.key)
        if recovery is not None and request is not None:
            answered = given_answer(posted.run, posted.key)
            if answered is None and recovery.paused_for == posted.key:
                continue
            given = None if answered is None else _word(request, *answered)
            _replace(slack, threads, thread, posted, messages.closed(question(recovery, request), given))
        posted.settled = True
        threads.remember(thread)


def _word(request: Request, answer: Answer, at: datetime) -> Approval:
    decision = Decision.APPROVED if answer.decision == "yes" else Decision.DECLINED
    of = request.proposal
    return Approval(of.step, of.fingerprint, decision, answer.operator, at, answer.reason, answer.via)


def _replace(slack: Speaking, threads: Threads, thread: Thread, posted: Asked | Thread, wanted: Message) -> None:
    """Change a message to what it should be, the thread's own or a reply; where somebody has deleted it, post it."""
    if _digest(wanted) == posted.shown:
        return
    try:
        slack.update(thread.channel, posted.ts, wanted)
    except MessageGone:
        posted.ts = slack.post(thread.channel, wanted, None if posted is thread else thread.ts)
    posted.shown = _digest(wanted)
    threads.remember(thread)


def _report(slack: Speaking, threads: Threads, thread: Thread, view: View) -> None:
    """Attach the report of the recovery that has ended, once; where Slack does not take the files, its end in words."""
    journal, recovery = view.journal, view.recovery
    if journal is None or journal.outcome is None or recovery is None or recovery.live:
        return
    if thread.run != recovery.run or thread.reported == recovery.run:
        return
    report = replace(journal.report(journal.outcome), language=slack.language)
    said = messages.end(journal.outcome, recovery.name, duration(report.seconds))
    try:
        slack.upload(thread.channel, thread.ts, said.text, attachments(report))
    except (SlackAway, AccessRefused):
        thread.report_tries += 1
        if thread.report_tries < REPORT_TRIES:
            raise
        slack.post(thread.channel, said, thread.ts)
    thread.reported, thread.report_tries = recovery.run, 0
    threads.remember(thread)


def _digest(message: Message) -> str:
    return hashlib.sha256(json.dumps([message.text, message.blocks]).encode()).hexdigest()[:16]
