"""The approvals of gpmedic, with a real Prefect engine: what is asked, what counts as an answer, and for how long."""

import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run

from flows.attend import attend, give_and_see
from flows.attend import give as give_to_its_question
from gpmedic.errors import NotApproved, UnsafeState
from gpmedic.events import Approval as Answered
from gpmedic.events import Decision as Became
from tasks.answers import Note, unheard
from tasks.approve import Answer, Approval, Needed, Outdated, Proposal, Request, approve, hearing_requests
from tasks.notify import Progress, listening
from tests.emitted import events_of
from tests.people import give

HOUR = timedelta(hours=1)


def proposal(fingerprint: str = "abc123", step: str = "recover") -> Proposal:
    text = f"gprecoverseg -a for {fingerprint}"
    return Proposal(
        cluster="gp6", step=step, fingerprint=fingerprint, argv=("gprecoverseg", "-a"), dbids=(3,), text=text
    )


def run_with(
    propose: Callable[[], Proposal | None],
    attendant: Callable[[Request], Answer],
    valid_for: timedelta = HOUR,
    needed: Needed = Needed.ONE_PERSON,
    note: Note = unheard,
) -> Approval | None:
    @flow
    def asks_once() -> Approval | None:
        return approve(propose, valid_for, needed, note)

    return attend(asks_once, attendant)


class Record(list[Answered]):
    """What was written down, as decision, by whom, why."""

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        return [(a.decision.value, a.by, a.reason) for a in self]


def yes(_request: Request) -> Answer:
    return Answer(decision="yes", operator="anna", reason="INC-7")


def test_a_yes_is_recorded_with_who_when_and_which_plan() -> None:
    before, record = datetime.now(UTC), Record()
    approval = run_with(proposal, yes, note=record.append)
    assert approval is not None
    assert (approval.operator, approval.reason, approval.step) == ("anna", "INC-7", "recover")
    assert approval.covers("abc123")
    assert not approval.covers("abc124")
    assert before - timedelta(seconds=1) <= approval.decided_at <= datetime.now(UTC)
    at = approval.decided_at
    (noted,) = record
    assert noted.asked_at is not None
    assert before - timedelta(seconds=1) <= noted.asked_at <= at
    wanted = Answered("recover", "abc123", Became.APPROVED, "anna", at, "INC-7", "Prefect's page", noted.asked_at)
    assert noted == wanted


def test_the_person_is_shown_the_plan_and_the_key_names_step_and_fingerprint() -> None:
    seen: list[Request] = []

    def look(request: Request) -> Answer:
        seen.append(request)
        return yes(request)

    run_with(proposal, look)
    assert [(r.key, r.proposal.text) for r in seen] == [("recover-abc123", "gprecoverseg -a for abc123")]


def test_a_no_stops_the_flow_and_says_who_said_it_and_why(prefect_server: str) -> None:
    record = Record()
    refused = proposal().model_copy(update={"cluster": "gp-no"})
    with pytest.raises(NotApproved, match="boris said no to recover \\(backup runs\\)"):
        run_with(
            lambda: refused, lambda _: Answer(decision="no", operator="boris", reason="backup runs"), note=record.append
        )
    assert record.lines == [("declined", "boris", "backup runs")]
    (told,) = events_of(prefect_server, "gp-no", "approval.refused")
    assert (told["operator"], told["reason"], told["step"]) == ("boris", "backup runs", "recover")


def test_silence_is_a_no() -> None:
    record = Record()

    @flow
    def asks_nobody() -> Approval | None:
        return approve(proposal, timedelta(seconds=1), note=record.append)

    with pytest.raises(NotApproved, match="Nobody answered"):
        asks_nobody()
    assert [(a.decision.value, a.by) for a in record] == [("expired", "nobody")]


def test_an_attendant_that_fails_is_a_no() -> None:
    def broken(_request: Request) -> Answer:
        raise EOFError("no terminal")

    with pytest.raises(NotApproved, match="EOFError: no terminal"):
        run_with(proposal, broken)


def test_a_plan_that_changed_meanwhile_voids_the_answer_and_is_not_asked_for_with_the_checks_of_another() -> None:
    plans, asked, record = iter(["aaa", "bbb"]), list[str](), Record()

    def attendant(request: Request) -> Answer:
        asked.append(request.proposal.text)
        return yes(request)

    with pytest.raises(Outdated, match="The answer to recover is void: the cluster has changed meanwhile"):
        run_with(lambda: proposal(next(plans)), attendant, note=record.append)
    assert asked == ["gprecoverseg -a for aaa"]
    assert record.lines == [("voided", "anna", "INC-7; the cluster has changed meanwhile")]
    assert [a.fingerprint for a in record] == ["aaa"]


