"""gprecoverseg run on real servers of every generation: what it did, what it said, and that gpmedic can read it."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from gpmedic.access.environment import prelude
from gpmedic.cluster import Mode, Role, Status
from gpmedic.gprecoverseg_reading import parse
from gpmedic.gprecoverseg_report import Outcome
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Verb
from gpmedic.practice.facts import Release, SegmentFacts
from gpmedic.practice.layout import LOOPBACK, USER
from tests.practice.conftest import Host, down, healthy, in_sync, run, unique_name
from tests.practice.fidelity.calls import step_of
from tests.practice.fidelity.differences import DIFFERENCES, of_recording
from tests.practice.fidelity.normalise import normalise
from tests.practice.fidelity.test_gprecoverseg_fidelity import as_rendered, recorded

Start = Callable[..., PracticeCluster]


@pytest.fixture(
    scope="module", params=["6", *(pytest.param(release, marks=pytest.mark.chaos) for release in ("4.3", "7"))]
)
def cluster(request: pytest.FixtureRequest) -> Iterator[PracticeCluster]:
    """One of each generation; every test leaves it as it found it."""
    with PracticeCluster(unique_name(), request.param) as made:
        yield made


@pytest.mark.chaos
def test_a_killed_mirror_is_recovered(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(down(8))
    done = run(cluster, "gprecoverseg -a")
    assert done.returncode == 0, done.stdout
    assert parse(done.stdout).outcome is Outcome.RECOVERED
    cluster.wait_until(healthy)


def test_a_primary_that_failed_over_is_recovered_and_rebalanced_without_losing_a_row(cluster: PracticeCluster) -> None:
    before = cluster.count_rows()
    cluster.write_rows(20)
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(down(4))
    cluster.write_rows(20)
    recovered = run(cluster, "gprecoverseg -a")
    assert (recovered.returncode, parse(recovered.stdout).outcome) == (0, Outcome.RECOVERED), recovered.stdout
    facts = cluster.wait_until(in_sync)
    assert facts.segment(10).role is Role.PRIMARY
    balanced = run(cluster, "gprecoverseg -r -a")
    assert (balanced.returncode, parse(balanced.stdout).outcome) == (0, Outcome.REBALANCED), balanced.stdout
    cluster.wait_until(healthy)
    assert cluster.count_rows() == before + 40


@pytest.mark.chaos
def test_the_file_that_o_writes_is_what_i_reads(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=1)
    cluster.wait_until(down(9))
    assert run(cluster, "gprecoverseg -o ~/sample.cfg").returncode == 0
    lost = cluster.facts().segment(9)
    separator = ":" if cluster.release is Release.V4_3 else "|"
    sample = run(cluster, "cat ~/sample.cfg").stdout.splitlines()
    assert sample[-1] == separator.join((lost.address, str(lost.port), lost.datadir))
    done = run(cluster, "gprecoverseg -i ~/sample.cfg -a")
    assert done.returncode == 0, done.stdout
    assert "Recovery from configuration -i option supplied" in done.stdout
    cluster.wait_until(healthy)


@pytest.mark.parametrize("cluster", ["6", pytest.param("4.3", marks=pytest.mark.chaos)], indirect=True)
def test_a_rebalance_while_a_segment_is_down_does_nothing(cluster: PracticeCluster) -> None:
    """T3 and T30: 4.3 refuses, 6 and 7 warn and end with 0."""
    cluster.break_(Fault.KILL_PRIMARY, content=3)
    cluster.wait_until(down(5))
    done = run(cluster, "gprecoverseg -r -a")
    if cluster.release is Release.V4_3:
        assert done.returncode == 2
        assert "Down segments still exist.  All segments must be up to rebalance." in done.stdout
    else:
        assert done.returncode == 0
        assert "Not rebalancing primary segment dbid 11 with its mirror dbid 5" in done.stdout
        assert "The rebalance operation has completed successfully." in done.stdout
    assert not cluster.facts().segment(5).in_preferred_role
    run(cluster, "gprecoverseg -a")
    cluster.wait_until(in_sync)
    run(cluster, "gprecoverseg -r -a")
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_no_at_the_prompt_changes_nothing(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=4)
    cluster.wait_until(down(12))
    done = run(cluster, "gprecoverseg", stdin="maybe\nn\n")
    assert done.returncode == 4
    assert "Invalid input: 'maybe'" in done.stdout
    assert done.stdout.endswith("User abort requested, Exiting...\n")
    assert cluster.facts().segment(12).status is Status.DOWN
    assert run(cluster, "gprecoverseg", stdin="y\n").returncode == 0
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6", pytest.param("4.3", marks=pytest.mark.chaos)], indirect=True)
def test_a_lost_directory_needs_a_full_recovery(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.DATADIR_REMOVED, dbid=13)
    cluster.wait_until(down(13))
    failed = run(cluster, "gprecoverseg -a")
    assert failed.returncode == (2 if cluster.release is Release.V4_3 else 1), failed.stdout
    assert cluster.facts().segment(13).status is Status.DOWN
    copied = run(cluster, "gprecoverseg -a -F")
    assert copied.returncode == 0, copied.stdout
    cluster.wait_until(healthy)


def test_a_held_lock_ends_a_second_run_at_once_with_code_0(cluster: PracticeCluster) -> None:
    """T1: only the text tells it."""
    cluster.break_(Fault.KILL_MIRROR, content=5)
    cluster.break_(Fault.LOCK_HELD)
    cluster.wait_until(down(13))
    done = run(cluster, "gprecoverseg -a")
    assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.LOCK_HELD), done.stdout
    assert cluster.facts().segment(13).status is Status.DOWN
    cluster.heal(Fault.LOCK_HELD)
    assert run(cluster, "gprecoverseg -a").returncode == 0
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_stopped_database_is_reported_and_started_again(cluster: PracticeCluster) -> None:
    stopped = run(cluster, "gpstop -a -M fast")
    assert stopped.returncode == 0, stopped.stdout
    refused = run(cluster, "gprecoverseg -a")
    assert refused.returncode == 2
    assert "could not connect to server: Connection refused" in refused.stdout
    assert run(cluster, "gpstop -a").returncode == 2
    started = run(cluster, "gpstart -a")
    assert started.returncode == 0, started.stdout
    assert "Database successfully started" in started.stdout
    cluster.wait_until(healthy)
    assert run(cluster, "gpstart -a").returncode == 2


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_gpstart_starts_nothing_while_the_host_of_the_standby_is_silent(cluster: PracticeCluster) -> None:
    """T13: not with -y either, which only leaves the standby out; with -S it does not look at it."""
    cluster.break_(Fault.SSH_REFUSED, host="smdw")
    run(cluster, "gpstop -a -M fast")
    for command in ("gpstart -a", "gpstart -a -y"):
        refused = run(cluster, command)
        assert "Non interactive mode detected. Not starting the cluster." in refused.stdout
        assert not cluster.facts().database_up
    expansion = Path(cluster.facts().coordinator.datadir) / "gpexpand.status"
    expansion.touch()
    begun = run(cluster, "gpstart -a -y -S")
    expansion.unlink()
    assert "gpstart error: Found a System Expansion Setup in progress." in begun.stdout
    assert not cluster.facts().database_up
    assert run(cluster, "gpstart -a -y -S").returncode == 0
    cluster.heal(Fault.SSH_REFUSED, host="smdw")
    cluster.heal(Fault.KILL_STANDBY)
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_rebalance_recovers_what_else_is_down_without_being_asked(cluster: PracticeCluster) -> None:
    """T4 and T23: and calls the whole of it a success."""
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(down(4))
    run(cluster, "gprecoverseg -a")
    cluster.wait_until(in_sync)
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(down(8))
    done = run(cluster, "gprecoverseg -r -a")
    assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.REBALANCED), done.stdout
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_former_primary_with_a_marker_is_called_recovered_and_never_catches_up(cluster: PracticeCluster) -> None:
    """T14: pg_rewind is skipped, and what it wrote after the roles had switched stands in the way."""
    cluster.break_(Fault.KILL_PRIMARY, content=4)
    former = cluster.wait_until(down(6)).segment(6)
    serve_once_more(cluster, former)
    (Path(former.datadir) / "standby.signal").touch()
    done = run(cluster, "gprecoverseg -a")
    assert (done.returncode, parse(done.stdout).outcome) == (0, Outcome.RECOVERED), done.stdout
    cluster.control.call(Verb.FTS_PROBE)
    assert cluster.facts().segment(6).mode is not Mode.SYNCHRONIZED
    run(cluster, "gprecoverseg -a -F")
    cluster.wait_until(in_sync)
    run(cluster, "gprecoverseg -r -a")
    cluster.wait_until(healthy)


def serve_once_more(cluster: PracticeCluster, former: SegmentFacts) -> None:
    """As a former primary that did not know yet, and wrote what its mirror has never received."""
    cluster.control.call(Verb.START_SEGMENT, dbid=former.dbid)
    session = psycopg2.connect(host=LOOPBACK, port=former.port, user=USER, dbname="postgres")
    with contextlib.closing(session), session.cursor() as cursor:
        cursor.execute("SELECT pg_create_restore_point('after the roles had switched'), pg_switch_wal()")
    cluster.control.call(Verb.STOP_SEGMENT, dbid=former.dbid)


@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_restart_brings_a_dead_pair_back(cluster: PracticeCluster) -> None:
    """A double fault is not in the catalog (T5); only a restart helps."""
    cluster.break_(Fault.KILL_BOTH, content=1)
    restarted = run(cluster, "gpstop -a -r -M fast")
    assert restarted.returncode == 0, restarted.stdout
    assert restarted.stdout.endswith("Restarting System...\n")
    facts = cluster.wait_until(lambda f: f.database_up)
    if not in_sync(facts):
        run(cluster, "gprecoverseg -a")
    cluster.wait_until(in_sync)
    run(cluster, "gprecoverseg -r -a")
    cluster.wait_until(healthy)


@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_what_it_prints_live_is_what_the_real_one_printed_of_the_same_failure(cluster: PracticeCluster) -> None:
    """But for places and the lines of pg_controldata."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(down(8))
    done = run(cluster, "gprecoverseg -a")
    text = done.stdout
    for dbid, port in ((2, 6000), (8, 7000)):
        segment = cluster.facts().segment(dbid)
        text = text.replace(str(cluster.folder / "hosts" / segment.hostname), "")
        text = text.replace(f"port                 = {segment.port}", f"port                 = {port}")
        text = text.replace(f"port        = {segment.port}", f"port        = {port}")
    real = step_of("b-mirror-killed/13-gprecoverseg-a")
    assert (as_rendered(text, real), done.returncode) == recorded(real)[:2]
    cluster.wait_until(healthy)


