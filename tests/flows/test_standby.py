"""A standby coordinator that is down, by itself and together with segments, on every generation."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.recover import recover
from flows.restore_standby import restore_standby
from gpmedic.errors import PrecheckFailed, UnsafeState
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Answer as Said
from gpmedic.practice.facts import Facts
from gpmedic.report import Outcome
from gpmedic.verify import ProofName
from tests.people import Operator

four = pytest.mark.parametrize("practice", ["4.3"], indirect=True)
six = pytest.mark.parametrize("practice", ["6"], indirect=True)
six_and_seven = pytest.mark.parametrize("practice", ["6", pytest.param("7", marks=pytest.mark.chaos)], indirect=True)


@pytest.fixture(scope="module")
def clusters_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("clusters")
        patch.setenv("GPMEDIC_CLUSTERS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, clusters_folder: Path) -> Iterator[PracticeCluster]:
    with PracticeCluster(f"standby-{request.param.replace('.', '')}-{os.getpid()}", request.param) as cluster:
        cluster.register()
        yield cluster


def mirror_down(facts: Facts) -> bool:
    return any(s.content >= 0 and s.status.value == "d" for s in facts.segments)


def jobs(cluster: PracticeCluster) -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("restore_standby-*"))


@pytest.mark.chaos
@four
def test_segments_first_then_the_standby_in_one_run_each_with_its_own_approval(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_STANDBY)
    practice.break_(Fault.KILL_MIRROR, content=0)
    practice.wait_until(mirror_down)
    with pytest.raises(UnsafeState, match="come before the standby"):
        attend(lambda: restore_standby(practice.name), Operator())
    operator = Operator()
    report = attend(lambda: recover(practice.name), operator)
    assert operator.steps == ["recover", "restore-standby"]
    assert report.outcome is Outcome.RECOVERED
    assert [p.holds for p in report.proofs if p.name is ProofName.STANDBY] == [True]


@six_and_seven
def test_a_standby_that_died_is_started_again_and_proven_to_follow(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_STANDBY)
    operator, before = Operator(), jobs(practice)
    report = attend(lambda: recover(practice.name), operator)
    assert (operator.steps, report.outcome) == (["restore-standby"], Outcome.RECOVERED)
    assert len(jobs(practice)) == len(before) + 1
    standby = practice.facts().standby
    assert standby is not None
    assert standby.answer is Said.RECOVERS


@pytest.mark.chaos
@six
def test_a_standby_whose_directory_is_no_standbys_is_never_started(practice: PracticeCluster) -> None:
    standby = practice.facts().standby
    assert standby is not None
    practice.break_(Fault.KILL_STANDBY)
    marker = Path(standby.datadir) / "standby.signal"
    before = jobs(practice)
    marker.rename(marker.with_suffix(".away"))
    try:
        operator = Operator()
        with pytest.raises(PrecheckFailed, match="would start as a coordinator"):
            attend(lambda: recover(practice.name), operator)
    finally:
        marker.with_suffix(".away").rename(marker)
    assert (operator.steps, jobs(practice)) == ([], before)
    practice.heal(Fault.KILL_STANDBY)
