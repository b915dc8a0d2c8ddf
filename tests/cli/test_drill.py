"""The drill: the main job from beginning to end, as `make drill` runs it without a terminal."""

import json
import re
from pathlib import Path

import pytest

from gpmedic.cli.drill_times import FILE
from gpmedic.practice.drills import DRILLS
from gpmedic.practice.practice_cluster import folder_of
from tests.cli.conftest import Cli
from tests.cli.documented import assert_documented


def note(home: Path, scenario: str, generation: str, total: float) -> None:
    """A drill of earlier, as it is kept."""
    file = home / FILE.relative_to("~")
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = {"detect": 1, "approve": 1, "recover": 1, "synchronize": 1, "rebalance": 1}
    with file.open("a") as kept:
        kept.write(json.dumps({"scenario": scenario, "generation": generation, **parts, "total": total}) + "\n")


def kept(home: Path) -> list[str]:
    return (home / FILE.relative_to("~")).read_text().splitlines()


# 4.3, as the pages of tests/flows run on 6.
def test_a_drill_recovers_the_cluster_loses_no_row_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters = tmp_path / "clusters"
    clusters.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    note(tmp_path, scenario="primary-down", generation="4.3", total=500)
    note(tmp_path, scenario="primary-down", generation="6", total=1)
    report = tmp_path / "report.html"
    saved = ("--report", str(report))
    run = Cli(clusters)("drill", "primary-down", "--generation", "4.3", "--json", *saved, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    shown, said = assert_documented("drill", run.stdout), run.stderr
    assert shown["recovered"] is True
    assert shown["rows_written"] == shown["rows_found"]
    assert (shown["earlier"], shown["best"]["total"]) == (1, 500), "of the same generation alone"
    parts = [shown["times"][part] for part in ("approve", "recover", "synchronize", "rebalance")]
    assert all(part > 0 for part in parts)
    assert shown["times"]["detect"] + sum(parts) <= shown["times"]["total"] < 110
    assert [json.loads(line)["total"] for line in kept(tmp_path)][2] == pytest.approx(shown["times"]["total"], abs=0.01)
    assert "Rows before / after: equal" in said
    assert re.search(r"Rows of the practice ledger on all acting primaries: (\d+) written, \1 found\.", said)
    assert "Waiting for the practice operator's answer to recover" in said
    assert "a person's answer" not in said, "nobody is asked"
    assert "proven healthy" in said
    assert not list(clusters.iterdir())
    started = re.search(r"gpmedic status (drill-\d+)", said)
    assert started is not None
    assert not folder_of(started.group(1)).exists()
    page = report.read_text()
    assert page.startswith("<!doctype html>")
    assert f"{started.group(1)}: recovered and proven healthy" in page
    assert page.count("<svg") == 2, "before and after, and how the mirror caught up"


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
