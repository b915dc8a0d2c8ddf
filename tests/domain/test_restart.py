"""The plan of a restart, what must hold before it, and what the job that runs it says."""

from dataclasses import replace
from typing import Any

import pytest

from domain.clusters import V6, V43, VERSIONS, change, failed_over, healthy, mirror_down, mirrorless, probes
from domain.test_precheck import bad, facts_of, on_directory, on_host
from gpmedic.access.restart import job_argv
from gpmedic.capabilities import Capabilities
from gpmedic.check import CheckName, Verdict
from gpmedic.cluster import Cluster, Status, Version
from gpmedic.conditions import Scenario
from gpmedic.control_data import ControlData
from gpmedic.copies import Comparison, Copy, Current, Presence
from gpmedic.diagnosis import ProbeState, diagnose
from gpmedic.errors import UnsafeState
from gpmedic.gpstop import Standby
from gpmedic.host_facts import HostFacts, PidState
from gpmedic.plan import Action, Disruption, Plan, make_plan
from gpmedic.precheck import judge
from gpmedic.restart import RestartNotes, must_end, require_serving_copies, restart_notes
from gpmedic.settings import PolicySettings
from gpmedic.steps import Step
from tasks.restart import advice_restart, explain_restart
from tasks.run_utility import Ended

every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)
REFUSED = {3: ProbeState.REFUSED, 9: ProbeState.REFUSED}


def plan_for(cluster: Cluster, notes: RestartNotes | None = None, answers: dict[int, ProbeState] | None = None) -> Plan:
    diagnosis = diagnose(cluster, probes(cluster, answers or REFUSED))
    return make_plan(diagnosis, Capabilities(cluster.version), PolicySettings(), (), notes)


def double(version: Version = V6) -> Cluster:
    return mirror_down(healthy(version), 1)


@every_version
def test_a_double_fault_is_answered_with_a_restart_and_nothing_that_copies(version: Version) -> None:
    plan = plan_for(double(version))
    assert [s.action for s in plan.steps] == [Action.RESTART, Action.WAIT_FOR_SYNC, Action.VERIFY]
    step = plan.steps[0]
    assert step.command == "gpstop -a -M fast -t 600; gpstart -a -t 1800"
    assert step.disruption is Disruption.INTERRUPTS
    assert step.contents == (1,)


@every_version
def test_a_dead_primary_without_mirror_is_answered_with_a_restart(version: Version) -> None:
    plan = plan_for(mirrorless(version), answers={3: ProbeState.REFUSED})
    assert plan.scenario is Scenario.MIRRORLESS
    assert [s.action for s in plan.steps] == [Action.RESTART, Action.VERIFY]


def test_no_restart_beside_a_primary_that_hangs_because_gpstop_would_leave_the_rest_stopped() -> None:
    cluster = mirror_down(double(), 4)
    looked = [
        replace(p, postmaster=PidState.ALIVE if p.dbid == 6 else PidState.STALE)
        for p in probes(cluster, {**REFUSED, 6: ProbeState.TIMED_OUT})
    ]
    diagnosis = diagnose(cluster, looked)
    assert diagnosis.scenario is Scenario.DOUBLE_FAULT
    with pytest.raises(UnsafeState, match=r"Primary hangs: content 4: dbid 6 .* nothing was touched"):
        make_plan(diagnosis, Capabilities(V6), PolicySettings())


@pytest.mark.parametrize(
    ("cluster", "answers", "said"),
    [
        (mirror_down(double(), 4), {6: ProbeState.STARTING}, "content 4"),
        (change(double(), 6, status=Status.DOWN), {}, "content 4"),
        (double(), {6: ProbeState.REFUSED}, "content 4"),
    ],
    ids=["replaying", "unknown state", "about to fail over"],
)
def test_no_restart_while_another_content_is_replaying_undecided_or_not_understood(
    cluster: Cluster, answers: dict[int, ProbeState], said: str
) -> None:
    diagnosis = diagnose(cluster, probes(cluster, {**REFUSED, **answers}))
    assert diagnosis.scenario is Scenario.DOUBLE_FAULT
    with pytest.raises(UnsafeState, match=said):
        make_plan(diagnosis, Capabilities(V6), PolicySettings())


def test_the_fingerprint_of_a_restart_covers_both_commands() -> None:
    skip = plan_for(double(), RestartNotes((), Standby.SKIP))
    assert skip.steps[0].command == "gpstop -a -M fast -t 600; gpstart -a -y -t 1800"
    assert "left out (-y)" in skip.steps[0].effect
    assert skip.fingerprint != plan_for(double()).fingerprint
    assert plan_for(double(), RestartNotes()).fingerprint == plan_for(double()).fingerprint


