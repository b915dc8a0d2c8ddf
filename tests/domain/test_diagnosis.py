from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import recordings

from domain.clusters import (
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
    mirrorless,
    primary_dbid,
    probes,
    resynchronizing,
    switched,
    without_stream,
)
from domain.test_pair_states import as_selected
from gpmedic.catalog import cluster_from_rows
from gpmedic.cluster import Cluster, Replication, Status, Version
from gpmedic.diagnosis import (
    CONDITIONS,
    Condition,
    Diagnosis,
    ProbeState,
    Scenario,
    coordinator_unreachable,
    diagnose,
)
from gpmedic.errors import BeingRestarted, HostUnreachable
from gpmedic.host_facts import PidState
from gpmedic.probe import Probe

SILENT = [ProbeState.REFUSED, ProbeState.TIMED_OUT, ProbeState.HOST_UNREACHABLE, ProbeState.FAILED]
every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)


def look(cluster: Cluster, **answers: ProbeState) -> Diagnosis:
    """Diagnose with answers by dbid: d5=ProbeState.REFUSED."""
    return diagnose(cluster, probes(cluster, {int(k[1:]): v for k, v in answers.items()}))


def conditions(diagnosis: Diagnosis) -> list[Condition]:
    return [f.condition for f in diagnosis.findings]


@every_version
def test_a_cluster_in_order_has_no_finding(version: Version) -> None:
    diagnosis = look(healthy(version))
    assert diagnosis.healthy
    assert diagnosis.scenario is Scenario.NONE


@every_version
def test_a_mirror_down_names_the_mirror_and_who_serves_alone(version: Version) -> None:
    finding = look(mirror_down(healthy(version), 3)).findings[0]
    assert finding.condition is Condition.MIRROR_DOWN
    assert (finding.contents, finding.dbids) == ((3,), (mirror_dbid(3),))
    assert "dbid 11 (sdw1:7001, content 3) is down, dbid 5 (sdw2:6001, content 3) serves alone" in finding.detail


@every_version
def test_a_failed_over_primary_is_told_from_a_mirror_down(version: Version) -> None:
    diagnosis = look(mirror_down(failed_over(healthy(version), 1), 4))
    assert conditions(diagnosis) == [Condition.FAILED_OVER, Condition.MIRROR_DOWN]
    assert [f.dbids for f in diagnosis.findings] == [(primary_dbid(1),), (mirror_dbid(4),)]
    assert diagnosis.scenario is Scenario.RECOVER_SEGMENTS


@every_version
def test_resynchronizing_means_to_wait(version: Version) -> None:
    diagnosis = look(resynchronizing(healthy(version), 0, 5))
    assert conditions(diagnosis) == [Condition.RESYNCHRONIZING]
    assert diagnosis.findings[0].contents == (0, 5)
    assert diagnosis.scenario is Scenario.WAIT


@every_version
def test_roles_merely_switched_mean_to_rebalance(version: Version) -> None:
    diagnosis = look(switched(healthy(version), 2))
    assert conditions(diagnosis) == [Condition.ROLES_SWITCHED]
    assert diagnosis.scenario is Scenario.REBALANCE


@pytest.mark.parametrize("state", SILENT)
@every_version
def test_a_silent_primary_with_a_healthy_mirror_is_a_failover_that_fts_has_yet_to_make(
    version: Version, state: ProbeState
) -> None:
    diagnosis = look(healthy(version), d3=state)
    assert Condition.FAILOVER_PENDING in conditions(diagnosis)
    assert Condition.DOUBLE_FAULT not in conditions(diagnosis)
    assert diagnosis.scenario is Scenario.LOOK_AGAIN


@pytest.mark.parametrize("state", SILENT)
@pytest.mark.parametrize("broken", [mirror_down, failed_over, resynchronizing])
@every_version
def test_a_silent_primary_whose_mirror_is_down_or_not_in_sync_is_a_double_fault_although_the_catalog_says_up(
    version: Version, broken, state: ProbeState
) -> None:
    cluster = broken(healthy(version), 1)
    pair = next(p for p in cluster.pairs if p.content == 1)
    assert pair.primary.status is Status.UP
    diagnosis = diagnose(cluster, probes(cluster, {pair.primary.dbid: state}))
    assert diagnosis.scenario is Scenario.DOUBLE_FAULT
    assert diagnosis.findings[0].contents == (1,)
    assert set(diagnosis.findings[0].dbids) == {primary_dbid(1), mirror_dbid(1)}


