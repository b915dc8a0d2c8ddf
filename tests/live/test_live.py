"""The runbook on an existing cluster: each scenario begins and ends healthy, and loses no row."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from flows.attend import attend
from flows.recover import recover
from flows.recover_to_spare import recover_to_spare
from gpmedic.cluster import Cluster, Segment, SegmentPair
from gpmedic.diagnosis import standby_fault
from gpmedic.errors import PrecheckFailed
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request
from tasks.detect import look
from tests.live.live_cluster import Live


class Operator:
    """Says yes, and keeps the steps that were asked for."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def __call__(self, request: Request) -> Answer:
        self.steps.append(request.proposal.step)
        return Answer(decision="yes", operator="tests/live", reason="expendable")


def recovered(live: Live) -> tuple[RecoveryReport, list[str]]:
    operator = Operator()
    return attend(lambda: recover(live.cluster.name), operator), operator.steps


def until(live: Live, condition: Callable[[Cluster], bool], what: str) -> None:
    deadline = time.monotonic() + live.fts_seconds
    while not condition(live.look()):
        assert time.monotonic() < deadline, f"{what} was not noticed within {live.fts_seconds} s"
        time.sleep(1)


def pair(cluster: Cluster, live: Live) -> SegmentPair:
    return next(p for p in cluster.pairs if p.content == live.content)


def mirrored(live: Live) -> tuple[Segment, Segment]:
    """The acting primary and the mirror of the pair that is to be broken."""
    found = pair(live.look(), live)
    if found.mirror is None:
        pytest.skip(f"content {live.content} has no mirror")
    return found.primary, found.mirror


def breakable_host(live: Live, cluster: Cluster) -> str:
    """The host of the pair's acting primary, where neither coordinator nor standby lives there."""
    host = pair(cluster, live).primary.hostname
    heads = {s.hostname for s in (cluster.coordinator, cluster.standby) if s is not None}
    if host in heads:
        pytest.skip(f"the coordinator or the standby lives on {host}, too")
    if not all(p.mirror is not None for p in cluster.pairs if any(s.hostname == host for s in p.segments)):
        pytest.skip(f"a segment on {host} has no mirror")
    return host


def nothing_up_on(host: str) -> Callable[[Cluster], bool]:
    return lambda cluster: not any(s.is_up for s in cluster.segments if s.hostname == host)


def healthy(live: Live) -> bool:
    return look(live.cluster).diagnosis.healthy


@contextmanager
def no_row_lost(live: Live) -> Iterator[None]:
    assert healthy(live), "a scenario begins with a healthy cluster"
    before = live.count_rows()
    yield
    assert healthy(live)
    assert live.count_rows() == before


def test_a_mirror_that_was_killed_is_recovered(live: Live) -> None:
    _, mirror = mirrored(live)
    with no_row_lost(live):
        live.kill_mirror(mirror)
        until(live, lambda cluster: not cluster.segment(mirror.dbid).is_up, "the dead mirror")
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps == ["recover"]


def test_a_primary_that_was_killed_is_recovered_and_gets_its_role_back(live: Live) -> None:
    primary, _ = mirrored(live)
    with no_row_lost(live):
        live.kill_primary(primary)
        until(live, lambda cluster: not pair(cluster, live).balanced, "the dead primary")
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps == ["recover", "rebalance"]


def test_a_content_of_which_both_copies_were_killed_is_restarted_and_recovered(live: Live) -> None:
    primary, mirror = mirrored(live)
    with no_row_lost(live):
        live.kill_both(primary, mirror)
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps[0] == "restart"


def test_a_host_that_was_down_is_waited_for_and_its_segments_are_recovered(live: Live) -> None:
    host = breakable_host(live, live.look())
    with no_row_lost(live):
        live.host_down(host)
        try:
            until(live, nothing_up_on(host), f"{host}'s end")
            with pytest.raises(PrecheckFailed, match=host):
                recovered(live)
        finally:
            live.host_up(host)
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps == ["recover", "rebalance"]


def test_a_standby_that_was_killed_is_started_again(live: Live) -> None:
    standby = live.look().standby
    if standby is None:
        pytest.skip("the cluster has no standby")
    with no_row_lost(live):
        live.kill_standby(standby)
        until(live, lambda cluster: standby_fault(cluster) is not None, "the dead standby")
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps == ["restore-standby"]


def test_a_dead_primary_without_mirror_comes_back_with_a_restart(live: Live) -> None:
    primary = pair(live.look(), live).primary
    if pair(live.look(), live).mirror is not None:
        pytest.skip(f"content {live.content} has a mirror")
    with no_row_lost(live):
        live.kill_primary(primary)
        report, steps = recovered(live)
        assert report.outcome is Outcome.RECOVERED
        assert steps == ["restart"]


def test_the_segments_of_a_lost_host_move_to_the_spare(live: Live) -> None:
    """They stay there: the report tells the way back."""
    if live.spare_host is None:
        pytest.skip("the file names no spare_host")
    spare = live.spare_host
    if any(s.hostname == spare for s in live.look().segments):
        pytest.skip(f"{spare} is no spare any more: segments live there")
    host = breakable_host(live, live.look())
    with no_row_lost(live):
        live.host_down(host)
        try:
            until(live, nothing_up_on(host), f"{host}'s end")
            operator = Operator()
            report = attend(lambda: recover_to_spare(live.cluster.name, host, spare), operator)
        finally:
            live.host_up(host)
        assert report.outcome is Outcome.RECOVERED
        assert operator.steps[0] == "move-to-spare"
        assert not any(s.hostname == host for s in live.look().segments)