def test_an_answer_to_a_plan_that_went_and_came_back_is_not_used_a_second_time() -> None:
    plans, asked = iter(["aaa", "bbb", "bbb", "aaa", "aaa", "aaa"]), list[str]()

    def attendant(request: Request) -> Answer:
        asked.append(request.key)
        return yes(request)

    @flow
    def begins_again() -> Approval | None:
        for _ in range(2):
            with pytest.raises(Outdated):
                approve(lambda: proposal(next(plans)), HOUR)
        return approve(lambda: proposal(next(plans)), HOUR)

    assert attend(begins_again, attendant) is not None
    assert asked == ["recover-aaa", "recover-bbb", "recover-aaa-2"]


def test_a_yes_whose_time_is_over_when_it_is_known_that_nothing_has_changed_is_asked_for_again() -> None:
    record, told, slow = Record(), list[Progress](), iter([0.0, 2.2])

    def looks() -> Proposal:
        time.sleep(next(slow, 0.0))
        return proposal()

    with listening(told.append):
        approval = run_with(looks, yes, timedelta(seconds=2), note=record.append)
    assert approval is not None
    assert record.lines == [("voided", "anna", "INC-7; the approval has expired"), ("approved", "anna", "INC-7")]
    assert any(progress.text == "The answer is void: the approval has expired." for progress in told)


def test_an_answer_allows_one_command_the_same_failure_again_is_asked_again() -> None:
    asked: list[str] = []

    def attendant(request: Request) -> Answer:
        asked.append(request.key)
        return yes(request)

    @flow
    def recovers_twice() -> None:
        approve(proposal, HOUR)
        approve(proposal, HOUR)

    attend(recovers_twice, attendant)
    assert asked == ["recover-abc123", "recover-abc123-2"]


def test_nothing_is_asked_when_nothing_is_to_be_done() -> None:
    assert run_with(lambda: None, yes) is None


def test_an_answer_after_which_nothing_is_left_to_do_approves_nothing() -> None:
    plans = iter([proposal(), None])
    assert run_with(lambda: next(plans), yes) is None


def test_an_approval_expires() -> None:
    now = datetime.now(UTC)
    approval = Approval(
        step="recover",
        fingerprint="abc123",
        argv=("gprecoverseg", "-a"),
        dbids=(3,),
        operator="anna",
        reason="",
        decided_at=now - timedelta(hours=2),
        expires_at=now + timedelta(hours=1),
    )
    assert approval.covers("abc123")
    assert not approval.model_copy(update={"expires_at": now}).covers("abc123")


def test_prefect_refuses_an_answer_that_is_neither_yes_nor_no() -> None:
    paused: list[UUID] = []
    refusals: list[str] = []

    def answer_badly_first() -> None:
        with get_client(sync_client=True) as client:
            while (state := client.read_flow_run(paused[0]).state) is None or not state.is_paused():
                time.sleep(0.05)
        while not refusals or "schema" in refusals[-1].lower():  # its form is stored a moment after
            try:
                resume_flow_run(paused[0], run_input={"decision": "maybe", "operator": "anna"})
            except RuntimeError as error:
                refusals.append(str(error))
        give(paused[0], Answer(decision="yes", operator="anna"))

    @flow
    def asks() -> Approval | None:
        return approve(lambda: proposal("facade"), HOUR)

    person = Thread(target=copy_context().run, args=(answer_badly_first,))

    def hear(run: UUID, _request: Request) -> None:
        paused.append(run)
        person.start()

    with hearing_requests(hear):
        approval = asks()
    person.join()
    assert approval is not None
    assert "decision" in refusals[-1]


def test_two_people_means_two_different_ones_and_the_record_names_both() -> None:
    names = iter(["anna", " Anna ", "boris"])
    asked: list[Request] = []
    told: list[Progress] = []
    record = Record()

    def attendant(request: Request) -> Answer:
        asked.append(request)
        return Answer(decision="yes", operator=next(names))

    with listening(told.append):
        approval = run_with(proposal, attendant, needed=Needed.TWO_PEOPLE, note=record.append)
    assert [(r.key, r.approved_by) for r in asked] == [
        ("recover-abc123", None),
        ("recover-abc123-second", "anna"),
        ("recover-abc123-second-2", "anna"),
    ]
    assert approval is not None
    assert (approval.operator, approval.seconded_by, approval.by) == ("anna", "boris", "anna and boris")
    assert any("a second person must" in progress.text for progress in told)
    assert [(a.decision.value, a.by) for a in record] == [("approved", "anna"), ("approved", "boris")]


