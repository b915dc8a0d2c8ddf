"""Each access of a cluster, tried over real SSH."""

from pathlib import Path

import pytest

from flows.local_server import free_port
from gpmedic.access.doctor import Visit
from gpmedic.check import Verdict
from gpmedic.doctor import Access, Finding, examine, to_fix
from gpmedic.policy import Automation
from gpmedic.practice.sshd import LOOPBACK
from gpmedic.settings import ClusterSettings, DatabaseSettings, GreenplumSettings, PolicySettings
from tests.access.conftest import Lab


def cluster(lab: Lab, **ssh: object) -> ClusterSettings:
    return ClusterSettings(
        name="sales",
        database=DatabaseSettings(host=LOOPBACK, port=free_port(), connect_timeout=5),
        ssh=lab.settings(**ssh),
        greenplum=GreenplumSettings(home="/no/greenplum", coordinator_data_directory="/no/data"),
        policy=PolicySettings(automation=Automation.WITH_APPROVAL),
    )


def visited(settings: ClusterSettings, file: Path | None = None) -> dict[Access, Finding]:
    with Visit(settings, file) as visit:
        return {finding.access: finding for finding in examine(visit.checks)}


def test_a_host_without_greenplum_whose_database_is_down_shows_both_and_passes_the_rest(lab: Lab) -> None:
    found = visited(cluster(lab))
    assert {finding.access for finding in to_fix(found.values())} == {Access.DATABASE, Access.UTILITIES}
    assert "refuses connections" in found[Access.DATABASE].detail
    assert found[Access.UTILITIES].next_action == "Correct greenplum.home in the cluster's settings."
    for access in (Access.SSH, Access.STATE_FOLDER, Access.CLOCK, Access.POLICY, Access.BRAKE):
        assert found[access].verdict is Verdict.PASS, found[access]
    assert all(finding.next_action for finding in to_fix(found.values()))
    assert list(lab.home().iterdir()) == [], "nothing is left in the home of the account"


def test_a_state_folder_that_is_no_folder_is_found_and_left_as_it_is(lab: Lab) -> None:
    (lab.home() / ".gpmedic").write_text("mine")
    found = visited(cluster(lab))[Access.STATE_FOLDER]
    assert found.verdict is Verdict.FAIL
    assert ".gpmedic cannot be written" in found.detail
    assert (lab.home() / ".gpmedic").read_text() == "mine"


def test_an_unknown_host_key_fails_with_its_fingerprint_and_nothing_is_tried_on_that_host(lab: Lab) -> None:
    found = visited(cluster(lab, known_hosts=lab.folder / "nobody"))
    assert "SHA256:" in found[Access.SSH].detail
    assert "ssh-keyscan" in found[Access.SSH].next_action
    for access in (Access.STATE_FOLDER, Access.TOOLS, Access.UTILITIES, Access.BRAKE):
        assert found[access].verdict is None


def test_a_brake_that_is_on_is_a_warning(lab: Lab) -> None:
    (lab.home() / ".gpmedic").mkdir()
    (lab.home() / ".gpmedic" / "brake").write_text("anna: maintenance\n")
    found = visited(cluster(lab))[Access.BRAKE]
    assert found.verdict is Verdict.WARN
    assert "anna: maintenance" in found.detail


@pytest.mark.parametrize(("mode", "verdict"), [(0o644, Verdict.FAIL), (0o600, Verdict.PASS)])
def test_a_file_with_a_password_must_be_its_owners_alone(lab: Lab, mode: int, verdict: Verdict) -> None:
    file = lab.folder / "sales.toml"
    file.write_text("")
    file.chmod(mode)
    settings = cluster(lab)
    secret = DatabaseSettings(host=LOOPBACK, port=1, password="hunter2")
    with Visit(settings.model_copy(update={"database": secret}), file) as visit:
        checks = {a: c for a, c in visit.checks.items() if a in (Access.SETTINGS, Access.SECRETS)}
        _, found = examine(checks)
    assert found.verdict is verdict
    assert "hunter2" not in found.line
    assert (found.next_action == f"Run: chmod 600 {file}") is (verdict is Verdict.FAIL)
