from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import (
    STANDBY,
    V6,
    V7,
    V43,
    failed_over,
    healthy,
    mirror_dbid,
    mirror_down,
    primary_dbid,
    probes,
    resynchronizing,
    standby_dead,
    switched,
    without_stream,
)
from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, StandbyLook, Version
from gpmedic.diagnosis import diagnose
from gpmedic.errors import PrecheckFailed, UtilityBusy
from gpmedic.full_copy import CopyOver, make_copy_plan
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.plan import Plan, make_plan
from gpmedic.precheck import (
    Check,
    CheckName,
    DirectoryFacts,
    HostFacts,
    PidState,
    RunningProcess,
    UtilityLock,
    Verdict,
    judge,
    require,
)
from gpmedic.settings import PolicySettings

GP_VERSION = "postgres (Greenplum Database) 6.24.3 build commit:25d3498a400ca5230e81abb94861f23389315213"


def plan_of(cluster: Cluster) -> Plan:
    return make_plan(diagnose(cluster, probes(cluster)), Capabilities(cluster.version), PolicySettings())


def facts_of(cluster: Cluster) -> dict[str, HostFacts]:
    """Every host in order."""
    found = {}
    for host in cluster.hosts:
        own = [s for s in cluster.segments if s.hostname == host]
        states = [PidState.ALIVE if s.is_up and s.content >= 0 else PidState.NO_FILE for s in own]
        directories = tuple(
            DirectoryFacts(s.datadir, True, True, 0o700, 60.0, postmaster=p) for s, p in zip(own, states, strict=True)
        )
        found[host] = HostFacts(host, True, version=GP_VERSION, clock_skew=0.1, directories=directories)
    return found


def on_host(facts: dict[str, HostFacts], host: str, **fields: Any) -> dict[str, HostFacts]:
    return {**facts, host: replace(facts[host], **fields)}


def on_directory(cluster: Cluster, facts: dict[str, HostFacts], dbid: int, **fields: Any) -> dict[str, HostFacts]:
    segment = cluster.segment(dbid)
    host = facts[segment.hostname]
    changed = tuple(replace(d, **fields) if d.path == segment.datadir else d for d in host.directories)
    return on_host(facts, segment.hostname, directories=changed)


def judged(cluster: Cluster, facts: dict[str, HostFacts], policy: PolicySettings | None = None) -> tuple[Check, ...]:
    return judge(plan_of(cluster), cluster, list(facts.values()), policy)


def bad(checks: tuple[Check, ...]) -> list[tuple[CheckName, Verdict, str]]:
    return [(c.name, c.verdict, c.target) for c in checks if c.verdict is not Verdict.PASS]


def only(checks: tuple[Check, ...]) -> Check:
    remarkable = [c for c in checks if c.verdict is not Verdict.PASS]
    assert len(remarkable) == 1, remarkable
    assert remarkable[0].next_action
    return remarkable[0]


DOWN = mirror_down(healthy(), 0)  # dbid 8 on sdw2, served by dbid 2 on sdw1; sdw3 is not concerned
TARGET = mirror_dbid(0)
OF_OTHER_STEPS = {
    CheckName.MIRROR_RUNS,
    CheckName.NO_EXPANSION,
    CheckName.NOT_NEWER,
    CheckName.NOT_REPEATED,
    CheckName.PORTS_FREE,
    CheckName.REPLAY_LAG,
    CheckName.SAME_PACKAGES,
    CheckName.SAME_USER,
    CheckName.SSH_BETWEEN,
    CheckName.STARTS_AS_STANDBY,
    CheckName.TWO_HOSTS,
}


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
@pytest.mark.parametrize("broken", [mirror_down, failed_over, switched])
def test_hosts_in_order_pass_every_check_of_recovery_and_rebalance(version: Version, broken: Any) -> None:
    cluster = broken(healthy(version), 0)
    checks = judged(cluster, facts_of(cluster))
    assert bad(checks) == []
    require(checks)
    assert {c.name for c in checks} >= {CheckName.HOST_REACHABLE, CheckName.QUIET_SSH, CheckName.SAME_VERSION}


