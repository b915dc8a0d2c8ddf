"""What gpstate leaves out, how it counts its exit codes, and what of it is old: on real servers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpmedic.cluster import Mode, Status
from gpmedic.gprecoverseg_reading import parse
from gpmedic.gprecoverseg_report import Outcome
from gpmedic.gpstate import parse_errors, parse_standby
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Verb
from gpmedic.practice.facts import Answer
from tests.people import kill_in_the_middle_of_a_copy
from tests.practice.conftest import Host, down, healthy, in_sync, run, unique_name

HEALTHY = {"": 0, "-c": 0, "-m": 0, "-e": 0, "-Q": 0}


@pytest.fixture(scope="module")
def cluster() -> Iterator[PracticeCluster]:
    """Every test leaves it as it found it."""
    with PracticeCluster(unique_name(), "6") as made:
        yield made


@contextmanager
def fts_asleep(cluster: PracticeCluster) -> Iterator[None]:
    """Greenplum's own looks once a minute."""
    cluster.control.call(Verb.FTS_PAUSE, on=True)
    try:
        yield
    finally:
        cluster.control.call(Verb.FTS_PAUSE, on=False)


def exit_codes(cluster: PracticeCluster) -> dict[str, int]:
    """Of gpstate with each of these options."""
    done = run(cluster, "for report in '' -c -m -e -Q; do gpstate $report >/dev/null; echo $?; done")
    return dict(zip(HEALTHY, map(int, done.stdout.split()), strict=True))


def test_before_fts_has_noticed_a_dead_mirror_counts_as_up_and_exit_codes_follow_no_rule(
    cluster: PracticeCluster,
) -> None:
    """T25 and T26: gprecoverseg does nothing then. T18: of five reports on one mirror that is down two say 0."""
    with fts_asleep(cluster):
        cluster.break_(Fault.KILL_MIRROR, content=0)
        done = run(cluster, "gprecoverseg -a")
        assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.NOTHING_TO_RECOVER), done.stdout
        dead = cluster.facts().segment(8)
        assert (dead.status, dead.answer) == (Status.UP, Answer.REFUSED)
        assert exit_codes(cluster) == {**HEALTHY, "-e": 1}, "-e alone looks at the mirror itself"
    cluster.wait_until(down(8))
    assert exit_codes(cluster) == {"": 0, "-c": 0, "-m": 1, "-e": 1, "-Q": 1}
    run(cluster, "gprecoverseg -a")
    cluster.wait_until(healthy)
    assert exit_codes(cluster) == HEALTHY


@pytest.mark.chaos
def test_roles_that_are_merely_switched_are_an_error_to_one_report_alone(cluster: PracticeCluster) -> None:
    """T18."""
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(down(4))
    run(cluster, "gprecoverseg -a")
    cluster.wait_until(in_sync)
    assert exit_codes(cluster) == {**HEALTHY, "-e": 1}
    run(cluster, "gprecoverseg -r -a")
    cluster.wait_until(healthy)


def test_a_cluster_whose_standby_is_dead_is_called_normal_and_the_rows_of_content_minus_1_say_nothing(
    cluster: PracticeCluster,
) -> None:
    """T24 and T16: -e does not know it, and neither status nor mode changes."""

    def rows() -> list[str]:
        return Host(cluster).sql(
            "SELECT role, mode, status FROM gp_segment_configuration WHERE content = -1 ORDER BY 1"
        )

    alive = rows()
    assert alive == ["m|s|u", "p|n|u"], "a coordinator that serves is 'not in sync'"
    cluster.break_(Fault.KILL_STANDBY)
    cluster.control.call(Verb.FTS_PROBE)
    told = run(cluster, "gpstate -e")
    assert (told.returncode, parse_errors(told.stdout).all_normal) == (0, True), told.stdout
    assert rows() == alive
    of_the_standby = run(cluster, "gpstate -f")
    report = parse_standby(of_the_standby.stdout)
    assert report.standby is not None
    assert (of_the_standby.returncode, report.standby.status) == (0, "Status could not be determined")
    cluster.heal(Fault.KILL_STANDBY)


@pytest.mark.chaos
def test_a_recovery_whose_gprecoverseg_was_killed_is_shown_long_after_its_end(cluster: PracticeCluster) -> None:
    """T26: with a figure of the moment in which it was killed."""
    cluster.break_(Fault.KILL_MIRROR, content=3)
    cluster.break_(Fault.SLOW_RESYNC, seconds=4)
    cluster.wait_until(down(11))
    kill_in_the_middle_of_a_copy(cluster, 11)
    cluster.heal(Fault.SLOW_RESYNC)
    assert cluster.wait_until(healthy).segment(11).mode is Mode.SYNCHRONIZED
    told = run(cluster, "gpstate -e")
    (old,) = parse_errors(told.stdout).in_recovery
    assert (told.returncode, old.total_kb == old.completed_kb) == (1, False)
    cluster.heal(Fault.LOCK_STALE)
    cluster.break_(Fault.KILL_MIRROR, content=3)
    cluster.wait_until(down(11))
    run(cluster, "gprecoverseg -a")
    cluster.wait_until(healthy)
    assert run(cluster, "gpstate -e").returncode == 0, "another one has come to its end"