def hanging(cluster: Cluster, dbid: int, state: ProbeState, *others: Probe) -> Diagnosis:
    looked = [replace(p, postmaster=PidState.ALIVE) if p.dbid == dbid else p for p in probes(cluster, {dbid: state})]
    return diagnose(cluster, [*looked, *others])


@pytest.mark.parametrize("state", SILENT)
@pytest.mark.parametrize("broken", [mirror_down, resynchronizing])
@every_version
def test_a_silent_primary_whose_postmaster_runs_is_looked_at_again_and_never_a_double_fault(
    version: Version, broken, state: ProbeState
) -> None:
    diagnosis = hanging(broken(healthy(version), 1), primary_dbid(1), state)
    assert Condition.PRIMARY_HANGS in conditions(diagnosis)
    assert diagnosis.scenario is Scenario.LOOK_AGAIN
    assert "although its postmaster runs" in diagnosis.findings[0].detail


@pytest.mark.parametrize("postmaster", [None, *(state for state in PidState if state is not PidState.ALIVE)])
def test_without_a_postmaster_that_is_seen_to_run_it_is_a_double_fault(postmaster: PidState | None) -> None:
    cluster = mirror_down(healthy(), 1)
    looked = [replace(p, postmaster=postmaster) for p in probes(cluster, {primary_dbid(1): ProbeState.TIMED_OUT})]
    assert diagnose(cluster, looked).scenario is Scenario.DOUBLE_FAULT


def test_a_hanging_primary_whose_mirror_is_dead_or_that_has_none_is_no_reason_for_a_restart() -> None:
    both = hanging(healthy(), 3, ProbeState.TIMED_OUT, Probe(9, ProbeState.REFUSED))
    assert conditions(both) == [Condition.PRIMARY_HANGS]
    assert conditions(hanging(mirrorless(), 3, ProbeState.TIMED_OUT)) == [Condition.PRIMARY_HANGS]


def test_a_hanging_primary_with_a_mirror_that_can_take_over_is_for_fts_to_decide() -> None:
    assert conditions(hanging(healthy(), 3, ProbeState.TIMED_OUT)) == [Condition.FAILOVER_PENDING]


@every_version
def test_two_dead_copies_of_which_the_catalog_says_up_and_synchronized_are_a_double_fault(version: Version) -> None:
    diagnosis = look(healthy(version), d3=ProbeState.REFUSED, d9=ProbeState.REFUSED)
    assert diagnosis.scenario is Scenario.DOUBLE_FAULT


@every_version
def test_a_silent_primary_is_one_finding_and_not_also_the_loss_of_its_mirror(version: Version) -> None:
    cluster = failed_over(healthy(version), 1)
    diagnosis = diagnose(cluster, probes(cluster, {mirror_dbid(1): ProbeState.REFUSED}))
    assert conditions(diagnosis) == [Condition.DOUBLE_FAULT]
    pending = look(switched(healthy(version), 1), **{f"d{mirror_dbid(1)}": ProbeState.REFUSED})
    assert conditions(pending) == [Condition.FAILOVER_PENDING]


def test_a_mirror_in_recovery_is_alive_and_can_take_over() -> None:
    assert look(healthy(), d3=ProbeState.REFUSED, d9=ProbeState.STARTING).scenario is Scenario.LOOK_AGAIN


@pytest.mark.parametrize("state", SILENT)
@every_version
def test_a_silent_primary_without_mirror_is_found_although_the_catalog_never_shows_it(
    version: Version, state: ProbeState
) -> None:
    diagnosis = look(mirrorless(version), d6=state)
    assert diagnosis.scenario is Scenario.MIRRORLESS
    assert diagnosis.findings[0].dbids == (6,)


