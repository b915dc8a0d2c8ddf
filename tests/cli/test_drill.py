"""The drill: the main job from beginning to end, as `make drill` runs it without a terminal."""

import re
from pathlib import Path

import pytest

from gpmedic.cli.drill import DRILLS
from gpmedic.practice.practice_cluster import folder_of
from tests.cli.conftest import Cli


# 4.3, as the pages of tests/flows run on 6.
def test_a_drill_recovers_the_cluster_loses_no_row_and_leaves_nothing_behind(tmp_path: Path) -> None:
    clusters = tmp_path / "clusters"
    clusters.mkdir()
    run = Cli(clusters)("drill", "primary-down", "--generation", "4.3", timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Rows before / after: equal" in run.stdout
    assert re.search(r"Rows of the practice ledger on all acting primaries: (\d+) written, \1 found\.", run.stdout)
    assert "Waiting for the practice operator's answer to recover" in run.stdout
    assert "a person's answer" not in run.stdout, "nobody is asked"
    assert "proven healthy" in run.stdout
    assert not list(clusters.iterdir())
    started = re.search(r"gpmedic status (drill-\d+)", run.stdout)
    assert started is not None
    assert not folder_of(started.group(1)).exists()


@pytest.mark.chaos
def test_a_drill_in_slack_shows_the_whole_conversation(tmp_path: Path) -> None:
    run = Cli(tmp_path)("drill", "mirror-down", "--slack", "practice", timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    _, _, conversation = run.stdout.partition("The conversation in Slack:")
    assert "[Approve]  [Reject]  [Details]" in conversation, "the question as it was asked"
    order = ("recovered and proven healthy", "approved by Anna Ahn", "gprecoverseg -a", "verify: no row down", "[file]")
    found = [conversation.find(part) for part in order]
    assert -1 not in found, conversation
    assert found == sorted(found)


THE_REST = [(scenario, generation) for scenario in DRILLS for generation in ("4.3", "6", "7")]


@pytest.mark.chaos
@pytest.mark.parametrize(("scenario", "generation"), THE_REST)
def test_every_scenario_has_a_drill_on_every_generation(scenario: str, generation: str, tmp_path: Path) -> None:
    run = Cli(tmp_path)("drill", scenario, "--generation", generation, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Rows before / after: equal" in run.stdout
    assert "proven healthy" in run.stdout
