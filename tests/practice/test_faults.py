"""Faults do what they say, and heal."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gpmedic.cluster import Mode, Status
from gpmedic.practice import Fault, PracticeCluster, PracticeError
from gpmedic.practice.control import Verb
from gpmedic.practice.facts import Answer, Facts, Release, SshState
from gpmedic.practice.fault import Lie
from gpmedic.practice.processes import alive
from gpmedic.practice.utilities.gprecoverseg_lock import pid_file
from gpmedic.wal import lsn_bytes
from tests.practice.conftest import Host, data_directory, unique_name

Start = Callable[..., PracticeCluster]


def test_every_fault_names_its_target(six: PracticeCluster) -> None:
    with pytest.raises(PracticeError, match=r"needs a host.*--host VALUE"):
        six.break_(Fault.HOST_DOWN)
    with pytest.raises(PracticeError, match="no host 'sdw9'"):
        six.break_(Fault.HOST_DOWN, host="sdw9")
    with pytest.raises(PracticeError, match="no content 77"):
        six.break_(Fault.KILL_PRIMARY, content=77)
    with pytest.raises(PracticeError, match=r"no lie 'gpstate-says-nothing'.*gprecoverseg-says-done"):
        six.break_(Fault.UTILITY_LIES, lie="gpstate-says-nothing")
    with pytest.raises(PracticeError, match="no fault 'earthquake'"):
        six.control.call(Verb.BREAK, fault="earthquake")


def test_a_held_lock_names_a_living_gprecoverseg(six: PracticeCluster) -> None:
    six.break_(Fault.LOCK_HELD)
    lock = six.facts().lock
    assert lock is not None
    assert lock.alive
    assert "gprecoverseg" in Host(six).run(f"ps -o args= -p {lock.pid}").stdout
    six.heal(Fault.LOCK_HELD)
    assert six.facts().lock is None


def test_what_heals_a_lock_leaves_a_gprecoverseg_alone_that_is_at_work(six: PracticeCluster) -> None:
    six.break_(Fault.LOCK_STALE)
    lock = pid_file(Release.V6, Path(six.facts().coordinator.datadir))
    with subprocess.Popen(["sleep", "600"]) as at_work:
        try:
            lock.write_text(f"{at_work.pid}\n")
            assert "at work" in six.heal(Fault.LOCK_HELD)
            assert at_work.poll() is None
        finally:
            at_work.kill()
    six.heal(Fault.LOCK_HELD)
    assert six.facts().lock is None


def test_a_stale_lock_names_a_dead_process(six: PracticeCluster) -> None:
    six.break_(Fault.LOCK_STALE)
    lock = six.facts().lock
    assert lock is not None
    assert not lock.alive
    six.heal(Fault.LOCK_STALE)
    assert six.facts().lock is None


@pytest.mark.chaos
def test_a_hanging_gprecoverseg_ends_when_it_is_healed(six: PracticeCluster) -> None:
    six.break_(Fault.GPRECOVERSEG_HANGS)
    host = Host(six)
    data, port = six.settings.greenplum.coordinator_data_directory, six.settings.database.port
    mine = f"MASTER_DATA_DIRECTORY={data} PGPORT={port}"  # without them it stands in the way of every other cluster
    begun = host.run(f"{mine} gprecoverseg -a >said.txt 2>&1 & sleep 1; test -s said.txt; echo $?")
    assert begun.stdout == "1\n"
    six.heal(Fault.GPRECOVERSEG_HANGS)
    done = host.run(
        "for i in 1 2 3 4 5 6 7 8 9; do grep -q Obtaining said.txt && break; sleep 1; done; cat said.txt; rm said.txt"
    )
    assert "Obtaining Segment details from master" in done.stdout, "it goes on"


def test_all_that_can_be_healed_is_healed_at_once(six: PracticeCluster) -> None:
    six.break_(Fault.REPLICATION_ROW_MISSING, content=3)
    six.break_(Fault.SLOW_RESYNC, seconds=9)
    six.break_(Fault.SSH_REFUSED, host="sdw4")
    six.break_(Fault.DISK_FULL, host="sdw4")
    six.break_(Fault.UTILITY_LIES, lie=Lie.GPSTART_SAYS_DONE)
    six.break_(Fault.KILL_COORDINATOR)
    assert len(six.facts().faults) == 4
    six.heal()
    facts = six.facts()
    assert facts.faults == ()
    assert facts.host("sdw4").ssh is SshState.NORMAL
    assert facts.database_up


def test_a_dead_standby_is_not_in_the_catalog(six: PracticeCluster) -> None:
    six.break_(Fault.KILL_STANDBY)
    standby = six.facts().standby
    assert standby is not None
    assert (standby.answer, standby.status) == (Answer.REFUSED, Status.UP)
    assert "-1" not in Host(six).sql("SELECT gp_segment_id FROM gp_stat_replication")
    six.heal(Fault.KILL_STANDBY)
    six.wait_until(lambda f: any(r.content == -1 for r in f.replication))


def test_a_dead_coordinator_leaves_its_rows_known(six: PracticeCluster) -> None:
    six.break_(Fault.KILL_COORDINATOR)
    facts = six.facts()
    assert not facts.database_up
    assert len(facts.segments) == 14
    assert Host(six).run("psql -c 'select 1' postgres").returncode == 2
    six.heal(Fault.KILL_COORDINATOR)
    assert six.wait_until(lambda f: f.database_up).coordinator.answer is Answer.ACCEPTS
    six.control.call(Verb.FTS_PROBE)


@pytest.fixture(scope="module")
def broken(request: pytest.FixtureRequest) -> PracticeCluster:
    """A cluster whose mirrors are broken and copied anew, each test another content."""
    cluster = PracticeCluster(unique_name(), "6")
    request.addfinalizer(cluster.down)
    return cluster.up()


def test_a_removed_data_directory_is_copied_in_full_with_progress(broken: PracticeCluster) -> None:
    broken.break_(Fault.DATADIR_REMOVED, dbid=8)
    facts = broken.wait_until(lambda f: f.segment(8).status is Status.DOWN)
    assert not facts.segment(8).datadir_exists
    with pytest.raises(PracticeError, match="No such file or directory"):
        broken.control.call(Verb.START_SEGMENT, dbid=8)
    assert "base backup completed" in broken.control.call(Verb.BASEBACKUP, dbid=8)["output"]
    broken.control.call(Verb.START_SEGMENT, dbid=8)
    broken.wait_until(lambda f: f.segment(8).mode is Mode.SYNCHRONIZED)


def test_a_directory_of_mode_0755_does_not_start(broken: PracticeCluster) -> None:
    broken.break_(Fault.DATADIR_MODE, dbid=9)
    broken.break_(Fault.KILL_MIRROR, content=1)
    assert broken.facts().segment(9).datadir_mode == 0o755
    with pytest.raises(PracticeError, match="invalid permissions"):
        broken.control.call(Verb.START_SEGMENT, dbid=9)
    broken.heal(Fault.DATADIR_MODE, dbid=9)
    broken.control.call(Verb.START_SEGMENT, dbid=9)
    broken.wait_until(lambda f: f.segment(9).mode is Mode.SYNCHRONIZED and f.segment(9).status is Status.UP)


def test_pg_rewind_fails_without_wal_and_a_full_copy_helps(broken: PracticeCluster) -> None:
    broken.break_(Fault.REWIND_FAILS, dbid=4)
    broken.break_(Fault.KILL_PRIMARY, content=2)
    broken.wait_until(lambda f: f.segment(10).answer is Answer.ACCEPTS and f.segment(4).status is Status.DOWN)
    with pytest.raises(PracticeError, match="pg_rewind failed"):
        broken.control.call(Verb.REWIND, dbid=4)
    broken.control.call(Verb.BASEBACKUP, dbid=4)
    broken.control.call(Verb.START_SEGMENT, dbid=4)
    broken.wait_until(lambda f: f.segment(4).mode is Mode.SYNCHRONIZED)


@pytest.mark.chaos
def test_a_slow_mirror_is_shown_catching_up_with_fewer_and_fewer_bytes_to_go(broken: PracticeCluster) -> None:
    broken.break_(Fault.SLOW_RESYNC, seconds=10)
    broken.break_(Fault.KILL_MIRROR, content=3)
    broken.wait_until(lambda f: f.segment(11).status is Status.DOWN)
    broken.control.call(Verb.START_SEGMENT, dbid=11)
    facts = broken.wait_until(
        lambda f: (
            f.segment(11).status is Status.UP and any(r.content == 3 and r.state == "catchup" for r in f.replication)
        )
    )
    assert facts.segment(11).mode is Mode.NOT_IN_SYNC
    sent = _sent(facts)
    seen = Host(broken).sql(
        "SELECT state, gp_segment_id = 3 AND replay_location < flush_location FROM gp_stat_replication"
        " WHERE gp_segment_id = 3"
    )
    assert seen == ["catchup|t"]
    broken.wait_until(lambda f: _sent(f) > sent)
    broken.wait_until(lambda f: f.segment(11).mode is Mode.SYNCHRONIZED)
    broken.heal(Fault.SLOW_RESYNC)


def _sent(facts: Facts) -> int:
    """How many bytes content 3 has sent to its mirror."""
    return lsn_bytes(next(r.sent for r in facts.replication if r.content == 3) or "0/0")


def test_a_full_disk_takes_no_full_copy(broken: PracticeCluster) -> None:
    broken.break_(Fault.DISK_FULL, host="sdw1")
    broken.break_(Fault.KILL_MIRROR, content=4)
    broken.wait_until(lambda f: f.segment(12).status is Status.DOWN)
    with pytest.raises(PracticeError, match="No space left on device"):
        broken.control.call(Verb.BASEBACKUP, dbid=12)
    assert data_directory(broken, 12).is_dir()
    broken.heal(Fault.DISK_FULL, host="sdw1")
    broken.control.call(Verb.START_SEGMENT, dbid=12)
    broken.wait_until(lambda f: f.segment(12).mode is Mode.SYNCHRONIZED)


def test_a_flapping_mirror_dies_as_soon_as_it_is_in_sync(broken: PracticeCluster) -> None:
    broken.break_(Fault.FLAPPING, content=5)
    broken.wait_until(lambda f: f.segment(13).status is Status.DOWN)
    broken.control.call(Verb.START_SEGMENT, dbid=13)
    broken.wait_until(lambda f: f.segment(13).answer is Answer.REFUSED and f.segment(13).status is Status.DOWN)
    broken.heal(Fault.FLAPPING, content=5)
    broken.control.call(Verb.START_SEGMENT, dbid=13)
    broken.wait_until(lambda f: f.segment(13).mode is Mode.SYNCHRONIZED)


@pytest.mark.chaos
def test_a_host_without_power_loses_its_servers_and_what_ran_there(start: Start) -> None:
    cluster = start("6")
    host = Host(cluster, "sdw2")
    host.run("nohup sleep 300 >/dev/null 2>&1 & echo $! >job")
    job = int((cluster.folder / "hosts" / "sdw2" / "job").read_text())
    cluster.break_(Fault.HOST_DOWN, host="sdw2")
    facts = cluster.wait_until(lambda f: all(f.segment(dbid).status is Status.DOWN for dbid in (4, 5, 8, 13)))
    assert {s.answer for s in facts.segments if s.hostname == "sdw2"} == {Answer.UNREACHABLE}
    assert not alive(job)
    with pytest.raises(PracticeError, match="sdw2 is unreachable"):
        cluster.control.call(Verb.START_SEGMENT, dbid=8)
    cluster.heal(Fault.HOST_DOWN, host="sdw2")
    assert cluster.facts().segment(8).answer is Answer.REFUSED
    cluster.control.call(Verb.START_SEGMENT, dbid=8)
    cluster.wait_until(lambda f: f.segment(8).mode is Mode.SYNCHRONIZED and f.segment(8).status is Status.UP)
