"""A click decides, once, by whom it may; the others are told why not."""

import pytest
from approvals.conftest import Scene

from gpmedic.approvals.decide import Fate
from gpmedic.errors import NotApproved
from gpmedic.slack import messages
from tasks.approve import Needed
from tests.emitted import events_of


def test_an_approval_in_slack_lets_the_run_go_on_and_the_thread_says_who_gave_it(incident: Scene) -> None:
    run = incident.begin()
    question = incident.asked()
    for part in ("gprecoverseg -a", "dbid 8 (sdw2:7000, content 0)", "a mirror is down", "On no, or without an answer"):
        assert part in question.words
    delivered = incident.slack.click(question, messages.APPROVE)
    assert delivered.acked_after is not None
    approval = run.result(60)
    assert approval is not None
    assert (approval.operator, approval.step) == ("Anna Ahn (Slack U0ANNA)", "recover")
    incident.slack.wait_for(lambda: "approved by Anna Ahn (Slack U0ANNA)" in incident.slack.find(question).words)
    assert incident.slack.find(question).buttons == ()
    parent = incident.slack.wait_for(lambda: (p := incident.parent()) and "recovered and proven" in p.text and p)
    assert parent
    assert "recover approved by Anna Ahn" in parent.words
    assert "via Slack" in parent.words
    [report] = incident.slack.wait_for(incident.reports)
    assert b"Anna Ahn (Slack U0ANNA) | Slack |" in report
    steps = "\n".join(reply.words for reply in incident.replies())
    assert "observe: a mirror is down" in steps
    assert "recover: gprecoverseg -a has ended" in steps


def test_a_rejection_asks_for_the_reason_and_the_run_ends_with_it(incident: Scene) -> None:
    run = incident.begin()
    question = incident.asked()
    incident.slack.click(question, messages.REJECT)
    form = incident.slack.wait_for(lambda: incident.slack.form("anna"))
    assert form is not None
    incident.slack.submit("anna", {messages.REASON_INPUT: "backup runs"})
    with pytest.raises(NotApproved, match=r"Anna Ahn \(Slack U0ANNA\) said no to recover \(backup runs\)"):
        run.result(60)
    incident.slack.wait_for(lambda: "declined by Anna Ahn" in incident.slack.find(question).words)
    incident.slack.wait_for(lambda: (p := incident.parent()) and "refused, the cluster is untouched" in p.words)


def test_the_whole_plan_is_shown_to_who_asks_for_it_alone(incident: Scene) -> None:
    incident.begin()
    incident.slack.click(incident.asked(), messages.DETAILS, by="dave")
    incident.slack.wait_for(lambda: [m for m in incident.whispers("dave") if "the whole plan" in m.words])
    incident.slack.click(incident.asked(), messages.APPROVE)


def test_whoever_may_not_decide_is_told_so_alone_it_is_on_record_and_the_run_waits_on(
    incident: Scene, prefect_server: str
) -> None:
    run = incident.begin()
    question = incident.asked()
    incident.slack.click(question, messages.APPROVE, by="dave")
    [told] = incident.slack.wait_for(lambda: incident.whispers("dave"))
    assert "not among those who decide a step of low risk" in told.words
    assert incident.fates[Fate.REFUSED] == 1
    [denied] = events_of(prefect_server, incident.name, "approval.denied")
    assert (denied["operator"], denied["step"]) == ("Dave Diaz (Slack U0DAVE)", "recover")
    assert not run.done()
    assert incident.slack.find(question).buttons
    incident.slack.click(question, messages.APPROVE, by="carol")  # of the group
    approval = run.result(60)
    assert approval is not None
    assert approval.operator == "Carol Chu (Slack U0CAROL)"


def test_two_people_who_click_at_once_give_one_answer_and_the_second_is_told_who_was_first(incident: Scene) -> None:
    run = incident.begin()
    question = incident.asked()
    incident.slack.click_at_once((question, messages.APPROVE, "anna"), (question, messages.APPROVE, "carol"))
    approval = run.result(60)
    assert approval is not None
    late = "carol" if "Anna" in approval.operator else "anna"
    [told] = incident.slack.wait_for(lambda: incident.whispers(late))
    assert "Too late" in told.words
    assert approval.operator in told.words or "waits no longer" in told.words
    assert (incident.fates[Fate.DECIDED], incident.fates[Fate.STALE]) == (1, 1)


def test_a_click_that_slack_delivers_again_changes_nothing(incident: Scene) -> None:
    run = incident.begin()
    incident.slack.click(incident.asked(), messages.APPROVE)
    incident.slack.redeliver()
    assert run.result(60) is not None
    assert incident.fates[Fate.DECIDED] == 1
    assert incident.whispers("anna") == ()


def test_where_two_people_are_needed_the_second_question_says_who_approved_and_refuses_the_same_one(
    incident: Scene,
) -> None:
    run = incident.begin("recover-full", Needed.TWO_PEOPLE)
    first = incident.asked()
    incident.slack.click(first, messages.APPROVE)
    second = incident.slack.wait_for(lambda: (q := incident.question()) and q.ts != first.ts and q, 30)
    assert second
    assert "Approved by Anna Ahn (Slack U0ANNA)" in second.words
    incident.slack.click(second, messages.APPROVE)
    [told] = incident.slack.wait_for(lambda: incident.whispers("anna"))
    assert "a second, different person must" in told.words
    incident.slack.click(second, messages.APPROVE, by="boris")
    approval = run.result(60)
    assert approval is not None
    assert approval.by == "Anna Ahn (Slack U0ANNA) and Boris Bell (Slack U0BORIS)"


def test_a_button_that_means_nothing_that_was_asked_is_counted_and_decides_nothing(incident: Scene) -> None:
    run = incident.begin()
    question = incident.asked()
    forged = ["nonsense", "00000000-0000-0000-0000-000000000000|recover-abc123", "|", "x" * 200]
    for value in forged:
        incident.slack.click(question, messages.APPROVE, value=value)
    incident.slack.wait_for(lambda: incident.fates[Fate.FORGED] == len(forged))
    assert not run.done()
    incident.slack.click(question, messages.APPROVE)
    assert run.result(60) is not None


def test_a_button_of_another_message_than_the_one_that_asks_decides_nothing(incident: Scene) -> None:
    run = incident.begin()
    question, parent = incident.asked(), incident.parent()
    assert parent is not None
    incident.slack.click(parent, messages.APPROVE, value=question.value_of(messages.APPROVE))
    [told] = incident.slack.wait_for(lambda: incident.whispers("anna"))
    assert "not the message that asks" in told.words
    assert not run.done()
    incident.slack.click(question, messages.APPROVE)
    assert run.result(60) is not None