@pytest.mark.parametrize("cluster", ["6"], indirect=True)
@pytest.mark.parametrize(
    "name",
    [
        "a-healthy/12-gpstate-version",
        "a-healthy/13-gprecoverseg-version",
        "h1-nothing-to-do/12-no-MASTER_DATA_DIRECTORY",
    ],
)
def test_the_installed_command_answers_like_the_real_one(cluster: PracticeCluster, name: str) -> None:
    real = step_of(name)
    done = run(cluster, real.command)
    stderr = of_recording(normalise(real.stderr), real, DIFFERENCES)
    assert (normalise(done.stdout), normalise(done.stderr)) == (normalise(real.stdout), stderr)
    assert done.returncode == real.exit_code


@pytest.mark.parametrize("cluster", ["6", pytest.param("7", marks=pytest.mark.chaos)], indirect=True)
def test_an_option_that_documentation_lists_is_there_only_where_the_help_says_so(cluster: PracticeCluster) -> None:
    """T11."""
    told = "--differential" in run(cluster, "gprecoverseg --help").stdout
    done = run(cluster, "gprecoverseg -a --differential")
    assert told is (cluster.release is Release.V7)
    assert ("no such option: --differential" in done.stderr) is not told
    assert done.returncode == (0 if told else 2)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["4.3"], indirect=True)