def test_a_recovery_looks_at_everything_that_the_runbook_names() -> None:
    names = {c.name for c in judged(DOWN, facts_of(DOWN))}
    assert names >= set(CheckName) - OF_OTHER_STEPS - {CheckName.CLOCK, CheckName.NO_STALE_LOCK}


def test_a_plan_that_only_waits_needs_no_check() -> None:
    cluster = resynchronizing(healthy(), 0)
    assert judged(cluster, {}) == ()


@pytest.mark.parametrize(("host", "verdict"), [("sdw2", "fail"), ("sdw1", "fail"), ("mdw", "fail"), ("sdw3", "warn")])
def test_an_unreachable_host_fails_where_the_step_works_and_warns_elsewhere(host: str, verdict: str) -> None:
    gone = HostFacts(host, False, detail="No route to host")
    every = judged(DOWN, {**facts_of(DOWN), host: gone})
    assert {c.name for c in every if c.target == host} <= {CheckName.HOST_REACHABLE, CheckName.STANDBY}
    checks = [c for c in every if c.verdict is not Verdict.PASS]
    assert [(c.name, c.verdict, c.target) for c in checks] == [(CheckName.HOST_REACHABLE, verdict, host)]
    assert "No route to host" in checks[0].detail
    assert f"ssh {host} true" in checks[0].next_action


def test_a_host_of_which_nothing_was_found_out_fails_its_check() -> None:
    facts = facts_of(DOWN)
    del facts["sdw2"]
    assert only(judged(DOWN, facts)).name is CheckName.HOST_REACHABLE


def test_a_banner_fails_quiet_ssh_because_utilities_read_their_output_there() -> None:
    check = only(judged(DOWN, on_host(facts_of(DOWN), "sdw2", noise="Welcome to sdw2\n")))
    assert (check.name, check.verdict) == (CheckName.QUIET_SSH, Verdict.FAIL)
    assert "Welcome to sdw2" in check.detail


@pytest.mark.parametrize("fields", [{"exists": False, "mode": None}, {"writable": False}])
def test_a_data_directory_that_is_gone_or_read_only_fails(fields: dict[str, Any]) -> None:
    check = only(judged(DOWN, on_directory(DOWN, facts_of(DOWN), TARGET, **fields)))
    assert (check.name, check.verdict) == (CheckName.DATA_DIRECTORY, Verdict.FAIL)
    assert check.target == "dbid 8 on sdw2"


def test_a_lost_data_directory_is_told_to_need_a_full_copy_with_its_own_approval() -> None:
    check = only(judged(DOWN, on_directory(DOWN, facts_of(DOWN), TARGET, exists=False)))
    assert "gprecoverseg -F" in check.next_action
    assert "approval" in check.next_action


def test_a_data_directory_that_nobody_looked_at_fails() -> None:
    assert only(judged(DOWN, on_host(facts_of(DOWN), "sdw2", directories=()))).name is CheckName.DATA_DIRECTORY


@pytest.mark.parametrize(
    ("version", "mode", "verdict"),
    [
        (V6, 0o700, None),
        (V6, 0o755, Verdict.FAIL),
        (V6, 0o750, Verdict.FAIL),
        (V43, 0o750, Verdict.FAIL),
        (V7, 0o750, None),
        (V7, 0o755, Verdict.FAIL),
        (V7, 0o770, Verdict.FAIL),
        (V6, None, Verdict.FAIL),
    ],
)
def test_a_data_directory_needs_the_mode_that_its_version_starts_on(
    version: Version, mode: int | None, verdict: Verdict | None
) -> None:
    cluster = mirror_down(healthy(version), 0)
    checks = judged(cluster, on_directory(cluster, facts_of(cluster), TARGET, mode=mode))
    assert [v for n, v, _ in bad(checks) if n is CheckName.DIRECTORY_MODE] == ([verdict] if verdict else [])


