"""Who may decide in Slack: by id and group, by risk, and never alone where two are wanted."""

import pytest

from gpmedic.settings import SlackSettings
from gpmedic.slack.who_may import RISKS, Decider, Risk, may_start, refusal
from gpmedic.steps import Action

SETTINGS = SlackSettings(
    channel="C0GPOPS", approvers=frozenset({"U0ANNA", "S0DBAS"}), high_risk_approvers=frozenset({"U0BORIS", "S0LEADS"})
)
ANNA, BORIS = Decider("U0ANNA", name="Anna"), Decider("U0BORIS", name="Boris")
A_DBA, A_LEAD = Decider("U0CAROL", frozenset({"S0DBAS"}), "Carol"), Decider("U0DAVE", frozenset({"S0LEADS"}), "Dave")
NOBODY = Decider("U0EVE", name="Anna")


def test_every_step_that_changes_something_has_a_risk() -> None:
    harmless = {Action.WAIT_FOR_SYNC, Action.VERIFY}
    assert set(RISKS) == set(Action) - harmless


@pytest.mark.parametrize("action", RISKS)
def test_a_step_is_decided_by_those_who_are_named_for_its_risk_themselves_or_by_their_group(action: Action) -> None:
    high = RISKS[action] is Risk.HIGH
    allowed = {d.user for d in (ANNA, BORIS, A_DBA, A_LEAD, NOBODY) if not refusal(d, action, SETTINGS, None, None)}
    assert allowed == ({"U0BORIS", "U0DAVE"} if high else {"U0ANNA", "U0CAROL"})


def test_where_nobody_is_named_for_high_risk_the_approvers_decide_it() -> None:
    plain = SlackSettings(channel="C0GPOPS", approvers=frozenset({"U0ANNA"}))
    assert refusal(ANNA, Action.RECOVER_FULL, plain, None, None) == ""
    assert refusal(BORIS, Action.RECOVER_FULL, plain, None, None)


def test_a_name_is_never_what_a_rule_goes_by() -> None:
    assert NOBODY.name == ANNA.name
    assert "not among those" in refusal(NOBODY, Action.RECOVER, SETTINGS, None, None)


def test_the_second_yes_is_another_persons_by_id_whatever_they_call_themselves() -> None:
    renamed = Decider("U0BORIS", name="Somebody else")
    because = refusal(renamed, Action.RESTART, SETTINGS, None, BORIS.operator)
    assert "second, different person" in because
    assert refusal(A_LEAD, Action.RESTART, SETTINGS, None, BORIS.operator) == ""
    assert refusal(BORIS, Action.RESTART, SETTINGS, None, "boris"), "as who approved on the command line"


def test_whoever_started_it_does_not_alone_approve_a_step_of_high_risk() -> None:
    assert "somebody else" in refusal(BORIS, Action.RECOVER_FULL, SETTINGS, "U0BORIS", None)
    assert refusal(BORIS, Action.RECOVER_FULL, SETTINGS, "U0BORIS", A_LEAD.operator) == "", "as the second of two"
    assert refusal(A_LEAD, Action.RECOVER_FULL, SETTINGS, "U0BORIS", None) == ""
    assert refusal(ANNA, Action.RECOVER, SETTINGS, "U0ANNA", None) == "", "at night one person must be able to act"


def test_a_recovery_is_started_by_whoever_decides_anything() -> None:
    assert [d.user for d in (ANNA, BORIS, A_DBA, A_LEAD, NOBODY) if may_start(d, SETTINGS)] == ["U0EVE"]
