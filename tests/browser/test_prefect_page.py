"""An incident from beginning to end on Prefect's page, in a real browser: what docs/prefect-page.md shows."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from gpmedic.cluster import Mode, Status
from gpmedic.practice import Facts, Fault, PracticeCluster
from tests.browser.conftest import CLUSTER
from tests.browser.person import Person, words
from tests.people import by_hand

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
NAME = "Anna Ahn"
NAMED_IN_THE_DOCUMENT = "sr-client-cfg.amplitude.com"


def until(person: Person, deployment: str, state: str, after: str = "") -> str:
    """The id of the deployment's newest run, once it is in this state; `after`: and is another run than this."""
    deadline = time.monotonic() + 600
    while True:
        run = person.newest_run(deployment)
        if run["state_name"] == state and run["id"] != after:
            return str(run["id"])
        assert time.monotonic() < deadline, run["state"]
        assert run["id"] == after or run["state_name"] not in {"Failed", "Crashed"} - {state}, run["state"]
        time.sleep(0.5)


def until_is(person: Person, run: str, state: str, asked: str = "") -> None:
    """Wait until the run is in this state; `asked`: and for this step, not for the one before."""
    deadline = time.monotonic() + 600
    while True:
        (found,) = person.asks("/flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        key = (found["state"]["state_details"] or {}).get("pause_key") or ""
        if found["state_name"] == state and key.startswith(asked):
            return
        assert time.monotonic() < deadline, found["state"]
        assert found["state_name"] not in {"Completed", "Failed", "Crashed"} - {state}, found["state"]
        time.sleep(0.5)


def downs(practice: PracticeCluster) -> list[int]:
    return [s.dbid for s in practice.facts().data_segments if s.status is Status.DOWN]


def broken(practice: PracticeCluster, fault: Fault, content: int) -> None:
    """Each test another content: a segment that is down again within the hour is not recovered without its cause."""
    practice.break_(fault, content=content)
    practice.wait_until(lambda _: bool(downs(practice)), timeout=120)


@pytest.fixture(autouse=True)
def healthy_again(practice: PracticeCluster) -> Iterator[None]:
    """What a test leaves broken is recovered by hand, without the page."""
    yield
    if downs(practice):
        by_hand(practice, "gprecoverseg", "-a")
        practice.wait_until(in_sync, timeout=120)
    if any(s.role is not s.preferred_role for s in practice.facts().data_segments):
        by_hand(practice, "gprecoverseg", "-a", "-r")
        practice.wait_until(in_sync, timeout=120)


def in_sync(facts: Facts) -> bool:
    return all(s.status is Status.UP and s.mode is Mode.SYNCHRONIZED for s in facts.data_segments)


def test_what_a_health_check_has_found_is_read_on_the_page(person: Person, practice: PracticeCluster) -> None:
    broken(practice, Fault.KILL_PRIMARY, 3)
    last = person.newest_run(f"health-check-{CLUSTER}")["id"]
    until(person, f"health-check-{CLUSTER}", "Completed", after=last)
    health = person.opens_artifact(f"health-{CLUSTER}")
    expect(health).to_contain_text(f"{CLUSTER}: action needed: Primary failed over")
    expect(health).to_contain_text("Next: Repair what made it fail")
    person.takes_picture("health")
    segments = person.opens_artifact(f"segments-{CLUSTER}")
    expect(segments.get_by_role("cell", name="DOWN", exact=True)).to_have_count(1)
    person.takes_picture("segments")


def test_a_recovery_is_started_approved_and_proven_on_the_page_and_its_record_names_who_approved(
    person: Person, practice: PracticeCluster
) -> None:
    broken(practice, Fault.KILL_PRIMARY, 2)
    before = person.newest_run("recover")["id"]
    person.opens_form_of("recover")
    form = person.page.get_by_role("main")
    expect(form).to_contain_text("The name under which it is registered")
    expect(form).to_contain_text("If a segment has failed again within the hour")
    person.takes_picture("start-form")
    person.submits()
    run = until(person, "recover", "Suspended", after=before)
    person.opens_run(run)
    expect(person.page.get_by_text("Suspended").first).to_be_visible()
    person.takes_picture("waiting")

    question = person.reads_question()
    shown = words(question.inner_text())
    for part in ("Found: Primary failed over", "approve gprecoverseg -a?", "dbid 4", "25 of 25 passed", "Your name"):
        assert part in shown
    assert "Via" not in shown, "only what is a person's to fill in"
    person.takes_picture("question", question)
    person.answers(question, person.yes_to(question), NAME, "INC-4711")
    person.takes_picture("answer", question)
    person.sends(question)

    until_is(person, run, "Suspended", asked="rebalance-")
    person.opens_run(run)
    question = person.reads_question()
    assert "approve gprecoverseg -a -r?" in words(question.inner_text())
    person.answers(question, person.yes_to(question), NAME, "INC-4711")
    person.sends(question)
    until_is(person, run, "Completed")
    report = person.opens_artifact(f"recovery-{CLUSTER}")
    expect(report).to_contain_text(f"{CLUSTER}: recovered and proven healthy")
    approvals = report.get_by_role("row").filter(has_text="approved").filter(has_text="Prefect's page")
    expect(approvals.filter(has_text=NAME).filter(has_text="INC-4711")).to_have_count(2)
    person.takes_picture("report")
    report.get_by_role("heading", name="Approvals").evaluate("heading => heading.scrollIntoView()")
    person.takes_picture("approvals")


def test_a_no_with_its_reason_ends_the_run_and_leaves_the_cluster_alone(
    person: Person, practice: PracticeCluster
) -> None:
    broken(practice, Fault.KILL_MIRROR, 0)
    before = person.newest_run("recover")["id"]
    person.opens_form_of("recover")
    person.submits()
    run = until(person, "recover", "Suspended", after=before)
    question = person.reads_question_on_the_older_page(run)
    person.answers(question, "no", NAME, "a load runs until 18:00")
    person.takes_picture("reject", question)
    person.sends(question)
    until_is(person, run, "Failed")
    assert f"{NAME} said no to recover (a load runs until 18:00)" in person.newest_run("recover")["state"]["message"]
    person.opens_run(run)
    expect(person.page.get_by_text("Failed").first).to_be_visible()
    person.takes_picture("rejected")
    assert downs(practice), "nothing was done"


def test_the_page_needs_no_other_host_and_only_asks_one_in_vain(person: Person) -> None:
    person.opens("Runs")
    person.opens("Deployments")
    person.page.wait_for_load_state("networkidle")
    assert {urlsplit(address).netloc for address in person.elsewhere} <= {NAMED_IN_THE_DOCUMENT}


def test_a_host_must_be_named_by_the_person_before_a_move_to_a_spare_starts(person: Person) -> None:
    person.opens_form_of("recover-to-spare")
    form = person.page.get_by_role("main")
    expect(form).to_contain_text("Name it only if it is lost for good")
    person.page.get_by_role("button", name="Submit").click()
    expect(form.get_by_text("required")).not_to_have_count(0)
    person.takes_picture("spare-form")
    assert person.newest_run("recover-to-spare")["id"] == "", "nothing was started"


def test_the_form_of_a_drill_names_every_scenario_generation_and_who_approves(person: Person) -> None:
    person.opens_form_of("drill")
    form = person.page.get_by_role("main")
    for title in ("What is broken", "Which Greenplum", "Who approves"):
        expect(form).to_contain_text(title)
    expect(form).not_to_contain_text("Cluster")
    person.takes_picture("drill-form")