@pytest.mark.parametrize("dbid", [TARGET, primary_dbid(0)])
@pytest.mark.parametrize(("free", "verdict"), [(9.9, Verdict.FAIL), (10.0, None), (None, Verdict.WARN)])
def test_the_file_systems_of_target_and_source_need_room(
    dbid: int, free: float | None, verdict: Verdict | None
) -> None:
    checks = judged(DOWN, on_directory(DOWN, facts_of(DOWN), dbid, free_percent=free))
    assert [v for n, v, _ in bad(checks) if n is CheckName.DISK_SPACE] == ([verdict] if verdict else [])


def test_the_room_that_must_stay_is_a_matter_of_policy() -> None:
    facts = on_directory(DOWN, facts_of(DOWN), TARGET, free_percent=15.0)
    assert bad(judged(DOWN, facts)) == []
    assert only(judged(DOWN, facts, PolicySettings(free_space_percent=20))).name is CheckName.DISK_SPACE


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (PidState.NO_FILE, None),
        (PidState.STALE, None),
        (PidState.REUSED, Verdict.WARN),
        (PidState.ALIVE, Verdict.FAIL),
        (PidState.UNREADABLE, Verdict.FAIL),
    ],
)
def test_the_instance_to_recover_must_not_run_but_a_stale_pid_file_is_no_obstacle(
    state: PidState, verdict: Verdict | None
) -> None:
    facts = on_directory(DOWN, facts_of(DOWN), TARGET, postmaster=state, postmaster_pid=4711)
    checks = judged(DOWN, facts)
    assert [v for n, v, _ in bad(checks) if n is CheckName.POSTMASTER] == ([verdict] if verdict else [])
    if state in (PidState.STALE, PidState.REUSED, PidState.ALIVE):
        assert any("pid 4711" in c.detail for c in checks)
    if verdict is Verdict.FAIL:
        assert "/data/mirror/gpseg0" in only(checks).next_action


def test_every_state_of_a_pid_file_is_judged() -> None:
    for state in PidState:
        judged(DOWN, on_directory(DOWN, facts_of(DOWN), TARGET, postmaster=state))


def test_a_running_postmaster_of_another_instance_on_that_host_is_as_it_should_be() -> None:
    facts = on_directory(DOWN, facts_of(DOWN), primary_dbid(2), postmaster=PidState.ALIVE)
    assert bad(judged(DOWN, facts)) == []


@pytest.mark.parametrize("command", ["pg_basebackup -D /data/mirror/gpseg0", "pg_rewind", "rsync -a"])
def test_an_orphan_copy_at_a_data_directory_fails_whosever_directory_it_is(command: str) -> None:
    orphan = (RunningProcess(815, command),)
    for dbid in (TARGET, mirror_dbid(1)):
        check = only(judged(DOWN, on_directory(DOWN, facts_of(DOWN), dbid, orphans=orphan)))
        assert (check.name, check.verdict) == (CheckName.NO_ORPHANS, Verdict.FAIL)
        assert "pid 815" in check.detail
        assert "nor kill it" in check.next_action


def test_a_marker_in_a_former_primary_warns_that_pg_rewind_is_skipped() -> None:
    cluster = failed_over(healthy(), 0)
    facts = on_directory(cluster, facts_of(cluster), primary_dbid(0), standby_markers=("recovery.conf",))
    check = only(judged(cluster, facts))
    assert (check.name, check.verdict) == (CheckName.STANDBY_MARKER, Verdict.WARN)
    assert "pg_rewind will be skipped, and it is started with what it has" in check.detail
    assert "needs a full copy" in check.next_action