def test_4_3_does_not_stop_while_a_session_is_open(cluster: PracticeCluster) -> None:
    """T29: the default mode refuses, and nothing has changed."""
    done = run(
        cluster,
        """psql -X -d postgres -c 'SELECT pg_sleep(100)' >/dev/null 2>&1 &
        sessions="SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(100)%'"
        until [ "$(psql -X -A -t -d postgres -c "$sessions")" = 1 ]; do sleep 0.1; done
        gpstop -a -r
        code=$?
        kill $! && wait
        exit $code""",
    )
    assert done.returncode == 2, done.stdout
    assert done.stdout.endswith("gpstop error: Active connections. Aborting shutdown...\n")
    assert healthy(cluster.facts())


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["6"], indirect=True)
def test_a_failed_pg_rewind_asks_for_a_full_recovery(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.REWIND_FAILS, dbid=3)
    cluster.break_(Fault.KILL_PRIMARY, content=1)
    cluster.wait_until(down(3))
    failed = run(cluster, "gprecoverseg -a")
    assert (failed.returncode, parse(failed.stdout).outcome) == (1, Outcome.SOME_FAILED)
    assert "You must run gprecoverseg -F for all incremental failures" in failed.stdout
    assert run(cluster, "gprecoverseg -aF").returncode == 0
    cluster.wait_until(in_sync)
    run(cluster, "gprecoverseg -ra")
    cluster.wait_until(healthy)