def test_a_primary_whose_host_is_gone_is_reported_with_its_host() -> None:
    diagnosis = look(healthy(), d2=ProbeState.HOST_UNREACHABLE, d3=ProbeState.HOST_UNREACHABLE)
    finding = diagnosis.having(Condition.HOST_UNREACHABLE)
    assert finding is not None
    assert finding.dbids == (2, 3)
    assert "sdw1" in finding.detail
    assert diagnosis.having(Condition.FAILOVER_PENDING) is not None


def test_an_unreachable_host_is_no_condition_of_a_primary_that_merely_refuses() -> None:
    assert look(healthy(), d2=ProbeState.REFUSED).having(Condition.HOST_UNREACHABLE) is None


@pytest.mark.parametrize("broken", [healthy, lambda: mirror_down(healthy(), 0), mirrorless])
def test_a_primary_that_is_starting_is_waited_for_whatever_its_mirror_does(broken) -> None:
    diagnosis = look(broken(), d2=ProbeState.STARTING)
    assert conditions(diagnosis)[0] is Condition.PRIMARY_STARTING
    assert diagnosis.scenario is Scenario.LOOK_AGAIN


def test_a_primary_that_was_not_probed_is_not_believed_to_be_up() -> None:
    cluster = healthy()
    finding = diagnose(cluster, probes(cluster)[1:]).findings[0]
    assert (finding.condition, finding.dbids) == (Condition.NOT_PROBED, (2,))


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_a_pair_that_the_catalog_calls_up_without_a_stream_has_no_replication(version: Version) -> None:
    diagnosis = look(without_stream(healthy(version), 4))
    assert conditions(diagnosis) == [Condition.REPLICATION_MISSING]
    assert (diagnosis.findings[0].contents, diagnosis.findings[0].dbids) == ((4,), (mirror_dbid(4),))


def test_the_stream_of_a_running_full_copy_is_no_mirror_of_a_pair_called_synchronized() -> None:
    cluster = without_stream(healthy(), 4)
    backup = (Replication(4, "pg_basebackup", "backup", "async"), *(cluster.replication or ()))
    assert conditions(look(replace(cluster, replication=backup))) == [Condition.REPLICATION_MISSING]
    copying = resynchronizing(replace(cluster, replication=backup), 4)
    assert conditions(look(copying)) == [Condition.RESYNCHRONIZING]


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_replication_that_cannot_be_read_although_every_primary_answers_is_looked_at_again(version: Version) -> None:
    unread = replace(healthy(version), replication=None)
    diagnosis = look(unread)
    assert conditions(diagnosis) == [Condition.REPLICATION_UNKNOWN]
    assert diagnosis.scenario is Scenario.LOOK_AGAIN
    assert Condition.REPLICATION_UNKNOWN not in conditions(look(unread, d3=ProbeState.REFUSED)), "that explains it"
    assert look(replace(mirrorless(version), replication=None)).healthy, "there is nothing that could follow"


def test_an_answer_that_is_not_understood_is_looked_at_again_and_never_half_of_a_double_fault() -> None:
    assert look(mirror_down(healthy(), 1), d3=ProbeState.UNKNOWN).scenario is Scenario.LOOK_AGAIN
    both = look(healthy(), d3=ProbeState.REFUSED, d9=ProbeState.UNKNOWN)
    assert both.scenario is Scenario.LOOK_AGAIN


@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_a_standby_without_a_stream_is_down_although_the_catalog_says_up(version: Version) -> None:
    diagnosis = look(without_stream(healthy(version), -1))
    assert conditions(diagnosis) == [Condition.STANDBY_DOWN]
    assert diagnosis.findings[0].dbids == (STANDBY,)
    assert diagnosis.scenario is Scenario.STANDBY


@pytest.mark.parametrize("mode", ["s", "n"])
def test_the_mode_of_the_standby_means_nothing(mode: str) -> None:
    assert look(change(healthy(), STANDBY, mode=mode)).healthy


def test_a_standby_that_4_3_marks_down_is_down() -> None:
    assert conditions(look(change(healthy(V43), STANDBY, status=Status.DOWN))) == [Condition.STANDBY_DOWN]


def test_a_cluster_without_standby_has_none_to_lose() -> None:
    cluster = without_stream(healthy(), -1)
    assert look(replace(cluster, segments=tuple(s for s in cluster.segments if s.dbid != STANDBY))).healthy


