"""What stands in the messages: what a person needs to decide, nothing that Slack would refuse or obey."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import failed_over, healthy, mirror_down
from gpmedic.conditions import CONDITIONS, Condition
from gpmedic.diagnosis import Finding, diagnose
from gpmedic.events import Approval, Decision, Event
from gpmedic.report import Outcome
from gpmedic.slack import messages
from gpmedic.slack.block_kit import MESSAGE_TEXT, SECTION, Message, code, escaped, listing, preformatted
from gpmedic.slack.incident import Card, Moving, Question
from gpmedic.steps import Action

NOW = datetime(2026, 3, 1, 3, 12, 11, tzinfo=UTC)
QUESTION = Question(
    value="run|key",
    cluster="prod",
    action=Action.RECOVER_FULL,
    command="gprecoverseg -i /home/gpadmin/x.cfg -a",
    effect="OVERWRITES /data/mirror/gpseg0 on sdw2.",
    why="a mirror is down (dbid 8)",
    segments=("dbid 8 (sdw2:7000, content 0)",),
    details="the whole plan\nwith two lines",
    expires_at=NOW + timedelta(hours=1),
    approved_by="Anna (Slack U0ANNA)",
)


def words(message: Message) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


def buttons(message: Message) -> list[str]:
    return [e["action_id"] for b in message.blocks if b["type"] == "actions" for e in b["elements"]]


def test_a_question_says_what_runs_where_why_what_it_does_and_what_silence_means() -> None:
    asked = messages.question(QUESTION)
    for part in (QUESTION.command, QUESTION.effect, QUESTION.why, *QUESTION.segments, "Approved by Anna"):
        assert part in words(asked)
    assert "On no, or without an answer by" in words(asked)
    assert "2026-03-01 04:12:11 UTC" in words(asked)
    assert buttons(asked) == [messages.APPROVE, messages.REJECT, messages.DETAILS]
    assert {e["value"] for b in asked.blocks if b["type"] == "actions" for e in b["elements"]} == {"run|key"}


@pytest.mark.parametrize("decision", Decision)
def test_an_answered_question_has_no_buttons_and_says_who_decided_what_when_where_and_why(decision: Decision) -> None:
    given_ = Approval("recover-full", "00ff", decision, "Anna (Slack U0ANNA)", NOW, "INC-7", "Slack")
    closed = messages.closed(QUESTION, given_)
    assert buttons(closed) == []
    for part in (decision.value, "Anna (Slack U0ANNA)", "INC-7", "via Slack", "03:12:11 UTC", QUESTION.command):
        assert part in words(closed)
    assert "no answer is on record" in words(messages.closed(QUESTION, None))


def test_the_parent_shows_what_is_wrong_what_is_done_and_who_decided() -> None:
    findings = tuple(diagnose(failed_over(healthy(), 0), ()).findings)
    card = Card(
        "prod",
        NOW,
        findings,
        ("gprecoverseg -a", "gprecoverseg -ra"),
        "wait for sync: content 0: 52 %",
        Moving(52, 125.0),
        (Approval("recover", "00ff", Decision.APPROVED, "anna", NOW),),
        run="gentle-otter",
    )
    parent = messages.parent(card)
    shown = words(parent)
    for part in ("prod: ", findings[0].facts.title, "`gprecoverseg -a`", "52 %, about 2 min 5 s left", "gentle-otter"):
        assert part in shown
    assert "recover approved by anna" in shown
    assert buttons(parent) == []


def test_a_recovery_can_be_started_only_where_that_is_of_use() -> None:
    findings = tuple(diagnose(mirror_down(healthy(), 0), ()).findings)
    assert buttons(messages.parent(Card("prod", NOW, findings, may_start=True))) == [messages.START]
    assert buttons(messages.parent(Card("prod", NOW, findings))) == []


def test_an_incident_that_is_over_says_so_and_one_that_ended_early_says_what_to_do() -> None:
    over = messages.parent(Card("prod", NOW, outcome=Outcome.RECOVERED, over=True))
    assert over.text == "🟢 prod: recovered and proven healthy"
    findings = tuple(diagnose(mirror_down(healthy(), 0), ()).findings)
    failed = Card("prod", NOW, findings, outcome=Outcome.FAILED, error="It broke.", next_action="Look.", run="otter")
    assert "*Run otter has ended: failed, a person decides.* It broke." in words(messages.parent(failed))
    assert "*Next:* Look." in words(messages.parent(failed))


@pytest.mark.parametrize("condition", Condition)
def test_each_condition_has_a_sign_a_word_and_its_title(condition: Condition) -> None:
    facts = CONDITIONS[condition]
    parent = messages.parent(Card("prod", NOW, (Finding(condition, (0,), (8,), "dbid 8"),)))
    assert facts.title in parent.text
    assert facts.severity.value.upper() in words(parent)


@given(st.text())
def test_what_others_wrote_calls_nobody_and_breaks_out_of_nothing(text: str) -> None:
    for shown in (escaped(text), code(text)):
        assert "<" not in shown
        assert ">" not in shown
        assert "\n" not in shown
    assert code(text).count("`") in (0, 2)


@given(st.lists(st.text(alphabet="ab ", max_size=400), max_size=60))
def test_a_list_fits_and_says_how_many_lines_are_missing(lines: list[str]) -> None:
    shown = listing(lines)
    assert len(shown) <= SECTION
    kept = shown.splitlines() if "more" not in shown else shown.splitlines()[:-1]
    assert "more" in shown or len("\n".join(lines)) == len(shown)
    assert len(kept) <= max(1, len(lines))


@given(st.text(max_size=40_000))
def test_long_plans_are_cut_into_sections_that_slack_takes(text: str) -> None:
    blocks = preformatted(text)
    assert len(blocks) <= 9
    assert all(len(b["text"]["text"]) <= SECTION for b in blocks if b["type"] == "section")


def test_a_thousand_segments_make_no_message_that_slack_refuses() -> None:
    many = tuple(f"dbid {n} (a-long-host-name-{n}.example:6000, content {n})" for n in range(1000))
    big = messages.question(
        Question("r|k", "prod", Action.RECOVER, "gprecoverseg -a", "x" * 9000, "y" * 9000, many, "z\n" * 9000, NOW)
    )
    assert "more" in words(big)
    events = [Event(NOW, "e" * 5000) for _ in range(20)]
    for message in (big, messages.steps(events)):
        assert len(message.text) <= MESSAGE_TEXT
        assert all(len(b["text"]["text"]) <= SECTION for b in message.blocks if b["type"] == "section")
