"""What keeps gpmedic from acting is said wherever the state of a cluster is shown."""

from domain.clusters import healthy, probes
from gpmedic.capabilities import Capabilities
from gpmedic.diagnosis import diagnose
from gpmedic.limits import Limits
from gpmedic.plan import make_plan
from gpmedic.policy import Automation
from gpmedic.report import diagnosis_json, diagnosis_markdown, plan_json, plan_text
from gpmedic.settings import PolicySettings

FREE = Limits(Automation.WITH_APPROVAL)
BOUND = Limits(Automation.OBSERVE_ONLY, "/home/gpadmin/.gpmedic/brake: anna")
UNKNOWN = Limits(Automation.WITH_APPROVAL, unknown="mdw does not answer.")


def test_a_cluster_on_which_gpmedic_may_act_needs_no_words() -> None:
    assert FREE.sentences == ()


def test_pages_texts_and_json_say_that_it_may_not() -> None:
    diagnosis = diagnose(healthy(), probes(healthy()))
    plan = make_plan(diagnosis, Capabilities(healthy().version), PolicySettings())
    for shown in (diagnosis_markdown(diagnosis, BOUND), plan_text(plan, BOUND)):
        assert "gpmedic only observes this cluster" in shown
        assert "The brake is on: " in shown
        assert "anna" in shown
    assert diagnosis_json(diagnosis, BOUND)["limits"] == plan_json(plan, BOUND)["limits"]
    assert plan_json(plan, BOUND)["limits"] == {
        "automation": "observe_only",
        "brake": "on",
        "brake_detail": "/home/gpadmin/.gpmedic/brake: anna",
    }


def test_a_brake_that_cannot_be_looked_at_is_not_called_off() -> None:
    diagnosis = diagnose(healthy(), probes(healthy()))
    assert UNKNOWN.sentences == ("Whether the brake is on is not known: mdw does not answer.",)
    assert diagnosis_json(diagnosis, UNKNOWN)["limits"] == {
        "automation": "with_approval",
        "brake": "unknown",
        "brake_detail": "mdw does not answer.",
    }
