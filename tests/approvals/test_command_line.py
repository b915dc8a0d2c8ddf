"""`gpmedic approve` and `gpmedic reject`: the same decision, from a terminal."""

import getpass
from pathlib import Path

import pytest
from approvals.conftest import Scene
from approvals.test_serve import written

from gpmedic.errors import NotApproved
from tests.cli.conftest import Cli


@pytest.fixture
def gpmedic(incident: Scene, prefect_server: str, tmp_path: Path) -> Cli:
    (tmp_path / f"{incident.name}.toml").write_text(written(incident.settings))
    return Cli(tmp_path, prefect_server)


def test_approve_shows_the_plan_answers_and_slack_says_who_it_was(incident: Scene, gpmedic: Cli) -> None:
    run = incident.begin()
    question = incident.asked()
    assert gpmedic("approve").returncode != 0, "nobody has said yes"
    assert not run.done()
    done = gpmedic("approve", "--yes", "--reason", "INC-7")
    assert done.returncode == 0, done.stderr
    assert "the plan" in done.stdout
    assert f"gprecoverseg -a: approved by {getpass.getuser()}." in done.stdout
    approval = run.result(60)
    assert approval is not None
    assert (approval.operator, approval.reason) == (getpass.getuser(), "INC-7")
    incident.slack.wait_for(lambda: "via command line" in incident.slack.find(question).words)
    late = gpmedic("approve", incident.name, "--yes")
    assert (late.returncode, late.stdout) == (2, "")
    assert f"No recovery of {incident.name} waits for an answer on the Prefect server at http" in late.stderr


def test_reject_ends_the_run_with_the_reason(incident: Scene, gpmedic: Cli) -> None:
    run = incident.begin()
    incident.asked()
    done = gpmedic("reject", incident.name, "--reason", "backup runs")
    assert done.returncode == 0, done.stderr
    assert f"rejected by {getpass.getuser()}" in done.stdout
    with pytest.raises(NotApproved, match="backup runs"):
        run.result(60)
