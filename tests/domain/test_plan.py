import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import (
    CONTENTS,
    STANDBY,
    V6,
    V7,
    V43,
    VERSIONS,
    change,
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
from gpmedic.capabilities import Capabilities, parse_version
from gpmedic.cluster import Cluster, Mode, Role, Segment, Status, Version
from gpmedic.diagnosis import Condition, ProbeState, Scenario, coordinator_unreachable, diagnose
from gpmedic.errors import HostUnreachable, UnsafeState
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.plan import (
    Action,
    Disruption,
    Plan,
    RunningQuery,
    Step,
    fingerprint,
    make_plan,
    require_rebalance_allowed,
)
from gpmedic.settings import PolicySettings
from gpmedic.steps import HostFile, SegmentMove

every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)
ALL = (Action.RECOVER, Action.WAIT_FOR_SYNC, Action.REBALANCE, Action.WAIT_FOR_SYNC, Action.VERIFY)


def plan_for(
    cluster: Cluster,
    answers: dict[int, ProbeState] | None = None,
    queries: list[RunningQuery] | None = None,
    policy: PolicySettings | None = None,
) -> Plan:
    diagnosis = diagnose(cluster, probes(cluster, answers))
    return make_plan(diagnosis, Capabilities(cluster.version), policy or PolicySettings(), queries)


def actions(plan: Plan) -> tuple[Action, ...]:
    return tuple(s.action for s in plan.steps)


@every_version
def test_a_healthy_cluster_has_a_plan_without_steps(version: Version) -> None:
    plan = plan_for(healthy(version))
    assert (plan.scenario, plan.steps) == (Scenario.NONE, ())


@every_version
def test_a_mirror_down_is_recovered_incrementally_then_waited_for_and_verified(version: Version) -> None:
    plan = plan_for(mirror_down(healthy(version), 2))
    assert actions(plan) == (Action.RECOVER, Action.WAIT_FOR_SYNC, Action.VERIFY)
    assert plan.steps[0].argv == ("gprecoverseg", "-a")
    assert plan.steps[0].dbids == (mirror_dbid(2),)


@every_version
def test_a_failed_over_primary_is_recovered_and_rebalanced_at_the_end(version: Version) -> None:
    plan = plan_for(failed_over(healthy(version), 2))
    assert actions(plan) == ALL
    assert plan.steps[0].argv == ("gprecoverseg", "-a")
    assert sorted(plan.steps[2].argv) == ["-a", "-r", "gprecoverseg"]
    assert plan.steps[2].contents == (2,)
    assert set(plan.steps[2].dbids) == {primary_dbid(2), mirror_dbid(2)}


@every_version
def test_no_plan_ever_copies_in_full(version: Version) -> None:
    for cluster in (mirror_down(healthy(version), 0), failed_over(healthy(version), 0), switched(healthy(version), 0)):
        assert all("-F" not in step.argv for step in plan_for(cluster).steps)


@every_version
def test_a_recovery_names_every_down_segment_because_it_cannot_be_narrowed(version: Version) -> None:
    step = plan_for(failed_over(mirror_down(healthy(version), 0, 5), 3)).steps[0]
    assert set(step.dbids) == {mirror_dbid(0), mirror_dbid(5), primary_dbid(3)}
    assert step.effect.startswith("Recovers every segment that is marked down")
    assert all(f"dbid {dbid} " in step.effect for dbid in step.dbids)
    assert "has no narrower scope" in step.effect


@every_version
def test_mirrors_that_catch_up_are_only_waited_for(version: Version) -> None:
    plan = plan_for(resynchronizing(healthy(version), 1))
    assert actions(plan) == (Action.WAIT_FOR_SYNC, Action.VERIFY)
    assert plan.disruptive_steps == ()