@pytest.mark.chaos
@pytest.mark.parametrize("cluster", ["7"], indirect=True)
def test_a_killed_gprecoverseg_leaves_its_lock_and_its_work_goes_on(cluster: PracticeCluster) -> None:
    """T15 and T22: the catalog is changed first, and remote workers do not die with the utility."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.break_(Fault.SLOW_RESYNC, seconds=2)
    cluster.wait_until(down(8))
    running = f"{prelude(cluster.settings.greenplum, cluster.settings.database.port)}exec gprecoverseg -aF"
    with subprocess.Popen(
        ["/bin/sh", "-c", running],
        env={"PATH": "/usr/bin:/bin", "HOME": str(cluster.folder / "hosts" / "mdw"), "USER": "gpadmin"},
        stdout=subprocess.DEVNULL,
    ) as killed:
        cluster.wait_until(lambda facts: facts.segment(8).copying is not None)
        killed.kill()
    history = Host(cluster).sql('SELECT "desc" FROM gp_configuration_history WHERE dbid = 8 ORDER BY time DESC LIMIT 1')
    assert history[0].startswith("gprecoverseg: segment config for resync")
    cluster.heal(Fault.SLOW_RESYNC)
    second = run(cluster, "gprecoverseg -a")
    assert (second.returncode, parse(second.stdout).outcome) == (0, Outcome.LOCK_HELD)
    cluster.wait_until(healthy)
    cluster.heal(Fault.LOCK_STALE)


@pytest.mark.chaos
def test_a_lost_host_is_replaced_by_a_spare_with_p_and_not_with_i(start: Start) -> None:
    """T2 and T19."""
    cluster = start("6")
    before = cluster.facts()
    lost = [s for s in before.data_segments if s.hostname == "sdw1"]
    cluster.break_(Fault.HOST_DOWN, host="sdw1")
    cluster.wait_until(lambda facts: all(facts.segment(s.dbid).status is Status.DOWN for s in lost))
    skipped = run(cluster, "gprecoverseg -a")
    assert (skipped.returncode, parse(skipped.stdout).outcome) == (0, Outcome.SKIPPED_UNREACHABLE)
    assert run(cluster, "gprecoverseg -p sdw4 -o ~/p.cfg; gprecoverseg -i ~/p.cfg -a | tail -1").stdout.endswith(
        "No segments to recover\n"
    )
    moved = run(cluster, "gprecoverseg -p sdw4 -a")
    assert (moved.returncode, parse(moved.stdout).outcome) == (0, Outcome.RECOVERED), moved.stdout
    facts = cluster.wait_until(in_sync)
    for segment in lost:
        moved_to = facts.segment(segment.dbid)
        assert (moved_to.hostname, "/hosts/sdw4/" in moved_to.datadir) == ("sdw4", True)
