"""T21: a move to the spare fails in its middle, and the catalog shows the old places or new ones."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from flows.attend import attend
from flows.recover import recover
from flows.recover_to_spare import recover_to_spare
from gpmedic.cluster import Status
from gpmedic.errors import UnsafeState, UtilityFailed
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.layout import LOOPBACK
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request
from tests.people import Operator
from tests.registered import policy

LOST, SPARE = "sdw1", "sdw4"


@pytest.fixture
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"moved-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        with policy(cluster, "settle_within = 2"):
            yield cluster


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def moved(cluster: PracticeCluster, operator: Callable[[Request], Answer]) -> RecoveryReport:
    return attend(lambda: recover_to_spare(cluster.name, LOST, SPARE), operator)


def hosts_of(facts: Facts, dbids: set[int]) -> dict[int, str]:
    return {dbid: facts.segment(dbid).hostname for dbid in dbids}


@contextmanager
def a_port_of_the_question_is_taken() -> Iterator[Callable[[Request], Answer]]:
    """Says yes, after a stranger has begun to listen where content 3 is to come."""
    with socket.socket() as stranger:

        def answer(request: Request) -> Answer:
            place = re.search(rf"\| 3 \| 11 \|.*{SPARE}:(\d+):", request.proposal.text)
            assert place is not None, request.proposal.text
            stranger.bind((LOOPBACK, int(place[1])))
            stranger.listen()
            return Answer(decision="yes", operator="anna", reason="INC-7")

        yield answer


@pytest.mark.chaos
def test_after_a_move_that_failed_the_catalog_is_read_anew_and_what_has_moved_is_not_moved_again(
    practice: PracticeCluster,
) -> None:
    lost = {s.dbid for s in practice.facts().data_segments if s.hostname == LOST}
    practice.break_(Fault.HOST_DOWN, host=LOST)
    practice.wait_until(lambda facts: all(facts.segment(dbid).status is Status.DOWN for dbid in lost))

    def fills_the_disk(request: Request) -> Answer:
        practice.break_(Fault.DISK_FULL, host=SPARE)
        return Answer(decision="yes", operator="anna", reason="INC-7")

    with pytest.raises(UtilityFailed, match=f"content 0 is not up at {SPARE}:.*content 4 is not up at {SPARE}:"):
        moved(practice, fills_the_disk)
    practice.heal(Fault.DISK_FULL, host=SPARE)
    assert hosts_of(practice.facts(), lost) == dict.fromkeys(lost, LOST), "no copy: the old places"

    with (
        a_port_of_the_question_is_taken() as answer,
        pytest.raises(UtilityFailed, match=f"; content 3 is not up at {SPARE}:") as failed,
    ):
        moved(practice, answer)
    assert "says when the flow recover is the right one" in failed.value.next_action
    assert hosts_of(practice.facts(), lost) == dict.fromkeys(lost, SPARE), "no start: the new places"
    assert practice.facts().segment(11).status is Status.DOWN

    with pytest.raises(UnsafeState, match=r"Nothing is left on the lost host, but dbid 11 .*is down") as refused:
        moved(practice, nobody)
    assert refused.value.next_action.startswith("Run the flow recover")
    operator = Operator()
    assert attend(lambda: recover(practice.name), operator).outcome is Outcome.RECOVERED
    assert operator.steps == ["recover", "rebalance"]
