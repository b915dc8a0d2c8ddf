"""`gpmedic brake`: exit codes and words; `gpmedic status` shows it."""

import json

from tests.cli.conftest import Cli


def test_the_brake_is_pulled_shown_and_released_and_a_cluster_that_is_only_observed_says_so(gpmedic: Cli) -> None:
    pulled = gpmedic("brake", "on", "--why", "storage migration")
    assert pulled.returncode == 0, pulled.stderr
    assert "storage migration" in pulled.stdout

    status = gpmedic("status")
    assert status.returncode == 0, status.stderr
    assert "The brake is on: " in status.stdout
    assert "storage migration" in status.stdout
    assert gpmedic("brake", "show").returncode == 1
    for command in ("status", "plan"):
        limits = json.loads(gpmedic(command, "--json").stdout)["limits"]
        assert (limits["automation"], limits["brake"]) == ("with_approval", "on")
        assert "storage migration" in limits["brake_detail"]

    assert gpmedic("brake", "off").returncode == 0
    shown = gpmedic("brake", "show")
    assert (shown.returncode, shown.stdout) == (0, "Off.\n")

    file = gpmedic.clusters / "practice.toml"
    assert "only observes" not in status.stdout
    file.write_text(file.read_text().replace("with_approval", "observe_only"))
    assert "only observes this cluster" in gpmedic("status").stdout
    assert "only observes this cluster" in gpmedic("plan").stdout