def test_a_standby_that_does_not_run_is_left_out_and_one_that_cannot_be_read_is_not_looked_at() -> None:
    cluster = double()
    facts = facts_of(cluster)
    running = on_directory(cluster, facts, 14, postmaster=PidState.ALIVE)
    dead = on_directory(cluster, facts, 14, postmaster=PidState.STALE)
    silent = on_host(running, "smdw", reachable=False)
    gone = on_directory(cluster, facts, 14, exists=False)
    emptied = on_directory(cluster, facts, 14, control_file=False)
    standby = [restart_notes(cluster, list(f.values()), ()).standby for f in (running, dead, silent, gone, emptied)]
    assert standby == [Standby.START, Standby.SKIP, Standby.UNREAD, Standby.UNREAD, Standby.UNREAD]
    marked_down = change(cluster, 14, status=Status.DOWN)
    assert restart_notes(marked_down, list(running.values()), ()).standby is Standby.SKIP
    effect = plan_for(cluster, RestartNotes((), Standby.UNREAD)).steps[0].effect
    assert "only where it is certain that no coordinator runs there" in effect


def checks_for(
    cluster: Cluster, facts: dict[str, HostFacts], notes: RestartNotes | None = None
) -> list[tuple[CheckName, Verdict, str]]:
    found = judge(plan_for(cluster, notes), cluster, list(facts.values()))
    return [one for one in bad(found) if one[0] is not CheckName.STANDBY]


def test_every_acting_primary_must_be_able_to_start_also_those_that_answer_now() -> None:
    cluster, facts = double(), facts_of(double())
    assert checks_for(cluster, facts) == []
    other = "dbid 6 on sdw3"
    gone = on_directory(cluster, facts, 6, exists=False)
    assert checks_for(cluster, gone) == [(CheckName.DATA_DIRECTORY, Verdict.FAIL, other)]
    open_to_all = on_directory(cluster, facts, 6, mode=0o755)
    assert checks_for(cluster, open_to_all) == [(CheckName.DIRECTORY_MODE, Verdict.FAIL, other)]
    full = on_directory(cluster, facts, 6, free_percent=1.0)
    assert checks_for(cluster, full) == [(CheckName.DISK_SPACE, Verdict.FAIL, other)]
    unseen = on_host(facts, "sdw3", directories=())
    assert (CheckName.DATA_DIRECTORY, Verdict.FAIL, other) in checks_for(cluster, unseen)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({"mode": 0o755}, CheckName.DIRECTORY_MODE),
        ({"free_percent": 1.0}, CheckName.DISK_SPACE),
        ({"writable": False}, CheckName.DATA_DIRECTORY),
    ],
    ids=str,
)
def test_the_coordinator_must_be_able_to_start_too_though_it_runs_now(found: dict[str, Any], name: CheckName) -> None:
    cluster = double()
    facts = on_directory(cluster, facts_of(cluster), 1, **found)
    assert checks_for(cluster, facts) == [(name, Verdict.FAIL, "dbid 1 on mdw")]


def test_nothing_is_stopped_while_the_setup_of_an_expansion_would_keep_gpstart_from_starting() -> None:
    cluster = double()
    facts = on_host(facts_of(cluster), "mdw", unfinished_expansion="/data/master/gpseg-1/gpexpand.status")
    assert checks_for(cluster, facts) == [(CheckName.NO_EXPANSION, Verdict.FAIL, "mdw")]


@every_version
def test_a_postmaster_that_the_start_can_do_without_does_not_hold_it_up_but_in_4_3(version: Version) -> None:
    cluster = double(version)
    everything = {s.dbid for s in cluster.segments}
    needed = {1, *(s.dbid for s in cluster.acting_primaries)}
    assert must_end(cluster) == (everything if version == V43 else needed)


def test_a_copy_that_was_never_promoted_is_told_of() -> None:
    cluster = double()
    facts = on_directory(cluster, facts_of(cluster), 3, standby_markers=("recovery.conf",))
    assert checks_for(cluster, facts) == [(CheckName.STANDBY_MARKER, Verdict.WARN, "dbid 3 on sdw1")]


@pytest.mark.parametrize(
    ("version", "standby", "verdict"),
    [
        (V6, Standby.START, Verdict.FAIL),
        (V6, Standby.SKIP, Verdict.FAIL),
        (V6, Standby.UNREAD, Verdict.WARN),
        (V43, Standby.UNREAD, Verdict.FAIL),
    ],
    ids=str,
)
def test_the_hosts_of_acting_primaries_and_of_a_standby_that_gpstart_looks_at_must_answer_and_in_4_3_every_host(
    version: Version, standby: Standby, verdict: Verdict
) -> None:
    cluster, notes = double(version), RestartNotes(standby=standby)
    facts = facts_of(cluster)
    assert (CheckName.HOST_REACHABLE, Verdict.FAIL, "sdw2") in checks_for(
        cluster, on_host(facts, "sdw2", reachable=False)
    )
    silent = on_host(facts, "smdw", reachable=False)
    assert (CheckName.HOST_REACHABLE, verdict, "smdw") in checks_for(cluster, silent, notes)