@pytest.mark.parametrize(
    ("state", "label", "verdict"),
    [
        ("in production", False, Verdict.FAIL),
        ("shut down", False, Verdict.FAIL),
        ("in crash recovery", False, Verdict.FAIL),
        ("in production", True, Verdict.WARN),  # a full copy that was never started has its source's control file
        ("starting up", False, Verdict.WARN),  # as either of them
        ("in archive recovery", False, Verdict.PASS),
        ("shut down in recovery", False, Verdict.PASS),
    ],
)
def test_a_marker_in_a_former_primary_that_ran_as_a_primary_last_fails_because_it_would_start_diverged(
    state: str, label: bool, verdict: Verdict
) -> None:
    cluster = failed_over(healthy(), 0)
    marked = {"standby_markers": ("recovery.conf",), "cluster_state": state, "backup_label": label}
    checks = judged(cluster, on_directory(cluster, facts_of(cluster), primary_dbid(0), **marked))
    (check,) = [c for c in checks if c.name is CheckName.STANDBY_MARKER]
    assert check.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "so that pg_rewind runs, or have the segment copied in full" in check.next_action


def test_a_marker_in_a_mirror_is_what_every_mirror_has() -> None:
    facts = on_directory(DOWN, facts_of(DOWN), TARGET, standby_markers=("recovery.conf",))
    checks = judged(DOWN, facts)
    assert bad(checks) == []
    assert any("without pg_rewind" in c.detail for c in checks)


def test_a_marker_in_a_mirror_by_preference_that_ran_as_a_primary_last_fails_too() -> None:
    marked = {"standby_markers": ("recovery.conf",), "cluster_state": "in production"}
    check = only(judged(DOWN, on_directory(DOWN, facts_of(DOWN), TARGET, **marked)))
    assert (check.name, check.verdict) == (CheckName.STANDBY_MARKER, Verdict.FAIL)
    copied = on_directory(DOWN, facts_of(DOWN), TARGET, **marked, backup_label=True)
    assert bad(judged(DOWN, copied)) == []


@pytest.mark.parametrize("kind", [None, RecoveryType.FULL])
def test_a_directory_whose_folder_is_gone_too_is_not_mounted_and_never_copied_over(kind: RecoveryType | None) -> None:
    gone = on_directory(DOWN, facts_of(DOWN), TARGET, exists=False, writable=False, mode=None, parent=False)
    plan = plan_of(DOWN)
    if kind is not None:
        wanted = CopyOver((TARGET,), "why", "/home/gpadmin", kind)
        plan = make_copy_plan(diagnose(DOWN, probes(DOWN)), Capabilities(DOWN.version), PolicySettings(), wanted)
    check = only(judge(plan, DOWN, list(gone.values())))
    assert (check.name, check.verdict, check.lost) == (CheckName.DATA_DIRECTORY, Verdict.FAIL, None)
    assert "Mount the file system" in check.next_action


def test_4_3_knows_no_marker() -> None:
    cluster = failed_over(healthy(V43), 0)
    facts = on_directory(cluster, facts_of(cluster), primary_dbid(0), standby_markers=("recovery.conf",))
    assert CheckName.STANDBY_MARKER not in {c.name for c in judged(cluster, facts)}


def test_a_held_lock_is_busy_and_names_the_utility_and_its_pid() -> None:
    lock = UtilityLock("gprecoverseg", "/data/master/gpseg-1/gprecoverseg.lock", PidState.ALIVE, 4711)
    checks = judged(DOWN, on_host(facts_of(DOWN), "mdw", locks=(lock,)))
    with pytest.raises(UtilityBusy, match=r"gprecoverseg \(pid 4711\).*Nothing was touched"):
        require(checks)


@pytest.mark.parametrize("facts", [[], [HostFacts("mdw", False, detail="timed out")]])
def test_nothing_is_claimed_about_utilities_of_a_coordinator_that_did_not_answer(facts: list[HostFacts]) -> None:
    others = [f for f in facts_of(DOWN).values() if f.host != "mdw"]
    checks = judge(plan_of(DOWN), DOWN, [*others, *facts])
    assert CheckName.NO_UTILITY_RUNNING not in {c.name for c in checks}
    assert [(n, t) for n, v, t in bad(checks) if v is Verdict.FAIL] == [(CheckName.HOST_REACHABLE, "mdw")]


