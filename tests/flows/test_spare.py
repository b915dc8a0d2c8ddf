"""A host is lost for good: its segments move to the spare, on practice clusters of every generation."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

from flows.attend import attend
from flows.recover import recover
from flows.recover_to_spare import recover_to_spare
from gpmedic.cluster import Role
from gpmedic.errors import PrecheckFailed, UnsafeState
from gpmedic.plan import Action
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.facts import Release
from gpmedic.report import Outcome, RecoveryReport, report_text
from tasks.approve import Answer, Request
from tests.people import Operator

LOST, SPARE = "sdw1", "sdw4"


@pytest.fixture(scope="module")
def clusters_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("clusters")
        patch.setenv("GPMEDIC_CLUSTERS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, clusters_folder: Path) -> Iterator[PracticeCluster]:
    assert clusters_folder
    with PracticeCluster(f"spare-{request.param.replace('.', '')}-{os.getpid()}", request.param) as cluster:
        cluster.register()
        yield cluster


generation_7 = pytest.mark.parametrize("practice", ["7"], indirect=True)
every_generation = pytest.mark.parametrize("practice", ["7", "4.3", "6"], indirect=True)


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def moved(cluster: PracticeCluster, operator: Callable[[Request], Answer]) -> RecoveryReport:
    return attend(lambda: recover_to_spare(cluster.name, LOST, SPARE), operator)


def host_is_down(facts: Facts) -> bool:
    return all(s.status.value == "d" for s in facts.data_segments if s.hostname == LOST)


@pytest.mark.chaos
@every_generation
def test_a_lost_host_is_replaced_with_one_approval_for_the_move_and_one_for_the_rebalance(
    practice: PracticeCluster,
) -> None:
    with pytest.raises(UnsafeState, match="still count as acting primaries"):
        moved(practice, nobody)
    practice.write_rows(60)
    rows = practice.count_rows()
    practice.break_(Fault.HOST_DOWN, host=LOST)
    before = practice.wait_until(host_is_down)
    lost = [s for s in before.data_segments if s.hostname == LOST]
    assert {s.preferred_role.value for s in lost} == {"p", "m"}, "primaries and mirrors are lost with a host"
    if practice.release is not Release.V4_3:
        _refusals_while_it_is_down(practice)
    operator = Operator("INC-7")
    report = moved(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert [r.proposal.step for r in operator.asked] == ["move-to-spare", "rebalance"]
    after = practice.facts()
    for segment in lost:
        now = after.segment(segment.dbid)
        assert (now.hostname, now.status.value) == (SPARE, "u")
        question = operator.asked[0].proposal.text
        assert f"| {segment.content} | {segment.dbid} | {LOST}:{segment.port}:" in question
        assert f"{SPARE}:{now.port}:" in question
    assert practice.count_rows() == rows
    step = report.rounds[0].plan.step(Action.MOVE_TO_SPARE)
    assert step is not None
    if practice.release is Release.V4_3:
        assert step.file is not None
        written = Path(step.file.path)
        assert written.read_text() == step.file.text
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
    else:
        assert step.argv == ("gprecoverseg", "-a", "-p", SPARE)
    assert all(f"{s.port}" in step.way_back and s.datadir in step.way_back for s in lost)
    assert "To move everything back later" in report_text(report)
    kept = str(getattr(Artifact.get(f"move-back-{practice.name}"), "data", ""))
    assert all(line in kept for line in step.way_back.splitlines())
    if practice.release is not Release.V4_3:
        _the_way_back(practice, step.way_back)


def _the_way_back(practice: PracticeCluster, file: str) -> None:
    """The spare answers and has lost its disks: a person takes the file of the report, and -i moves everything back."""
    practice.heal(Fault.HOST_DOWN, host=LOST)
    away = [s for s in practice.facts().data_segments if s.hostname == SPARE]
    for segment in away:
        fault = Fault.KILL_PRIMARY if segment.role is Role.PRIMARY else Fault.KILL_MIRROR
        practice.break_(fault, content=segment.content)
    practice.wait_until(lambda facts: all(facts.segment(s.dbid).status.value == "d" for s in away))

    def back(operator: Callable[[Request], Answer]) -> RecoveryReport:
        return attend(lambda: recover_to_spare(practice.name, SPARE, LOST, file), operator)

    with pytest.raises(UnsafeState, match="it is not lost"):
        back(nobody)
    for segment in away:
        shutil.rmtree(segment.datadir)
    with pytest.raises(PrecheckFailed, match="write over them without asking"):
        back(nobody)
    for left_over in (practice.folder / "hosts" / LOST / "data").glob("*/gpseg*"):
        shutil.rmtree(left_over)
    report = back(Operator("INC-7"))
    assert report.outcome is Outcome.RECOVERED
    step = report.rounds[-2].plan.step(Action.MOVE_TO_SPARE)
    assert step is not None
    assert step.argv[:3] == ("gprecoverseg", "-a", "-i")
    assert step.file is not None
    assert step.file.text == file
    assert {practice.facts().segment(s.dbid).hostname for s in away} == {LOST}


def _refusals_while_it_is_down(practice: PracticeCluster) -> None:
    """On one cluster, because a lost host takes its time: none of them asks anybody, none of them changes anything."""
    before = practice.facts()
    with pytest.raises(PrecheckFailed) as refused:
        attend(lambda: recover(practice.name), nobody)
    assert "gpmedic recover-to-spare" in refused.value.next_action
    for spare, said in (("sdw2", "one host lost would lose both copies"), ("sdw9", "host reachable")):
        with pytest.raises((UnsafeState, PrecheckFailed), match=said):
            attend(lambda name=spare: recover_to_spare(practice.name, LOST, name), nobody)  # type: ignore[misc]
    with pytest.raises(UnsafeState, match="-i does nothing"):
        attend(lambda: recover_to_spare(practice.name, LOST, SPARE, "sdw1|1|/a sdw4|1|/a\n"), nobody)
    practice.break_(Fault.DISK_FULL, host=SPARE)
    with pytest.raises(PrecheckFailed, match="disk space"):
        moved(practice, nobody)
    practice.heal(Fault.DISK_FULL, host=SPARE)
    practice.break_(Fault.LOCK_STALE)
    with pytest.raises(PrecheckFailed, match=r"gprecoverseg\.lock is left over from a gprecoverseg"):
        moved(practice, nobody)
    practice.heal(Fault.LOCK_STALE)
    assert [(s.dbid, s.role, s.status, s.hostname) for s in practice.facts().segments] == [
        (s.dbid, s.role, s.status, s.hostname) for s in before.segments
    ]


@pytest.mark.chaos
@generation_7
def test_a_policy_of_differential_recovery_is_what_gprecoverseg_is_asked_for(
    practice: PracticeCluster, clusters_folder: Path
) -> None:
    file = clusters_folder / f"{practice.name}.toml"
    file.write_text(re.sub(r"(?m)^\[policy\]$", '[policy]\nrecovery_type = "differential"', file.read_text()))
    practice.break_(Fault.KILL_MIRROR, content=2)
    practice.wait_until(lambda facts: any(s.content == 2 and s.status.value == "d" for s in facts.segments))
    operator = Operator("INC-7")
    report = attend(lambda: recover(practice.name), operator)
    assert report.outcome is Outcome.RECOVERED
    assert "gprecoverseg -a --differential" in operator.asked[0].proposal.text