@pytest.mark.parametrize("current", Current)
def test_a_copy_that_is_not_proven_to_be_the_current_one_is_not_served(current: Current) -> None:
    copy = Copy(healthy().segment(3), Presence.READ)
    comparison = Comparison(1, copy, None, current, "so it is")
    if current in {Current.PRIMARY, Current.EITHER}:
        require_serving_copies([comparison])
        return
    with pytest.raises(UnsafeState, match=r"not proven to be the current one.*so it is"):
        require_serving_copies([comparison])


def test_another_finding_about_a_copy_voids_the_approval() -> None:
    copy = Copy(healthy().segment(3), Presence.READ, ControlData("71", "in production", 1, "0/500"))
    other = replace(copy, data=replace(copy.data, checkpoint="0/600"))
    notes = [RestartNotes((Comparison(1, c, None, Current.PRIMARY, "it says so"),)) for c in (copy, other)]
    first, second = (plan_for(double(), n) for n in notes)
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == plan_for(double(), replace(notes[0])).fingerprint
    reworded = replace(notes[0], comparisons=(replace(notes[0].comparisons[0], reason="in other words"),))
    assert first.fingerprint == plan_for(double(), reworded).fingerprint


def test_what_the_person_approves_says_which_copy_is_current() -> None:
    copy = Copy(healthy().segment(3), Presence.READ)
    notes = RestartNotes((Comparison(1, copy, None, Current.PRIMARY, "it says so"),))
    effect = plan_for(double(), notes).steps[0].effect
    assert "content 1: current is the acting primary, because it says so" in effect
    assert "leaves the whole database stopped" in effect


# The job


def test_what_a_job_says_of_postmasters_that_are_left_is_explained_with_advice() -> None:
    said = "gpmedic-restart: stop: true\ngpmedic-restart: stop ended with 0\n" + LEFT
    ended = Ended(("gpstop",), "key", (), 70, said)
    assert "not started, because there is still postmaster 4711 /data/primary/gpseg0 on sdw1" in explain_restart(ended)
    assert "never with SIGKILL" in advice_restart(ended)


def test_a_host_that_fell_silent_after_the_stop_is_to_be_brought_back_and_no_postmaster_to_be_ended() -> None:
    said = "gpmedic-restart: stop: true\ngpmedic-restart: left: sdw1 does not answer: timed out\n"
    ended = Ended(("gpstop",), "key", (), 70, f"{said}gpmedic-restart: not started\n")
    assert "not started, because there is still sdw1 does not answer" not in explain_restart(ended)
    assert "not started, because sdw1 does not answer: timed out" in explain_restart(ended)
    assert "Bring that host back" in advice_restart(ended)
    assert "pg_ctl" not in advice_restart(ended)


def test_who_is_told_that_somebody_else_starts_the_database_is_told_to_let_them() -> None:
    said = "gpmedic-restart: stop: true\ngpmedic-restart: foreign: postmaster 12 /data/primary/gpseg0 on sdw1\n"
    ended = Ended(("gpstop",), "key", (), 70, f"{said}gpmedic-restart: not started\n")
    assert "somebody else has started postmaster 12 /data/primary/gpseg0 on sdw1" in explain_restart(ended)
    assert "let them finish" in advice_restart(ended)


def test_a_start_beside_a_postmaster_that_it_can_do_without_is_told_of() -> None:
    said = "gpmedic-restart: stop: true\ngpmedic-restart: beside: postmaster 4711 /data/mirror/gpseg0 on sdw1\n"
    ended = Ended(("gpstop",), "key", (), 0, f"{said}gpmedic-restart: start: true\n")
    assert "started although there is still postmaster 4711 /data/mirror/gpseg0 on sdw1" in explain_restart(ended)


def test_a_database_that_gpstart_refused_to_start_without_its_standby_is_said_to_be_down() -> None:
    said = (
        "gpmedic-restart: stop: true\ngpmedic-restart: start: true\n"
        "20261123:09:25:53:007087 gpstart:mdw:gpadmin-[WARNING]:-Non interactive mode detected. Not starting the "
        "cluster. Start the cluster in interactive mode.\n"
    )
    advised = advice_restart(Ended(("gpstop",), "key", (), 2, said))
    assert advised.startswith("The database is down: ")
    assert "gpstart by hand without -a, say yes to its question" in advised


LEFT = "gpmedic-restart: left: postmaster 4711 /data/primary/gpseg0 on sdw1\ngpmedic-restart: not started\n"


def test_a_host_name_that_is_an_option_of_ssh_reaches_no_command_line() -> None:
    cluster = double()
    evil = replace(cluster, segments=tuple(replace(s, hostname="-oProxyCommand=x") for s in cluster.segments))
    with pytest.raises(UnsafeState, match="no host name"):
        job_argv(plan_for(cluster).steps[0], evil)


def test_any_other_step_runs_its_own_command() -> None:
    step = Step(Action.RECOVER, ("gprecoverseg", "-a"), (), (), "", Disruption.CHANGES)
    assert job_argv(step, failed_over(healthy(), 0)) == ("gprecoverseg", "-a")
