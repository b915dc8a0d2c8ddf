"""The runbook on an existing cluster."""

import time
from collections.abc import Callable

from flows.attend import attend
from flows.recover import recover
from gpmedic.cluster import Cluster, SegmentPair
from gpmedic.report import Outcome
from tasks.approve import Answer, Request
from tests.live.live_cluster import Live


def yes(_request: Request) -> Answer:
    return Answer(decision="yes", operator="tests/live", reason="expendable")


def until(live: Live, condition: Callable[[Cluster], bool]) -> None:
    deadline = time.monotonic() + live.fts_seconds
    while not condition(live.look()):
        assert time.monotonic() < deadline, f"FTS did not notice within {live.fts_seconds} s"
        time.sleep(1)


def pair(cluster: Cluster, live: Live) -> SegmentPair:
    return next(p for p in cluster.pairs if p.content == live.content)


def healthy(live: Live) -> bool:
    return all(p.balanced and p.synchronized for p in live.look().pairs)


def test_a_mirror_that_was_killed_is_recovered(live: Live) -> None:
    before = live.count_rows()
    assert healthy(live)
    mirror = pair(live.look(), live).mirror
    assert mirror is not None
    live.kill(mirror)
    until(live, lambda cluster: not cluster.segment(mirror.dbid).is_up)
    assert attend(lambda: recover(live.cluster.name), yes).outcome is Outcome.RECOVERED
    assert healthy(live)
    assert live.count_rows() == before


def test_a_primary_that_was_killed_is_recovered_and_gets_its_role_back(live: Live) -> None:
    before = live.count_rows()
    assert healthy(live)
    live.kill(pair(live.look(), live).primary)
    until(live, lambda cluster: not pair(cluster, live).balanced)
    assert attend(lambda: recover(live.cluster.name), yes).outcome is Outcome.RECOVERED
    assert healthy(live)
    assert live.count_rows() == before