@every_version
def test_switched_roles_that_still_catch_up_are_waited_for_before_the_rebalance(version: Version) -> None:
    plan = plan_for(resynchronizing(switched(healthy(version), 1), 1))
    assert actions(plan) == (Action.WAIT_FOR_SYNC, Action.REBALANCE, Action.WAIT_FOR_SYNC, Action.VERIFY)


@every_version
def test_switched_roles_alone_are_rebalanced(version: Version) -> None:
    plan = plan_for(switched(healthy(version), 1, 4))
    assert actions(plan) == (Action.REBALANCE, Action.WAIT_FOR_SYNC, Action.VERIFY)
    assert plan.steps[0].contents == (1, 4)


def test_recovery_and_rebalance_need_an_approval_each_and_looking_needs_none() -> None:
    plan = plan_for(failed_over(healthy(), 2))
    assert [s.action for s in plan.disruptive_steps] == [Action.RECOVER, Action.REBALANCE]
    assert [s.disruption for s in plan.disruptive_steps] == [Disruption.CHANGES, Disruption.INTERRUPTS]
    assert all(s.argv == () for s in plan.steps if not s.disruption.needs_approval)


def test_a_rebalance_says_whose_queries_it_cancels() -> None:
    query = RunningQuery(4711, "etl", 93, "SELECT 'a\n\x1b[31m'\tFROM big")
    effect = plan_for(switched(healthy(), 1), queries=[query]).steps[0].effect
    assert "pid 4711 of etl for 93 s: SELECT 'a [31m' FROM big" in effect
    assert "every query that runs then is cancelled" in effect
    assert effect.isprintable()


def test_a_rebalance_says_when_no_query_runs_and_when_nobody_looked() -> None:
    assert "No query is running now" in plan_for(switched(healthy(), 1), queries=[]).steps[0].effect
    assert "looked up when it is about to run" in plan_for(switched(healthy(), 1)).steps[0].effect


def test_of_many_running_queries_ten_are_shown_and_the_others_counted() -> None:
    queries = [RunningQuery(i, "u", 1, "SELECT 1") for i in range(25)]
    effect = plan_for(switched(healthy(), 1), queries=queries).steps[0].effect
    assert effect.count("pid ") == 10
    assert "and 15 more" in effect
    assert " more" not in plan_for(switched(healthy(), 1), queries=queries[:10]).steps[0].effect


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_a_rebalance_says_that_an_unscoped_recovery_follows(version: Version) -> None:
    assert "unscoped gprecoverseg -a" in plan_for(switched(healthy(version), 1)).steps[0].effect


def test_a_rebalance_of_4_3_says_that_the_pairs_resynchronize_once_more() -> None:
    assert "resynchronization once more" in plan_for(switched(healthy(V43), 1)).steps[0].effect


UNSAFE: list[tuple[Callable[[], Cluster], dict[int, ProbeState], Condition]] = [
    (healthy, {3: ProbeState.TIMED_OUT}, Condition.FAILOVER_PENDING),
    (healthy, {3: ProbeState.STARTING}, Condition.PRIMARY_STARTING),
    (lambda: change(healthy(), 3, mode=Mode.CHANGE_TRACKING), {}, Condition.UNKNOWN_STATE),
    (lambda: without_stream(healthy(), 3), {}, Condition.REPLICATION_MISSING),
]


@pytest.mark.parametrize("with_a_mirror_down", ["alone", "beside a mirror down", "beside switched roles"])
@pytest.mark.parametrize(("cluster", "answers", "condition"), UNSAFE, ids=[c.value for _, _, c in UNSAFE])
def test_what_is_not_safe_is_refused_whatever_else_could_be_done(
    cluster: Callable[[], Cluster], answers: dict[int, ProbeState], condition: Condition, with_a_mirror_down: str
) -> None:
    broken = cluster()
    if broken.mirrored and with_a_mirror_down != "alone":
        broken = mirror_down(broken, 5) if "down" in with_a_mirror_down else switched(broken, 5)
    assert diagnose(broken, probes(broken, answers)).having(condition) is not None
    with pytest.raises(UnsafeState, match="nothing was touched") as refused:
        plan_for(broken, answers)
    assert refused.value.next_action