def test_another_utility_at_work_is_busy_and_counted_once_when_it_also_holds_a_lock() -> None:
    lock = UtilityLock("gpexpand", "/data/master/gpseg-1/gpexpand.lock", PidState.ALIVE, 7)
    facts = on_host(
        facts_of(DOWN),
        "mdw",
        locks=(lock,),
        utilities=(RunningProcess(7, "gpexpand"), RunningProcess(8, "gpstop -u")),
    )
    assert only(judged(DOWN, facts)).detail == "gpexpand (pid 7), gpstop -u (pid 8) is at work"


@pytest.mark.parametrize("state", [PidState.STALE, PidState.REUSED, PidState.UNREADABLE])
def test_a_stale_lock_is_reported_for_a_person_and_is_not_busy(state: PidState) -> None:
    path = "/data/master/gpseg-1/gprecoverseg.lock"
    checks = judged(DOWN, on_host(facts_of(DOWN), "mdw", locks=(UtilityLock("gprecoverseg", path, state, 4711),)))
    assert only(checks).name is CheckName.NO_STALE_LOCK
    with pytest.raises(PrecheckFailed, match="left over") as failed:
        require(checks)
    assert path in failed.value.next_action


def test_busy_together_with_another_fault_does_not_pass_by_itself() -> None:
    lock = UtilityLock("gprecoverseg", "/x", PidState.ALIVE, 4711)
    facts = on_host(on_host(facts_of(DOWN), "mdw", locks=(lock,)), "sdw2", noise="hello")
    with pytest.raises(PrecheckFailed, match="hello"):
        require(judged(DOWN, facts))


@pytest.mark.parametrize("version", ["postgres (Greenplum Database) 6.20.0 build 1", ""])
def test_another_version_on_any_host_fails(version: str) -> None:
    check = only(judged(DOWN, on_host(facts_of(DOWN), "sdw3", version=version)))
    assert (check.name, check.verdict, check.target) == (CheckName.SAME_VERSION, Verdict.FAIL, "sdw3")


@pytest.mark.parametrize(("skew", "warned"), [(5.1, True), (-61.0, True), (4.9, False), (-4.9, False), (None, False)])
def test_a_clock_that_is_off_only_warns(skew: float | None, warned: bool) -> None:
    checks = judged(DOWN, on_host(facts_of(DOWN), "sdw2", clock_skew=skew))
    assert bad(checks) == ([(CheckName.CLOCK, Verdict.WARN, "sdw2")] if warned else [])
    require(checks)


def test_a_standby_that_does_not_follow_only_warns() -> None:
    cluster = without_stream(DOWN, -1)
    check = only(judged(cluster, facts_of(cluster)))
    assert (check.name, check.verdict, check.target) == (CheckName.STANDBY, Verdict.WARN, "smdw")
    require((check,))