def test_a_coordinator_that_cannot_be_asked_is_a_diagnosis_of_its_own() -> None:
    diagnosis = coordinator_unreachable("lab", HostUnreachable("mdw does not answer.", "Check mdw."))
    assert diagnosis.scenario is Scenario.COORDINATOR
    assert diagnosis.cluster is None
    assert diagnosis.findings[0].contents == (-1,)
    assert "mdw does not answer." in diagnosis.findings[0].detail


def test_a_coordinator_that_gpmedic_restarts_is_nobodys_to_start_or_to_replace() -> None:
    (found,) = coordinator_unreachable("lab", BeingRestarted("The job restart-lab-1 is at work.", "Wait.")).findings
    assert found.condition is Condition.COORDINATOR_RESTARTING
    assert "restart-lab-1" in found.detail
    assert "activate nothing" in found.facts.next_action


def test_a_finding_is_a_sentence_with_one_full_stop_whoever_told_its_detail() -> None:
    (lost,) = coordinator_unreachable("lab", HostUnreachable("mdw does not answer.", "Check mdw.")).findings
    (down,) = look(mirror_down(healthy(), 0)).findings
    assert lost.sentence == "Coordinator unreachable: mdw does not answer. Next: Check mdw."
    assert down.sentence == f"Mirror down: {down.detail}."


def test_the_worst_finding_decides_the_scenario() -> None:
    cluster = mirror_down(switched(without_stream(healthy(), -1), 5), 0, 1)
    diagnosis = look(cluster, d3=ProbeState.REFUSED)
    assert conditions(diagnosis) == [
        Condition.DOUBLE_FAULT,
        Condition.MIRROR_DOWN,
        Condition.ROLES_SWITCHED,
        Condition.STANDBY_DOWN,
    ]
    assert diagnosis.scenario is Scenario.DOUBLE_FAULT


def test_every_condition_has_a_row_of_its_own_in_the_table() -> None:
    assert set(CONDITIONS) == set(Condition)
    titles = [facts.title for facts in CONDITIONS.values()]
    assert len(set(titles)) == len(titles)
    assert all(facts.meaning.endswith(".") and facts.next_action.endswith(".") for facts in CONDITIONS.values())


def test_every_scenario_is_reached_by_a_condition() -> None:
    assert {facts.scenario for facts in CONDITIONS.values()} == set(Scenario) - {Scenario.NONE}


@given(st.text(max_size=400))
def test_what_a_server_said_to_a_probe_stays_on_one_line(said: str) -> None:
    cluster = mirror_down(healthy(), 0)
    diagnosis = diagnose(cluster, [Probe(d, ProbeState.FAILED, said) for d in range(2, 8)])
    assert all(f.detail.isprintable() and len(f.detail) < 3000 for f in diagnosis.findings)


def test_the_recorded_failures_of_a_real_cluster_are_named() -> None:
    named = {}
    for step in recordings("gp6"):
        if step.after is not None and step.after.segments:
            rows = [as_selected(r) for r in step.after.segments]
            cluster = cluster_from_rows("lab", V6, rows, None)
            found = conditions(diagnose(cluster, probes(cluster)))
            named[str(step)] = [c for c in found if c is not Condition.REPLICATION_UNKNOWN]  # it was not given here
    by_scenario = {tuple(c) for c in named.values()}
    assert {(), (Condition.MIRROR_DOWN,), (Condition.FAILED_OVER,), (Condition.ROLES_SWITCHED,)} <= by_scenario


@pytest.mark.parametrize("broken", [healthy, lambda: mirror_down(healthy(), 1)])
def test_a_primary_that_lives_but_gives_no_session_is_no_double_fault_and_not_well_either(
    broken: Callable[[], Cluster],
) -> None:
    diagnosis = look(broken(), d3=ProbeState.NOT_ADMITTED)
    assert diagnosis.findings[0].condition is Condition.NOT_PROBED
    assert diagnosis.scenario is Scenario.LOOK_AGAIN


def test_a_mirror_that_gives_no_session_can_still_take_over() -> None:
    diagnosis = look(healthy(), d3=ProbeState.REFUSED, d9=ProbeState.NOT_ADMITTED)
    assert diagnosis.findings[0].condition is Condition.FAILOVER_PENDING