def test_an_unreachable_coordinator_is_refused_with_the_page_for_it() -> None:
    diagnosis = coordinator_unreachable("lab", HostUnreachable("mdw does not answer.", "Check mdw."))
    with pytest.raises(UnsafeState, match="nothing was touched") as refused:
        make_plan(diagnosis, Capabilities(V6), PolicySettings())
    assert "gpactivatestandby" in refused.value.next_action
    assert ".." not in refused.value.message


@every_version
def test_a_standby_that_does_not_follow_is_started_again_with_an_approval(version: Version) -> None:
    plan = plan_for(standby_dead(version))
    assert actions(plan) == (Action.RESTORE_STANDBY, Action.VERIFY)
    assert plan.steps[0].argv == ("gpinitstandby", "-a", "-n")
    assert (plan.steps[0].dbids, plan.steps[0].contents) == ((STANDBY,), (-1,))
    assert plan.disruptive_steps == plan.steps[:1]


@every_version
def test_segments_come_before_the_standby(version: Version) -> None:
    recovered = actions(plan_for(failed_over(standby_dead(version), 0)))
    assert recovered == (*ALL[:-1], Action.RESTORE_STANDBY, Action.VERIFY)
    waited = actions(plan_for(resynchronizing(standby_dead(version), 0)))
    assert waited == (Action.WAIT_FOR_SYNC, Action.RESTORE_STANDBY, Action.VERIFY)


@pytest.mark.parametrize("name", ["Greenplum Database 5.29.1", "Greenplum Database 8.0.0", "Cloudberry Database 1.5.4"])
def test_a_version_that_nobody_has_proven_is_observed_and_not_acted_on(name: str) -> None:
    cluster = mirror_down(healthy(parse_version(f"PostgreSQL 9 ({name} build 1)")), 0)
    with pytest.raises(UnsafeState, match="only observed"):
        plan_for(cluster)


@pytest.mark.parametrize(
    ("failed", "limit", "allowed"), [(3, 50, True), (4, 50, False), (1, 16, False), (6, 100, True)]
)
def test_more_failed_primaries_than_the_policy_allows_mean_the_network(failed: int, limit: int, allowed: bool) -> None:
    cluster = failed_over(healthy(), *CONTENTS[:failed])
    policy = PolicySettings(max_down_percent=limit)
    if allowed:
        assert Action.RECOVER in actions(plan_for(cluster, policy=policy))
        return
    with pytest.raises(UnsafeState, match="suspect the network") as refused:
        plan_for(cluster, policy=policy)
    assert f"{failed} of 6 primaries" in refused.value.message
    assert "raise policy.max_down_percent" in refused.value.next_action


def test_silent_primaries_count_as_failed_before_fts_has_noticed() -> None:
    with pytest.raises(UnsafeState, match="suspect the network"):
        plan_for(healthy(), dict.fromkeys(range(2, 6), ProbeState.TIMED_OUT))


def test_mirrors_that_are_down_do_not_count_as_failed_primaries() -> None:
    assert Action.RECOVER in actions(plan_for(mirror_down(healthy(), *CONTENTS)))


@pytest.mark.parametrize("spoil", [mirror_down, resynchronizing, failed_over])
@every_version
def test_a_rebalance_is_refused_unless_every_pair_is_synchronized_and_nothing_is_down(
    version: Version, spoil: Callable[..., Cluster]
) -> None:
    cluster = switched(healthy(version), 1)
    require_rebalance_allowed(cluster)
    with pytest.raises(UnsafeState, match="content 4"):
        require_rebalance_allowed(spoil(cluster, 4))


def test_a_standby_that_is_down_does_not_forbid_a_rebalance() -> None:
    require_rebalance_allowed(change(switched(healthy(), 1), STANDBY, status=Status.DOWN))