def test_a_standby_of_which_nothing_is_known_does_not_pass() -> None:
    cluster = replace(mirror_down(healthy(V43), 0), standby_look=None)  # what is not known does not pass
    check = only(judged(cluster, facts_of(cluster)))
    assert (check.name, check.verdict, check.target) == (CheckName.STANDBY, Verdict.WARN, "smdw")
    assert "gpstate -f" in check.next_action
    told = replace(cluster, standby_look=StandbyLook(False, "Status could not be determined"))
    assert "Status could not be determined" in only(judged(told, facts_of(told))).detail
    well = replace(cluster, standby_look=StandbyLook(True, "Standby host passive"))
    assert bad(judged(well, facts_of(well))) == []


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_a_mirror_that_has_too_much_to_replay_is_not_promoted(version: Version) -> None:
    cluster = switched(healthy(version), 0)
    assert cluster.replication is not None
    rows = [replace(r, sent="0/C060400", replayed="0/C060000") if r.content == 0 else r for r in cluster.replication]
    lagging = replace(cluster, replication=tuple(rows))
    allowed, forbidden = (PolicySettings(max_replay_lag_bytes=n) for n in (1024, 1023))
    assert bad(judged(lagging, facts_of(lagging), allowed)) == []
    check = only(judged(lagging, facts_of(lagging), forbidden))
    assert (check.name, check.verdict, check.target) == (CheckName.REPLAY_LAG, Verdict.FAIL, "content 0")
    assert "1.0 kB of WAL to replay" in check.detail
    hidden = replace(cluster, replication=tuple(replace(r, sent=None) for r in cluster.replication))
    assert only(judged(hidden, facts_of(hidden))).name is CheckName.REPLAY_LAG


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_a_standby_is_restored_only_where_it_would_start_as_one(version: Version) -> None:
    cluster = standby_dead(version)
    marked = on_directory(cluster, facts_of(cluster), STANDBY, standby_markers=("recovery.conf",))
    assert bad(judged(cluster, marked)) == []
    bare = judged(cluster, facts_of(cluster))
    check = only(bare)
    assert (check.name, check.verdict) == (CheckName.STARTS_AS_STANDBY, Verdict.FAIL)
    gone = on_directory(cluster, marked, STANDBY, exists=False, mode=None, standby_markers=())
    assert only(judged(cluster, gone)).name is CheckName.DATA_DIRECTORY
    alive = on_directory(cluster, marked, STANDBY, postmaster=PidState.ALIVE, postmaster_pid=7)
    assert only(judged(cluster, alive)).name is CheckName.POSTMASTER
    away = on_host(marked, "smdw", reachable=False, detail="No route to host")
    assert only(judged(cluster, away)).name is CheckName.HOST_REACHABLE


def test_every_failed_check_is_named_at_once() -> None:
    facts = on_directory(DOWN, facts_of(DOWN), TARGET, mode=0o755, writable=False)
    with pytest.raises(PrecheckFailed) as failed:
        require(judged(DOWN, facts))
    assert "mode 0755" in failed.value.message
    assert "cannot be written" in failed.value.message
    assert "chmod 0700 /data/mirror/gpseg0" in failed.value.next_action


@given(
    st.builds(
        HostFacts,
        st.just("sdw2"),
        st.booleans(),
        noise=st.text(max_size=200),
        detail=st.text(max_size=20),
        version=st.text(max_size=200),
        clock_skew=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        directories=st.lists(
            st.builds(
                DirectoryFacts,
                st.just("/data/mirror/gpseg0"),
                st.booleans(),
                st.booleans(),
                mode=st.none() | st.integers(0, 0o7777),
                free_percent=st.none() | st.floats(0, 100),
                postmaster=st.sampled_from(PidState),
            ),
            max_size=1,
        ).map(tuple),
    )
)
def test_whatever_a_host_says_whatever_does_not_pass_has_a_next_action(host: HostFacts) -> None:
    checks = judged(DOWN, {**facts_of(DOWN), "sdw2": host})
    assert all(c.next_action for c in checks if c.verdict is not Verdict.PASS)
    assert all(c.detail.isprintable() and len(c.detail) < 400 for c in checks)


def test_a_host_of_segments_that_are_down_which_does_not_answer_may_be_lost_and_the_flow_for_that_is_named() -> None:
    cluster = mirror_down(healthy(), 1)  # its mirror is on sdw3, its primary on sdw1
    for host, named in (("sdw3", True), ("sdw1", False)):
        checks = judged(cluster, on_host(facts_of(cluster), host, reachable=False))
        silent = [c for c in checks if c.name is CheckName.HOST_REACHABLE and c.verdict is Verdict.FAIL]
        assert [("recover-to-spare" in c.next_action) for c in silent] == [named]


LOST_DIRECTORIES = ({"exists": False, "writable": False, "mode": None}, {"control_file": False})