def test_the_second_person_can_say_no() -> None:
    answers = iter([Answer(decision="yes", operator="anna"), Answer(decision="no", operator="boris", reason="not now")])

    record = Record()
    with pytest.raises(NotApproved, match="boris said no to recover \\(not now\\)"):
        run_with(proposal, lambda _: next(answers), needed=Needed.TWO_PEOPLE, note=record.append)
    assert record.lines == [("voided", "anna", "boris said no"), ("declined", "boris", "not now")]


def test_one_person_who_answers_again_and_again_approves_nothing() -> None:
    @flow
    def asks_two() -> Approval | None:
        return approve(proposal, HOUR, Needed.TWO_PEOPLE)

    with pytest.raises(UnsafeState, match="too often"):
        attend(asks_two, yes)


def test_a_no_to_another_question_is_void_and_this_one_is_asked_again() -> None:
    record, asked = Record(), list[str]()

    @flow
    def asks() -> Approval | None:
        return approve(proposal, HOUR, note=record.append)

    def answer_the_last_one(run: UUID, request: Request) -> None:
        asked.append(request.key)
        late = Answer(decision="no", operator="anna", question="rebalance-0")
        answer = late if len(asked) == 1 else Answer(decision="yes", operator="anna", question=request.key)
        Thread(target=copy_context().run, args=(_give_once_paused, run, request, answer)).start()

    with hearing_requests(answer_the_last_one):
        approval = asks()
    assert approval is not None
    assert len(asked) == 2
    assert asked[0] != asked[1]
    assert [line[0] for line in record.lines] == ["approved"]


def test_after_an_answer_to_another_question_a_plan_that_changed_meanwhile_is_not_asked_for() -> None:
    plans, asked = iter(["aaa", "bbb"]), list[str]()

    @flow
    def asks() -> Approval | None:
        return approve(lambda: proposal(next(plans)), HOUR)

    def answer_another_one(run: UUID, request: Request) -> None:
        asked.append(request.key)
        late = Answer(decision="no", operator="anna", question="rebalance-0")
        Thread(target=copy_context().run, args=(_give_once_paused, run, request, late)).start()

    with hearing_requests(answer_another_one), pytest.raises(Outdated):
        asks()
    assert asked == ["recover-aaa"]


def test_a_yes_to_another_question_is_not_taken_and_this_one_waits_on() -> None:
    record, refused = Record(), list[Answer | None]()

    @flow
    def asks() -> Approval | None:
        return approve(proposal, HOUR, note=record.append)

    def answer_twice(run: UUID, request: Request) -> None:
        _await_pause(run, request)
        refused.append(give_and_see(run, Answer(decision="yes", operator="anna", question="rebalance-0")))
        give(run, Answer(decision="yes", operator="boris"))

    with hearing_requests(
        lambda run, request: Thread(target=copy_context().run, args=(answer_twice, run, request)).start()
    ):
        approval = asks()
    assert refused == [None]
    assert approval is not None
    assert approval.operator == "boris"
    assert [line[0] for line in record.lines] == ["approved"]


def test_an_answer_that_meets_another_being_stored_is_given_again() -> None:
    """Of two people who answer in the same moment, Prefect refuses one with a conflict of its database."""

    @flow
    def asks() -> Approval | None:
        return approve(proposal, HOUR)

    def answer_meanwhile(run: UUID, request: Request) -> None:
        _await_pause(run, request)
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
            assert state is not None
            assert state.state_details.run_input_keyset is not None
            key, inputs = state.state_details.run_input_keyset["response"], f"/flow_runs/{run}/input"
            client.request("POST", inputs, json={"key": key, "value": "{}"})
            giving = Thread(target=copy_context().run, args=(give, run, Answer(decision="yes", operator="anna")))
            giving.start()
            time.sleep(1)
            client.request("DELETE", f"{inputs}/{key}")
        giving.join()
        give(run, Answer(decision="yes", operator="somebody later"))

    with hearing_requests(
        lambda run, request: Thread(target=copy_context().run, args=(answer_meanwhile, run, request)).start()
    ):
        approval = asks()
    assert approval is not None
    assert approval.operator == "anna"


def _give_once_paused(run: UUID, request: Request, answer: Answer) -> None:
    _await_pause(run, request)
    give_to_its_question(run, answer)


def _await_pause(run: UUID, request: Request) -> None:
    with get_client(sync_client=True) as client:
        while (state := client.read_flow_run(run).state) is None or state.state_details.pause_key != request.key:
            time.sleep(0.05)