def test_a_diagnosis_that_forgot_a_pair_does_not_lead_to_a_rebalance() -> None:
    honest = diagnose(resynchronizing(switched(healthy(), 1), 4), [])
    forgetful = replace(honest, findings=tuple(f for f in honest.findings if f.condition is Condition.ROLES_SWITCHED))
    assert forgetful.scenario is Scenario.REBALANCE
    with pytest.raises(UnsafeState, match="content 4"):
        make_plan(forgetful, Capabilities(V6), PolicySettings())


def test_a_wait_watches_both_copies_of_its_contents_and_the_proof_every_segment() -> None:
    recover, wait, verify = plan_for(mirror_down(healthy(), 2)).steps
    assert recover.contents == wait.contents == (2,)
    assert set(wait.dbids) == {primary_dbid(2), mirror_dbid(2)}
    assert verify.dbids == tuple(range(2, 14))
    assert verify.contents == CONTENTS


def test_a_plan_finds_its_step_by_what_it_does() -> None:
    plan = plan_for(mirror_down(healthy(), 2))
    assert plan.step(Action.WAIT_FOR_SYNC) is plan.steps[1]
    assert plan.step(Action.REBALANCE) is None


def test_a_rebalance_of_a_content_that_is_no_pair_is_refused() -> None:
    with pytest.raises(UnsafeState, match="content 0"):
        require_rebalance_allowed(change(switched(healthy(), 1), mirror_dbid(0), role=Role.PRIMARY))


# The fingerprint


def test_a_fingerprint_is_short_hex_and_the_same_in_every_process() -> None:
    plan = plan_for(failed_over(healthy(), 2))
    assert len(plan.fingerprint) == 16
    assert int(plan.fingerprint, 16) >= 0
    script = (
        "from domain.clusters import *; from domain.test_plan import plan_for;"
        "print(plan_for(failed_over(healthy(), 2)).fingerprint)"
    )
    folder = Path(__file__).parent.parent
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": f"{folder}:{folder.parent}", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == plan.fingerprint


def test_running_queries_and_the_order_of_rows_leave_the_fingerprint_alone() -> None:
    cluster = switched(healthy(), 2)
    plan = plan_for(cluster)
    assert plan_for(cluster, queries=[RunningQuery(1, "u", 1, "SELECT 1")]).fingerprint == plan.fingerprint
    assert plan_for(replace(cluster, segments=cluster.segments[::-1])).fingerprint == plan.fingerprint


def test_replication_positions_move_all_the_time_and_leave_the_fingerprint_alone() -> None:
    cluster = switched(healthy(), 2)
    moved = replace(cluster, replication=tuple(replace(r, sent="9/0") for r in cluster.replication or ()))
    assert plan_for(moved).fingerprint == plan_for(cluster).fingerprint


def test_the_plan_of_another_cluster_has_another_fingerprint() -> None:
    cluster = switched(healthy(), 2)
    assert plan_for(replace(cluster, name="other")).fingerprint != plan_for(cluster).fingerprint


COVERED = {
    "role": st.sampled_from(Role),
    "preferred_role": st.sampled_from(Role),
    "mode": st.sampled_from(Mode),
    "status": st.sampled_from(Status),
    "dbid": st.integers(1, 99),
    "content": st.integers(-1, 9),
    "port": st.integers(1, 65535),
    "hostname": st.sampled_from(["sdw1", "sdw2", "sdw3", "sdw4"]),
    "datadir": st.sampled_from(["/data/primary/gpseg0", "/data/other"]),
}
STEPS = (Step(Action.RECOVER, ("gprecoverseg", "-a"), (8,), (0,), "effect", Disruption.CHANGES),)


