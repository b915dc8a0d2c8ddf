"""A drill of which nobody knows what it breaks."""

from pathlib import Path

import pytest

from gpmedic.cli.drill_times import Compared, compare
from gpmedic.cli.surprise import surprising
from gpmedic.practice.drills import DRILLS
from gpmedic.practice.fault import Fault, wanted_target
from gpmedic.practice.layout import SEGMENT_HOSTS
from gpmedic.times import Times
from tests.cli.conftest import Cli
from tests.cli.documented import assert_documented

SEEDS = range(60)


def test_the_same_number_is_the_same_fault_and_every_scenario_comes_but_the_choice_of_a_spare_host() -> None:
    assert [surprising(seed) for seed in SEEDS] == [surprising(seed) for seed in SEEDS]
    assert {surprising(seed)[0] for seed in SEEDS} == DRILLS.keys() - {"spare-host"}


def test_the_target_is_one_that_the_fault_wants_and_not_always_the_same() -> None:
    targets = {}
    for _, drill in map(surprising, SEEDS):
        ((fault, target),) = drill.faults.items()
        known = {"content": range(6), "host": SEGMENT_HOSTS, None: (None,)}[wanted_target(fault)]
        assert target in known
        targets.setdefault(fault, set()).add(target)
    assert len(targets[Fault.KILL_BOTH]) > 1
    assert len(targets[Fault.HOST_DOWN]) > 1


@pytest.mark.parametrize(
    ("arguments", "next_action"),
    [
        (("--surprise",), "--answers FILE"),
        (("--surprise", "mirror-down"), "Give one of them"),
        (("--seed", "1"), "Give --surprise too"),
        (("--surprise", "--answers", "nosuch"), "Name a readable file"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_starts(
    arguments: tuple[str, ...], next_action: str, tmp_path: Path
) -> None:
    run = Cli(tmp_path)("drill", *arguments)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert next_action in run.stderr
    assert not run.stdout


def test_the_list_names_every_scenario_with_what_it_teaches(tmp_path: Path) -> None:
    shown = Cli(tmp_path)("drill", "--list").stdout
    for name, drill in DRILLS.items():
        assert name in shown
        assert drill.teaches in shown
    listed = assert_documented("drill --list", Cli(tmp_path)("drill", "--list", "--json").stdout)
    assert [row["scenario"] for row in listed] == list(DRILLS)


def test_a_drill_stands_beside_the_best_and_the_median_of_earlier_ones_and_one_that_went_wrong_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setenv("HOME", str(tmp_path))
    for detect, total in ((None, 90.0), (3.0, 70.0), (5.0, 110.0)):
        compare("mirror-down", "6", Times(detect, 1, 1, 1, 0, total), datetime.now(UTC))
    compare("mirror-down", "6", Times(0, 0, 0, 0, 0, 0), recovered_at=None)
    compare("mirror-down", "7", Times(1, 1, 1, 1, 1, 1), datetime.now(UTC))
    (file,) = (tmp_path / ".local" / "state" / "gpmedic").iterdir()
    file.write_text(file.read_text() + 'not JSON\n{"scenario": "mirror-down", "generation": "6"}\n[]\n')
    compared = compare("mirror-down", "6", Times(4, 2, 1, 1, 0, 80), None)
    assert len(compared.earlier) == 3
    assert compared.best == Times(3, 1, 1, 1, 0, 70)
    assert compared.median == Times(4, 1, 1, 1, 0, 90)
    assert compared.table().text().splitlines()[-1].split() == ["total", "80.0", "70.0", "90.0"]
    assert Compared(Times(None, 1, 1, 1, 1, 1), ()).table().rows[0] == ("detect", "-", "-", "-")


@pytest.mark.chaos
def test_a_surprise_compares_the_answers_with_the_plan_before_anything_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    seed = next(seed for seed in SEEDS if surprising(seed)[0] == "mirror-down")
    answers = tmp_path / "answers"
    answers.write_text("recover: gprecoverseg -a\nverify\n")
    run = Cli(tmp_path)("drill", "--surprise", "--seed", str(seed), "--answers", str(answers), "--json", timeout=110)
    assert run.returncode == 0, run.stderr
    shown = assert_documented("drill", run.stdout)
    assert shown["scenario"] == "mirror-down"
    assert [(step["action"], step["points"]) for step in shown["score"]["steps"]] == [
        ("recover", 2),
        ("wait_for_sync", 0),
        ("verify", 2),
    ]
    assert (shown["score"]["points"], shown["score"]["most"]) == (4, 6)
    before, _, after = run.stderr.partition("Your answer beside gpmedic's plan")
    assert "Mirror down" in before
    assert "kill_mirror" not in before, "it is not said before the answers"
    assert (
        after.index("Why gpmedic does it so")
        < after.index("What it was: mirror-down")
        < after.index("recover: Started")
    )
