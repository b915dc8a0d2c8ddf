"""gpstop and gpstart on real servers where they wait, and where they do not come back."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from gpmedic.access.environment import prelude
from gpmedic.cluster import Mode
from gpmedic.gprecoverseg_reading import parse
from gpmedic.gprecoverseg_report import Outcome
from gpmedic.gpstate import parse_errors
from gpmedic.practice import Fault, PracticeCluster
from tests.practice.conftest import down, healthy, run, unique_name


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[PracticeCluster]:
    with PracticeCluster(unique_name(), request.param) as made:
        yield made


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_restart_waits_for_the_last_query_and_leaves_the_database_down_where_one_content_cannot_start(
    cluster: PracticeCluster,
) -> None:
    """T28: once it was begun nobody is let in."""
    waited = run(
        cluster,
        """psql -X -A -t -d postgres -c "SELECT 'slept' FROM pg_sleep(4)" >~/slept.out 2>&1 &
        sessions="SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND pid <> pg_backend_pid()"
        until [ "$(psql -X -A -t -d postgres -c "$sessions")" = 1 ]; do sleep 0.1; done
        gpstop -a -r >/dev/null
        cat ~/slept.out""",
    )
    assert waited.stdout == "slept\n"
    cluster.wait_until(healthy)
    for dbid in (2, 8):
        cluster.break_(Fault.DATADIR_MODE, dbid=dbid)
    lost = run(cluster, "gpstop -a -r -M fast; psql -X -d postgres -c 'SELECT 1'")
    assert "Do not have enough valid segments to start the array." in lost.stdout
    assert lost.returncode == 2, lost.stdout
    assert {s.pid for s in cluster.facts().data_segments} == {None}
    for dbid in (2, 8):
        cluster.heal(Fault.DATADIR_MODE, dbid=dbid)
    assert run(cluster, "gpstart -a").returncode == 0
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["4.3"], indirect=True)
def test_4_3_calls_a_recovery_done_that_has_only_begun_and_shows_nothing_left_to_do(cluster: PracticeCluster) -> None:
    """T33."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.break_(Fault.SLOW_RESYNC, seconds=3)
    cluster.wait_until(down(8))
    done = run(cluster, "gprecoverseg -a")
    assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.RECOVERED), done.stdout
    assert "resynchronization will continue in the background" in done.stdout
    assert {cluster.facts().segment(dbid).mode for dbid in (2, 8)} == {Mode.RESYNCHRONIZING}
    (pair,) = parse_errors(run(cluster, "gpstate -e").stdout).resynchronizing
    assert (pair.resynchronization.objects_left, pair.resynchronization.awaiting_config_change) == (0, False)
    cluster.heal(Fault.SLOW_RESYNC)
    cluster.wait_until(healthy)


@pytest.mark.chaos
def test_gpstart_of_4_3_says_nothing_but_dots_while_a_host_is_missing(start: Callable[..., PracticeCluster]) -> None:
    """T32: the database is down meanwhile."""
    cluster = start("4.3")
    run(cluster, "gpstop -a -M fast")
    cluster.break_(Fault.HOST_DOWN, host="sdw3")
    settings, home = cluster.settings, cluster.folder / "hosts" / "mdw"
    with (
        (home / "said.txt").open("w") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", f"{prelude(settings.greenplum, settings.database.port)}exec gpstart -a"],
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "USER": "gpadmin"},
            stdout=output,
        ) as starting,
    ):
        time.sleep(4)
        text = (home / "said.txt").read_text()
        still_at_it = starting.poll() is None
        facts = cluster.facts()
        starting.kill()
    assert still_at_it, text
    assert text.count("Ping to host: 'sdw3' FAILED") == 3
    assert set(text.partition("segment instance startup, please wait...\n")[2]) == {"."}
    assert not facts.database_up
