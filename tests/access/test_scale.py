"""How often a cluster is asked does not depend on its size: for many segments as often as for few."""

from collections.abc import Iterator

import pytest

from bench.asked import Asked, asking
from gpmedic.access.facts import gather
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.access.watch import Watch
from gpmedic.cluster import Cluster
from gpmedic.practice.scale import ScaleCluster, scale_cluster

FEW, MANY = 8, 64


@pytest.fixture(scope="module")
def cluster() -> Iterator[ScaleCluster]:
    with scale_cluster(hosts=7) as running:
        yield running


def filled(cluster: ScaleCluster, segments: int, hosts: int) -> Cluster:
    cluster.fill(segments, hosts)
    seen = observe(cluster.settings)
    assert seen.diagnosis.healthy
    assert len(seen.cluster.segments) == segments + 1
    assert len(seen.probes) == segments // 2
    return seen.cluster


def test_a_look_asks_as_often_whatever_the_number_of_segments(cluster: ScaleCluster) -> None:
    counts = []
    for segments in (FEW, MANY):
        with asking() as asked:
            filled(cluster, segments, hosts=4)
        counts.append(asked)
    assert counts == [Asked(sql=10, ssh=2)] * 2


def test_a_poll_of_a_wait_asks_three_statements_whatever_the_number_of_segments(cluster: ScaleCluster) -> None:
    cluster.fill(MANY)
    watch = Watch(cluster.settings)
    try:
        with asking() as asked:
            assert len(watch.look().segments) == MANY + 1
    finally:
        watch.close()
    assert asked == Asked(sql=3, ssh=0)


@pytest.mark.parametrize("hosts", [2, 6])
def test_every_host_is_checked_in_one_ssh_command(cluster: ScaleCluster, hosts: int) -> None:
    snapshot = filled(cluster, FEW * hosts // 2, hosts)
    with Shell.connect(cluster.settings.ssh) as shell, asking() as asked:
        facts = gather(cluster.settings, shell, snapshot)
    assert [host.detail for host in facts if not host.reachable] == []
    assert len(facts) == hosts + 1
    assert asked == Asked(sql=0, ssh=1)
