"""What a run has noted survives its suspension."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prefect import flow

from flows.journal import Journal, keeping, open_journal
from gpmedic.access.history import HistoryLine
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Family, Mode, Role, Segment, Status, Version
from gpmedic.conditions import Condition, Scenario
from gpmedic.diagnosis import Finding, diagnose
from gpmedic.events import Approval, Decision
from gpmedic.plan import Action, Plan
from gpmedic.report import Outcome, Round, report_text
from gpmedic.steps import Disruption, Step
from gpmedic.verify import Proof, ProofName
from tasks.notify import Level, Phase, Progress, listening, tell

CHECK = Check(CheckName.CLOCK, "sdw1", Verdict.PASS, "right")
NOW = datetime.now(UTC)


def failing() -> Cluster:
    coordinator = Segment(1, -1, Role.PRIMARY, Role.PRIMARY, Mode.NOT_IN_SYNC, Status.UP, 5432, "mdw", "mdw", "/data/c")
    primary = Segment(2, 0, Role.PRIMARY, Role.PRIMARY, Mode.NOT_IN_SYNC, Status.UP, 6000, "sdw1", "sdw1", "/data/p")
    mirror = Segment(3, 0, Role.MIRROR, Role.MIRROR, Mode.NOT_IN_SYNC, Status.DOWN, 7000, "sdw2", "sdw2", "/data/m")
    return Cluster("gp6", Version(Family.GREENPLUM, 6, 24, "6.24.3"), (coordinator, primary, mirror))


def plan(option: str) -> Plan:
    step = Step(Action.RECOVER, ("gprecoverseg", option), (3,), (0,), "effect", Disruption.CHANGES)
    return Plan("gp6", Scenario.RECOVER_SEGMENTS, (step,), f"00{option}")


def test_a_journal_is_the_same_after_it_was_kept_and_opened() -> None:
    cluster = failing()
    journal = Journal(cluster_name="gp6")
    journal.see(diagnose(cluster, ()))
    journal.hear(Progress(Phase.OBSERVE, "a mirror is down"))
    journal.answered(Approval("recover", "abc", Decision.APPROVED, "anna", NOW, "INC-7"))
    journal.planned(plan("-a"), (CHECK,))
    journal.recall([HistoryLine(NOW, 3, "FTS: down")])
    assert Journal.model_validate_json(journal.model_dump_json()) == journal


def test_every_answer_is_noted_once_with_its_reason_and_only_a_yes_that_counted_lets_a_step_run() -> None:
    journal = Journal(cluster_name="gp6")
    for decision in (Decision.VOIDED, Decision.DECLINED, Decision.EXPIRED):
        for _ in range(2):
            journal.answered(Approval("recover", "abc", decision, "anna", NOW, f"it was {decision.value}"))
    assert not journal.acted
    assert [a.decision for a in journal.report(Outcome.REFUSED).approvals] == ["voided", "declined", "expired"]
    assert all(f"it was {a.decision.value}" in report_text(journal.report(Outcome.REFUSED)) for a in journal.approvals)
    journal.answered(Approval("recover", "abc", Decision.APPROVED, "boris", NOW))
    assert journal.acted


def test_a_yes_that_came_too_late_let_nothing_run_and_those_to_earlier_questions_stay() -> None:
    journal, first = Journal(cluster_name="gp6"), Approval("recover", "abc", Decision.APPROVED, "anna", NOW)
    journal.asks()
    journal.answered(first)
    journal.asks()
    for who in ("anna", "boris"):  # the same step of the same state, as where a mirror goes down again
        journal.answered(Approval("recover", "abc", Decision.APPROVED, who, NOW + timedelta(minutes=9), "INC-7"))
    journal.answered_too_late("too late")
    assert journal.approvals[0] == first
    assert [(a.decision, a.reason) for a in journal.approvals[1:]] == 2 * [(Decision.VOIDED, "INC-7; too late")]


def test_the_history_is_told_once_and_begins_with_the_last_word_on_what_is_in_trouble() -> None:
    def line(seconds: float, dbid: int, text: str) -> HistoryLine:
        return HistoryLine(NOW + timedelta(seconds=seconds), dbid, text)

    before = [line(-5, 3, "FTS: down"), line(-60, 3, "FTS: up"), line(-60, 1, "FTS: another pair")]
    journal = Journal(cluster_name="gp6")
    journal.see(diagnose(failing(), ()))
    journal.recall(before)
    assert [(e.source, e.what) for e in journal.events] == [("FTS", "dbid 3: down")]
    later = [line(2, 2, "FTS: switched"), line(1, 3, "gprecoverseg: segment config for resync"), *before]
    for _ in range(2):
        journal.recall(later)
    assert [(e.source, e.what) for e in journal.events[1:]] == [
        ("gprecoverseg", "dbid 3: segment config for resync"),
        ("FTS", "dbid 2: switched"),
    ]


def test_each_plan_is_a_round_and_the_same_plan_again_takes_its_place() -> None:
    journal = Journal(cluster_name="gp6")
    journal.planned(plan("-a"), (CHECK,))
    journal.planned(plan("-a"))
    assert journal.rounds == (Round(plan("-a"), (CHECK,)),)
    journal.planned(plan("-r"))
    assert journal.rounds == (Round(plan("-a"), (CHECK,)), Round(plan("-r")))
    assert journal.checks == ()
    assert journal.report(Outcome.RECOVERED).rounds == journal.rounds


def test_what_is_found_later_is_kept_once_beside_what_was_found_first() -> None:
    journal = Journal(cluster_name="gp6")
    first = diagnose(failing(), ())
    journal.see(first)
    journal.see(first)
    assert journal.found_later == ()
    other = replace(first, findings=(*first.findings, Finding(Condition.ROLES_SWITCHED, (0,), (2, 3), "switched")))
    journal.see(other)
    journal.see(other)
    assert [f.condition for f in journal.report(Outcome.RECOVERED).found_later] == [Condition.ROLES_SWITCHED]


def test_a_run_that_ends_unproven_says_which_proof_is_missing_and_what_to_do_next() -> None:
    journal = Journal(cluster_name="gp6")
    journal.proofs = (
        Proof(ProofName.NO_ROW_DOWN, True, "every one up"),
        Proof(ProofName.GPSTATE, False, "gpstate -e reports segments that are not normal"),
    )
    next_action = journal.report(Outcome.UNPROVEN).next_action
    assert "gpstate says all normal: gpstate -e reports" in next_action
    assert "no row down" not in next_action
    assert "run the flow recover on gp6 again" in next_action
    assert journal.report(Outcome.RECOVERED).next_action == ""
    journal.proofs = ()
    assert "gpstate" in journal.report(Outcome.UNPROVEN).next_action


def test_what_is_passing_is_shown_and_not_stored(prefect_server: str) -> None:
    @flow
    def waiting() -> list[Journal | None]:
        journal, stored = open_journal("gp"), list[Journal | None]()
        with listening(keeping(journal)):
            for level in (Level.PASSING, Level.INFO):
                tell(Phase.SYNCHRONIZE, f"a figure that is {level}", level)
                stored.append(open_journal("gp"))
        assert journal.now is not None
        return stored

    before, after = waiting()
    assert before is not None
    assert before.events == ()
    assert before.now is None
    assert after is not None
    assert [event.what for event in after.events] == ["wait for sync: a figure that is info"]
