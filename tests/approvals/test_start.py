"""A recovery is started from the open incident's own button, once, by whom it may."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from approvals.conftest import Scene
from approvals.test_threads import check
from domain.clusters import healthy, mirror_down
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from gpmedic.approvals.decide import Fate
from gpmedic.practice.slack.state import Posted
from gpmedic.slack import messages
from tasks.find_recovery import ASKED_BY_TAG


@flow(name="recover")
def recover(cluster: str) -> None:
    """Deployed under the name of the real one, and never run: no worker is there."""


@pytest.fixture
def deployed() -> Iterator[UUID]:
    deployment = recover.to_deployment("recover").apply(work_pool_name=None)
    assert isinstance(deployment, UUID)
    yield deployment
    with get_client(sync_client=True) as client:
        client.delete_deployment(deployment)


def opened(incident: Scene) -> Posted:
    check(incident.name, mirror_down(healthy(), 0))
    parent = incident.slack.wait_for(incident.parent)
    assert parent is not None
    return parent


def runs_of(incident: Scene) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=200)
    return [r for r in newest if r.parameters == {"cluster": incident.name}]


def test_two_people_who_press_start_one_run_which_knows_who_asked_first(incident: Scene, deployed: UUID) -> None:
    parent = opened(incident)
    incident.slack.click_at_once((parent, messages.START, "anna"), (parent, messages.START, "carol"))
    incident.slack.wait_for(lambda: incident.whispers("anna") and incident.whispers("carol"))
    [run] = runs_of(incident)
    assert run.deployment_id == deployed
    assert {t for t in run.tags if t.startswith(ASKED_BY_TAG)} <= {f"{ASKED_BY_TAG}U0ANNA", f"{ASKED_BY_TAG}U0CAROL"}
    assert "asks here before every disruptive step" in incident.whispers("anna")[0].words


def test_whoever_may_not_decide_starts_nothing_and_is_told_so(incident: Scene, deployed: UUID) -> None:
    incident.slack.click(opened(incident), messages.START, by="dave")
    [told] = incident.slack.wait_for(lambda: incident.whispers("dave"))
    assert "ask one of them" in told.words
    assert runs_of(incident) == []


def test_a_button_of_an_incident_that_is_over_or_of_no_incident_starts_nothing(incident: Scene, deployed: UUID) -> None:
    parent = opened(incident)
    check(incident.name, healthy())
    incident.slack.wait_for(lambda: (p := incident.parent()) and "healthy again" in p.text)
    incident.slack.click(parent, messages.START, value=incident.name)
    incident.slack.wait_for(lambda: incident.fates[Fate.STALE])
    incident.slack.click(parent, messages.START, value="another")
    incident.slack.wait_for(lambda: incident.fates[Fate.FORGED])
    assert runs_of(incident) == []


def test_without_the_deployment_the_one_who_pressed_is_told_what_to_do(incident: Scene) -> None:
    incident.slack.click(opened(incident), messages.START)
    [told] = incident.slack.wait_for(lambda: incident.whispers("anna"))
    assert "There is no deployment recover/recover" in told.words
    assert f"gpmedic setup {incident.name} --deploy" in told.words
