"""The messages of an incident's thread, and the words in which a click is answered."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from gpmedic.amounts import duration
from gpmedic.conditions import Severity
from gpmedic.diagnosis import Finding
from gpmedic.events import Approval, Decision, Event
from gpmedic.report import OUTCOMES, Outcome
from gpmedic.slack.block_kit import (
    MODAL_TITLE,
    Block,
    Message,
    Style,
    button,
    buttons,
    code,
    context,
    cut,
    escaped,
    header,
    listing,
    message,
    preformatted,
    section,
)
from gpmedic.slack.incident import Card, Moving, Question

APPROVE: Final = "gpmedic-approve"
REJECT: Final = "gpmedic-reject"
DETAILS: Final = "gpmedic-details"
START: Final = "gpmedic-start"
REASON_VIEW: Final = "gpmedic-reason"
REASON_INPUT: Final = "reason"
_ANSWERS: Final[Mapping[Decision, str]] = MappingProxyType(
    {
        Decision.APPROVED: "{step} approved by {by}",
        Decision.DECLINED: "{step} declined by {by}",
        Decision.EXPIRED: "{step} expired by {by}",
        Decision.VOIDED: "{step} voided by {by}",
    }
)
_BAR: Final = 20
_SHOWN_FINDINGS: Final = 6

# A shape for each colour, and a word beside it: who cannot tell red from green sees it too.
_SIGNS: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.CRITICAL: "🔴", Severity.WARNING: "🔶", Severity.INFO: "🔵"}
)
_ENDS: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.HEALTHY: "🟢",
        Outcome.RECOVERED: "🟢",
        Outcome.UNPROVEN: "🔶",
        Outcome.REFUSED: "✋",
        Outcome.STOPPED: "✋",
        Outcome.FAILED: "🔴",
    }
)


def parent(card: Card) -> Message:
    """The incident at a glance: what is wrong, what is being done, what is wanted of whom."""
    title = _title(card)
    return message(title, [header(title), *_parent(card)])


def _title(card: Card) -> str:
    if card.over:
        return f"🟢 {card.cluster}: {OUTCOMES[card.outcome] if card.outcome else 'healthy again'}"
    if not card.findings:
        return f"🔵 {card.cluster}: a recovery is running"
    worst = card.findings[0].facts
    more = f" (+{len(card.findings) - 1})" if len(card.findings) > 1 else ""
    return f"{_SIGNS[worst.severity]} {card.cluster}: {worst.title}{more}"


def _parent(card: Card) -> Iterator[Block]:
    if card.findings:
        yield section(listing(_finding(f) for f in card.findings[:_SHOWN_FINDINGS]))
    if card.commands:
        yield section("*Plan*\n" + listing((f"{n}. {code(c)}" for n, c in enumerate(card.commands, 1)), 1500))
    if card.moving is not None:
        yield section(f"*Now:* {escaped(card.now)}\n{bar(card.moving)}")
    elif card.now:
        yield section(f"*Now:* {escaped(card.now)}")
    if card.outcome is not None and not card.over:
        ended = f"{_ENDS[card.outcome]} *Run {escaped(card.run)} has ended: {OUTCOMES[card.outcome]}.*"
        yield section(f"{ended} {escaped(card.error)}")
    if card.why and not card.over:
        yield section(f"*Why nothing more is done:* {escaped(card.why)}")
    if card.next_action and not card.over:
        yield section(f"*Next:* {escaped(card.next_action)}")
    if card.answers:
        yield context(listing((answer(a) for a in card.answers[-8:]), 1900))
    if card.may_start:
        yield buttons(button(START, "Start recovery", card.cluster, Style.PRIMARY))
    run = f"Prefect run {escaped(card.run)}" if card.run else ""
    seen = f"last seen {moment(card.looked_at)}" if card.looked_at and card.findings else ""
    yield context(" · ".join(filter(None, (f"Opened {moment(card.opened_at)}", seen, run))))


def _finding(finding: Finding) -> str:
    facts = finding.facts
    return (
        f"{_SIGNS[facts.severity]} *{facts.severity.value.upper()}* {escaped(cut(finding.sentence, 300))}"
        f" {escaped(facts.meaning)}"
    )


def bar(moving: Moving) -> str:
    """Such as `██████████░░░░░░░░░░ 50 %, about 2 min 5 s left`."""
    done = min(_BAR, max(0, round(moving.percent / 100 * _BAR)))
    left = "" if moving.seconds_left is None else f", about {duration(moving.seconds_left)} left"
    return f"`{'█' * done}{'░' * (_BAR - done)}` {moving.percent:.0f} %{left}"


def answer(given: Approval) -> str:
    """One line: which step, what was decided, by whom, when, by which way, why."""
    via = f"via {escaped(given.via)}" if given.via else ""
    said = _ANSWERS[given.decision].format(step=escaped(given.step), by=escaped(given.by))
    return " · ".join(filter(None, (said, moment(given.at), via, escaped(given.reason))))


def steps(events: Sequence[Event]) -> Message:
    """What has happened since the last such message."""
    lines = [f"{code(f'{e.at.astimezone(UTC):%H:%M:%S}')} {escaped(cut(e.what, 400))}" for e in events]
    last = events[-1].what if events else ""
    return message(last, [section(listing(lines))])


def question(asked: Question) -> Message:
    """What will run, where, why, what it interrupts, until when an answer counts; with its buttons."""
    return message(
        f"{asked.cluster}: approve {asked.command}?",
        [
            header(f"{asked.cluster}: approve {asked.action.value.replace('_', ' ')}?"),
            *_asked(asked),
            section(
                f"*On no, or without an answer by {moment(asked.expires_at)}, it is not run*, and the cluster stays as"
                " it is."
            ),
            buttons(
                button(APPROVE, "Approve", asked.value, Style.PRIMARY),
                button(REJECT, "Reject", asked.value, Style.DANGER),
                button(DETAILS, "Details", asked.value),
            ),
        ],
    )


def _asked(asked: Question) -> Iterator[Block]:
    yield section(f"*Command*\n{code(asked.command)}")
    yield section("*Segments*\n" + listing((f"• {escaped(s)}" for s in asked.segments), 1500))
    if asked.why:
        yield section(f"*Why*\n{escaped(asked.why)}")
    yield section(f"*What it does*\n{escaped(asked.effect)}")
    if asked.estimate:
        yield section(f"*How long*\n{escaped(asked.estimate)}")
    if asked.approved_by is not None:
        yield section(f"*Approved by {escaped(asked.approved_by)}.* A second, different person must approve it too.")


def closed(asked: Question, given: Approval | None) -> Message:
    """The question when it needs no answer any more: nothing can be clicked.

    Args:
        given: the answer; None where none is on record, as where the run has ended without one.
    """
    what = "It waits no longer, and no answer is on record." if given is None else answer(given)
    return message(
        f"{asked.cluster}: {asked.command}: {'closed' if given is None else given.decision.value}",
        [section(f"*{escaped(asked.cluster)}:* {code(asked.command)}"), section(what)],
    )


def reminder(asked: Question, now: datetime) -> Message:
    left = duration(max(0.0, (asked.expires_at - now).total_seconds()))
    text = f"Still waiting for an answer to {asked.command}: {left} left, then it counts as a no."
    return message(text, [section(f"⏳ Still waiting for an answer to {code(asked.command)}: {left} left, then a no.")])


def details(asked: Question) -> Message:
    return message(f"The whole plan of {asked.command}", preformatted(asked.details or asked.effect))


def whisper(text: str) -> Message:
    """Something that only one person sees."""
    return message(text, [section(escaped(text))])


def end(outcome: Outcome, run: str, took: str) -> Message:
    """How a run ended; the report and the pictures come with it as files."""
    said = f"{_ENDS[outcome]} Run {run} ended after {took}: {OUTCOMES[outcome]}."
    return message(said, [section(escaped(said))])


def reason_view(asked: Question, carried: str) -> dict[str, Any]:
    """The form that asks why a step is rejected; `carried` comes back with it."""
    return {
        "type": "modal",
        "callback_id": REASON_VIEW,
        "private_metadata": carried,
        "title": {"type": "plain_text", "text": cut("Reject this step", MODAL_TITLE)},
        "submit": {"type": "plain_text", "text": "Reject"},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": [
            section(f"{code(asked.command)} on {escaped(asked.cluster)} will not be run."),
            {
                "type": "input",
                "block_id": REASON_INPUT,
                "label": {"type": "plain_text", "text": "Why? It is kept with the record."},
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON_INPUT,
                    "multiline": True,
                    "max_length": 2000,
                },
            },
        ],
    }


def moment(at: datetime) -> str:
    """As each reader's own clock shows it; in UTC where it cannot be shown so."""
    utc = at.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{{date_short_pretty}} {{time_secs}}|{utc:%Y-%m-%d %H:%M:%S} UTC>"