@given(st.sampled_from(sorted(COVERED)), st.integers(0, 13), st.data())
def test_a_fingerprint_changes_exactly_with_the_state(field: str, index: int, data) -> None:  # type: ignore[no-untyped-def]
    cluster = healthy()
    segments = list(cluster.segments)
    segments[index] = replace(segments[index], **{field: data.draw(COVERED[field])})
    changed = replace(cluster, segments=tuple(segments))
    same_rows = sorted(segments, key=_by_dbid) == sorted(cluster.segments, key=_by_dbid)
    assert (fingerprint(STEPS, changed) == fingerprint(STEPS, cluster)) is same_rows


@given(
    st.lists(st.sampled_from(["gprecoverseg", "-a", "-r", "-F", "-a -r", ""]), max_size=4),
    st.lists(st.integers(0, 14), max_size=3),
    st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from(Action),
    st.text(max_size=5),
)
def test_a_fingerprint_changes_exactly_with_action_command_dbids_and_contents(
    argv: list[str], dbids: list[int], contents: list[int], action: Action, effect: str
) -> None:
    step = Step(action, tuple(argv), tuple(dbids), tuple(contents), effect, Disruption.CHANGES)
    same = replace(step, effect=STEPS[0].effect) == STEPS[0]
    assert (fingerprint((step,), healthy()) == fingerprint(STEPS, healthy())) is same


def _by_dbid(segment: Segment) -> tuple[int, int]:
    return (segment.dbid, segment.content)


@pytest.mark.parametrize(
    "query",
    [
        "CREATE ROLE x PASSWORD 'hunter2'",
        "ALTER USER x WITH ENCRYPTED password'hunter2'",
        "SELECT * FROM dblink('host=a password=hunter2 user=b', 'SELECT 1')",
        "CREATE EXTERNAL TABLE t (LIKE u) LOCATION ('s3://b config=c secret=hunter2')",
    ],
)
def test_a_password_in_a_running_query_is_not_shown(query: str) -> None:
    plan = plan_for(switched(healthy(), 1), queries=[RunningQuery(1, "u", 1, query)])
    assert "hunter2" not in plan.steps[0].effect
    assert query.split(maxsplit=1)[0] in plan.steps[0].effect


DIFFERENTIAL = PolicySettings(recovery_type=RecoveryType.DIFFERENTIAL)


@every_version
def test_the_policy_of_differential_recovery_holds_where_the_help_shows_it_and_only_there(version: Version) -> None:
    cluster = mirror_down(healthy(version), 1)
    diagnosis = diagnose(cluster, probes(cluster))
    with pytest.raises(UnsafeState, match="differential"):
        make_plan(diagnosis, Capabilities(version), DIFFERENTIAL)
    if version is V43:
        return
    step = make_plan(
        diagnosis, Capabilities(version, recover_options=frozenset({"--differential"})), DIFFERENTIAL
    ).step(Action.RECOVER)
    assert step is not None
    assert step.argv == ("gprecoverseg", "-a", "--differential")
    assert "differentially" in step.effect


def test_the_policy_of_differential_recovery_hinders_nothing_where_no_segment_is_to_be_recovered() -> None:
    plan = plan_for(switched(healthy(V6), 1), policy=DIFFERENTIAL)
    assert plan.step(Action.REBALANCE) is not None


def test_a_step_is_covered_with_the_file_that_it_reads_and_the_places_it_leads_to() -> None:
    step = Step(Action.MOVE_TO_SPARE, ("gprecoverseg",), (2,), (0,), "", Disruption.CHANGES)
    move = SegmentMove(0, 2, "sdw1:6000:/data/a", "sdw4:6000:/data/a")
    variants = [
        step,
        replace(step, file=HostFile("/home/a.cfg", "one")),
        replace(step, file=HostFile("/home/a.cfg", "two")),
        replace(step, file=HostFile("/home/b.cfg", "two")),
        replace(step, moves=(move,)),
        replace(step, moves=(replace(move, new="sdw5:6000:/data/a"),)),
    ]
    assert len({fingerprint([variant], healthy()) for variant in variants}) == len(variants)