@pytest.mark.parametrize("fields", LOST_DIRECTORIES, ids=["missing", "without pg_control"])
@pytest.mark.parametrize("kind", [RecoveryType.DIFFERENTIAL, RecoveryType.FULL])
def test_a_directory_whose_data_are_gone_is_copied_in_full_and_recovered_in_no_other_way(
    fields: dict[str, Any], kind: RecoveryType
) -> None:
    facts = on_directory(DOWN, facts_of(DOWN), TARGET, **fields)
    refused = only(judged(DOWN, facts))
    assert (refused.name, refused.verdict, refused.lost) == (CheckName.DATA_DIRECTORY, Verdict.FAIL, TARGET)
    wanted = CopyOver((TARGET,), refused.detail, "/home/gpadmin", kind)
    capabilities = Capabilities(DOWN.version)
    plan = make_copy_plan(diagnose(DOWN, probes(DOWN)), capabilities, PolicySettings(), wanted)
    check = only(judge(plan, DOWN, list(facts.values())))
    assert check.verdict is (Verdict.WARN if kind is RecoveryType.FULL else Verdict.FAIL)
    assert "mount" in check.next_action.lower(), "a file system that is only not mounted is not lost"


def test_a_full_copy_still_needs_a_directory_that_can_be_written_to_and_does_not_care_for_its_markers() -> None:
    wanted = CopyOver((TARGET,), "why", "/home/gpadmin")
    plan = make_copy_plan(diagnose(DOWN, probes(DOWN)), Capabilities(DOWN.version), PolicySettings(), wanted)
    closed = on_directory(DOWN, facts_of(DOWN), TARGET, writable=False, control_file=False)
    check = only(judge(plan, DOWN, list(closed.values())))
    assert (check.name, check.verdict, check.lost) == (CheckName.DATA_DIRECTORY, Verdict.FAIL, None)
    marked = on_directory(DOWN, facts_of(DOWN), TARGET, standby_markers=("standby.signal",))
    assert CheckName.STANDBY_MARKER not in {c.name for c in judge(plan, DOWN, list(marked.values()))}


@pytest.mark.parametrize("kind", [RecoveryType.DIFFERENTIAL, RecoveryType.FULL])
def test_only_a_mirror_that_is_known_to_wait_in_vain_may_still_run_when_it_is_copied_over(kind: RecoveryType) -> None:
    def verdict(waiting: tuple[int, ...], postmaster: PidState) -> tuple[Verdict, str]:
        wanted = CopyOver((TARGET,), "its WAL is gone", "/home/gpadmin", kind, waiting)
        plan = make_copy_plan(diagnose(DOWN, probes(DOWN)), Capabilities(DOWN.version), PolicySettings(), wanted)
        runs = on_directory(DOWN, facts_of(DOWN), TARGET, postmaster=postmaster, postmaster_pid=4711)
        check = only(judge(plan, DOWN, list(runs.values())))
        assert check.name is CheckName.POSTMASTER
        return check.verdict, check.detail

    assert verdict((), PidState.ALIVE)[0] is Verdict.FAIL
    assert verdict((TARGET,), PidState.ALIVE) == (
        Verdict.WARN,
        "it is still running (pid 4711) and waits for WAL that is gone",
    )
    assert verdict((TARGET,), PidState.UNREADABLE)[0] is Verdict.FAIL


def test_no_rebalance_onto_a_mirror_by_files_whose_postmaster_is_not_seen_to_run() -> None:
    cluster = switched(healthy(V43), 0)
    [mirror] = [p.mirror for p in cluster.pairs if p.content == 0]
    assert mirror is not None
    for facts in (
        on_directory(cluster, facts_of(cluster), mirror.dbid, postmaster=PidState.STALE),
        on_host(facts_of(cluster), mirror.hostname, directories=()),
    ):
        assert (CheckName.MIRROR_RUNS, Verdict.FAIL, str(mirror)) in bad(judged(cluster, facts))
    streaming = switched(healthy(V6), 0)
    assert CheckName.MIRROR_RUNS not in {c.name for c in judged(streaming, facts_of(streaming))}
