"""A host is lost for good: its segments move to the spare, on practice clusters of every generation."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.recover import recover
from flows.recover_to_spare import recover_to_spare
from gpmedic.errors import PrecheckFailed, UnsafeState
from gpmedic.plan import Action
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request

LOST, SPARE = "sdw1", "sdw4"


@pytest.fixture(scope="module")
def clusters_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("clusters")
        patch.setenv("GPMEDIC_CLUSTERS", str(folder))
        yield folder


@pytest.fixture(scope="module", params=["6", "4.3", "7"])
def practice(request: pytest.FixtureRequest, clusters_folder: Path) -> Iterator[PracticeCluster]:
    assert clusters_folder
    with PracticeCluster(f"spare-{request.param.replace('.', '')}-{os.getpid()}", request.param) as cluster:
        cluster.register()
        yield cluster


class Operator:
    """Says yes, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(decision="yes", operator="anna", reason="INC-7")


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def moved(cluster: PracticeCluster, operator: Callable[[Request], Answer]) -> RecoveryReport:
    return attend(lambda: recover_to_spare(cluster.name, LOST, SPARE), operator)


def host_is_down(facts: Facts) -> bool:
    return all(s.status.value == "d" for s in facts.data_segments if s.hostname == LOST)


def test_a_lost_host_is_replaced_with_one_approval_for_the_move_and_one_for_the_rebalance(
    practice: PracticeCluster,
) -> None:
    practice.write_rows(60)
    rows = practice.count_rows()
    t = time.monotonic()
    practice.break_(Fault.HOST_DOWN, host=LOST)
    before = practice.wait_until(host_is_down)
    print("down", time.monotonic() - t)
    lost = [s for s in before.data_segments if s.hostname == LOST]
    assert {s.preferred_role.value for s in lost} == {"p", "m"}, "primaries and mirrors are lost with a host"
    operator = Operator()
    t = time.monotonic()
    report = moved(practice, operator)
    print("moved", time.monotonic() - t)
    assert report.outcome is Outcome.RECOVERED, report
    assert [r.proposal.step for r in operator.asked] == ["move-to-spare", "rebalance"]
    assert practice.count_rows() == rows
