"""What setup makes on a Prefect server, and what the doctor says of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import EventTrigger

from blocks.greenplum import load_cluster, save_cluster
from blocks.slack_app import SlackApp
from flows.deployed import DEAD_AFTER, POOL, ZOMBIES, PrefectVisit, deploy
from flows.deployments import read_deployments, served
from flows.local_server import local_server
from gpmedic.approvals.doctor import SlackVisit
from gpmedic.check import Verdict
from gpmedic.doctor import Access, Finding, examine, to_fix
from gpmedic.practice.slack import PracticeSlack
from gpmedic.settings import CONFIG_VARIABLE, ClusterSettings

pytestmark = pytest.mark.chaos

BEFORE = (Finding(Access.SETTINGS, Verdict.PASS, ""),)


@pytest.fixture(autouse=True)
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What is deployed in a test must not be met by another one."""
    with local_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


def examined(cluster: str) -> dict[Access, Finding]:
    return {finding.access: finding for finding in examine(PrefectVisit(cluster).checks, BEFORE)}


def counted() -> tuple[int, int, int]:
    with get_client(sync_client=True) as client:
        return len(client.read_work_pools()), len(client.read_deployments()), len(client.read_automations())


def test_deploying_twice_makes_nothing_twice_and_a_second_cluster_gets_only_its_health_check() -> None:
    found = examined("sales")
    assert {one.access for one in to_fix(found.values())} == {Access.WORK_POOL, Access.DEPLOYMENTS}
    assert found[Access.WORKER].verdict is None
    assert found[Access.DEPLOYMENTS].next_action == "Run: gpmedic setup sales --deploy"

    assert f"work pool {POOL}" in deploy("sales")
    pools, deployments, automations = counted()
    deploy("sales")
    assert counted() == (pools, deployments, automations)
    found = examined("sales")
    assert [one.access for one in to_fix(found.values())] == [Access.WORKER]

    assert "by the clock" in examined("marketing")[Access.DEPLOYMENTS].detail
    deploy("marketing")
    assert counted() == (pools, deployments + 1, automations)
    assert examined("marketing")[Access.DEPLOYMENTS].verdict is Verdict.PASS


def test_what_is_served_leaves_its_work_pool_and_setup_puts_it_back() -> None:
    for by, detail in (("setup", f"{POOL} is there."), ("serve", "gpmedic serve needs none.")) * 2:
        if by == "setup":
            deploy("sales")
        else:
            for deployment in served(read_deployments(), ("sales",)):
                deployment.apply()
        assert examined("sales")[Access.WORK_POOL].detail == detail


def test_an_automation_that_does_not_wait_for_a_server_that_is_away_is_told_and_replaced() -> None:
    deploy("sales")
    made = Automation.read(name=ZOMBIES)
    assert isinstance(made.trigger, EventTrigger)
    made.trigger.within = DEAD_AFTER / 3
    made.update()
    assert examined("sales")[Access.ZOMBIES].verdict is Verdict.WARN
    deploy("sales")
    assert examined("sales")[Access.ZOMBIES].verdict is Verdict.PASS
    with get_client(sync_client=True) as client:
        [found] = client.read_automations_by_name(ZOMBIES)
    assert isinstance(found.trigger, EventTrigger)
    assert found.trigger.within == DEAD_AFTER


def test_a_cluster_and_its_slack_are_found_through_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path))
    with PracticeSlack() as slack:
        SlackApp(bot_token=slack.bot_token, app_token=slack.app_token, api_url=slack.api_url).save(
            "doctor-test", overwrite=True
        )
        settings = cluster(slack.channel, "U0ANNA", "S0DBAS")
        assert save_cluster(settings) == save_cluster(settings) == "greenplum-cluster/gp-slack"
        assert load_cluster("gp_slack") == settings, "the password too"
        assert slack_findings(settings) == dict.fromkeys(_OF_SLACK, Verdict.PASS)
        assert slack_findings(cluster("C0NOWHERE", "U0NOBODY")) == {
            Access.SLACK_APP: Verdict.PASS,
            Access.SLACK_CLICKS: Verdict.PASS,
            Access.SLACK_CHANNEL: Verdict.FAIL,
            Access.APPROVERS: Verdict.FAIL,
        }
        assert slack.messages == (), "nothing was posted"
    assert slack_findings(settings)[Access.SLACK_APP] is Verdict.FAIL, "it is away"


_OF_SLACK = (Access.SLACK_APP, Access.SLACK_CLICKS, Access.SLACK_CHANNEL, Access.APPROVERS)


def cluster(channel: str, *approvers: str) -> ClusterSettings:
    return ClusterSettings.model_validate(
        {
            "name": "gp_slack",
            "database": {"host": "mdw", "password": "correct-horse"},
            "ssh": {"host": "mdw"},
            "greenplum": {"home": "/gp", "coordinator_data_directory": "/data"},
            "language": "zh",
            "slack": {"channel": channel, "approvers": approvers},
        }
    )


def slack_findings(settings: ClusterSettings) -> dict[Access, Verdict | None]:
    login = Finding(Access.PREFECT_LOGIN, Verdict.PASS, "")
    found = examine(SlackVisit(settings, "doctor-test").checks, [login])
    return {finding.access: finding.verdict for finding in found}
