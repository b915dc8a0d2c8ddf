"""What gpmedic does not act on, and what it does not do twice."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from flows.attend import attend
from flows.history import LAST, find_incident, report_of
from flows.recover import recover
from gpmedic.cluster import Mode, Status
from gpmedic.errors import GpmedicError, NotApproved, PrecheckFailed, UtilityBusy
from gpmedic.not_done import not_done
from gpmedic.plan import Action
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.control import Verb
from gpmedic.practice.facts import SegmentFacts
from gpmedic.practice.greenplum_catalog import SLOT
from gpmedic.practice.layout import LOOPBACK, USER
from gpmedic.practice.processes import command_of, with_children
from gpmedic.report import Outcome, RecoveryReport
from tasks.approve import Answer, Request
from tasks.notify import Phase, Progress, listening
from tests.people import Operator, by_hand, kill_in_the_middle_of_a_copy
from tests.registered import policy


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"refuse-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


@pytest.fixture
def mirror_down(practice: PracticeCluster) -> PracticeCluster:
    """With the mirror of content 0, dbid 8, down: a refusal leaves it so, for the next test."""
    if practice.facts().segment(8).status.value == "u":
        break_mirror(practice, 0)
    return practice


@pytest.fixture
def well(practice: PracticeCluster) -> PracticeCluster:
    """With nothing left of what was refused in other tests."""
    if any(s.status is Status.DOWN or not s.in_preferred_role for s in practice.facts().data_segments):
        recovered(practice)
    return practice


def yes(_request: Request) -> Answer:
    return Answer(decision="yes", operator="anna")


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def recovered(cluster: PracticeCluster) -> RecoveryReport:
    return attend(lambda: recover(cluster.name), yes)


def break_mirror(cluster: PracticeCluster, content: int) -> None:
    cluster.break_(Fault.KILL_MIRROR, content=content)
    cluster.wait_until(lambda facts: any(s.content == content and s.status.value == "d" for s in facts.segments))


def jobs_of(cluster: PracticeCluster, action: str = "recover") -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob(f"{action}-*"))


@pytest.mark.parametrize(
    ("fault", "target", "refused", "said", "advice"),
    [
        (Fault.LOCK_HELD, {}, UtilityBusy, r"gprecoverseg \(pid \d+\) is at work", "never stop it"),
        (
            Fault.LOCK_STALE,
            {},
            PrecheckFailed,
            r"gprecoverseg.lock is left over from a gprecoverseg that no longer runs \(pid \d+\)",
            r"then remove \S+gprecoverseg.lock by hand",
        ),
        (Fault.SSH_BANNER, {"host": "sdw2"}, PrecheckFailed, r"quiet ssh \(sdw2\): .*practice host", "Silence banner"),
        (Fault.DATADIR_MODE, {"dbid": 8}, PrecheckFailed, r"data directory mode \(dbid 8 on sdw2\): .*755", "chmod"),
        (Fault.SSH_REFUSED, {"host": "sdw2"}, PrecheckFailed, r"host reachable \(sdw2\)", "gpmedic recover-to-spare"),
        (Fault.DISK_FULL, {"host": "sdw2"}, PrecheckFailed, r"disk space \(dbid 8 on sdw2\)", "room"),
    ],
    ids=["held lock", "stale lock", "wordy ssh", "open directory", "silent host", "full disk"],
)
def test_what_would_make_gprecoverseg_fail_in_silence_is_refused_before_anybody_is_asked(  # noqa: PLR0917
    fault: Fault,
    target: dict[str, str | int],
    refused: type[GpmedicError],
    said: str,
    advice: str,
    mirror_down: PracticeCluster,
) -> None:
    """T1, T22, T12, T26, T2, and the full disk of the field."""
    before = jobs_of(mirror_down)
    mirror_down.break_(fault, **target)
    try:
        with pytest.raises(refused, match=said) as error:
            attend(lambda: recover(mirror_down.name), nobody)
    finally:
        mirror_down.heal(fault, **target)
    assert re.search(advice, error.value.next_action), error.value.next_action
    assert jobs_of(mirror_down) == before


def test_a_former_primary_whose_marker_would_keep_pg_rewind_away_is_not_recovered(practice: PracticeCluster) -> None:
    """T14: gprecoverseg would start it as it is, with what it wrote after the roles had switched."""
    practice.break_(Fault.KILL_PRIMARY, content=3)
    former = practice.wait_until(lambda facts: facts.segment(5).status.value == "d").segment(5)
    before, marker = jobs_of(practice), Path(former.datadir) / "standby.signal"
    marker.touch()
    try:
        with pytest.raises(PrecheckFailed, match=r"pg_rewind will run \(dbid 5 .*pg_rewind will be skipped"):
            attend(lambda: recover(practice.name), nobody)
    finally:
        marker.unlink()
    assert jobs_of(practice) == before


@pytest.mark.chaos
def test_nothing_is_started_beside_a_copy_that_has_outlived_its_gprecoverseg(mirror_down: PracticeCluster) -> None:
    """T22: gprecoverseg was killed and somebody has removed its lock, but its pg_basebackup goes on."""
    before = jobs_of(mirror_down)
    mirror_down.break_(Fault.SLOW_RESYNC, seconds=25)
    kill_in_the_middle_of_a_copy(mirror_down, 8)
    mirror_down.heal(Fault.LOCK_STALE)
    with pytest.raises(PrecheckFailed, match=r"no orphan recovery process \(sdw2\): .*/mirror/gpseg0"):
        attend(lambda: recover(mirror_down.name), nobody)
    assert jobs_of(mirror_down) == before
    mirror_down.heal(Fault.SLOW_RESYNC)
    mirror_down.wait_until(lambda facts: facts.segment(8).mode is Mode.SYNCHRONIZED)


@pytest.mark.chaos
def test_roles_are_not_rebalanced_while_a_mirror_has_much_to_replay(practice: PracticeCluster) -> None:
    """The pair is in sync, but the promotion would outlast its time limit."""
    practice.break_(Fault.KILL_PRIMARY, content=4)
    practice.wait_until(lambda facts: facts.segment(6).status.value == "d")
    by_hand(practice, "gprecoverseg", "-a")
    mirror = practice.wait_until(in_sync).segment(6)
    before = jobs_of(practice, "rebalance")
    with policy(practice, "max_replay_lag_bytes = 1000"), replay_stopped(mirror):
        practice.write_rows(600)
        with pytest.raises(PrecheckFailed, match="of WAL to replay, 1000 B allowed"):
            attend(lambda: recover(practice.name), nobody)
    assert jobs_of(practice, "rebalance") == before


def in_sync(facts: Facts) -> bool:
    return all(s.status is Status.UP and s.mode is Mode.SYNCHRONIZED for s in facts.data_segments)


@contextmanager
def replay_stopped(mirror: SegmentFacts) -> Iterator[None]:
    """It receives WAL, and keeps it for later."""
    assert mirror.pid is not None
    (startup,) = [pid for pid in with_children(mirror.pid) if "startup" in command_of(pid)]
    os.kill(startup, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(startup, signal.SIGCONT)


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stopped_by_hand", [False, True])
def test_a_mirror_whose_wal_was_removed_is_copied_over_after_a_question_of_its_own(
    well: PracticeCluster, stopped_by_hand: bool
) -> None:
    """In the run whose incremental recovery has shown it, or, where nobody wants it then, in the next one."""
    break_mirror(well, 1)
    remove_wal_of_a_mirror(well.facts().segment(3))
    asked = list[Request]()

    def but_for_the_first_copy(request: Request) -> Answer:
        asked.append(request)
        no = stopped_by_hand and len(asked) == 2
        return Answer(decision="no", operator="anna", reason="not now") if no else yes(request)

    with policy(well, "settle_within = 5"):
        if stopped_by_hand:
            with pytest.raises(NotApproved):
                attend(lambda: recover(well.name), but_for_the_first_copy)
            well.control.call(Verb.STOP_SEGMENT, dbid=9)
        report = attend(lambda: recover(well.name), but_for_the_first_copy)
    assert report.outcome is Outcome.RECOVERED
    steps = ["recover", "recover-full", "recover-full"] if stopped_by_hand else ["recover", "recover-full"]
    assert [request.proposal.step for request in asked] == steps
    copy = asked[-1].proposal
    assert copy.dbids == (9,)
    assert "WAL that the mirror needs is no longer there (its log: could not receive data from WAL" in copy.effect
    assert "What still runs of dbid 9 waits in vain" in copy.effect


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_mirror_whose_wal_is_removed_while_it_catches_up_is_copied_over_too(well: PracticeCluster) -> None:
    break_mirror(well, 1)
    well.break_(Fault.SLOW_RESYNC, seconds=8)
    person, waits = Operator(), list[Progress]()

    def wal_is_removed(progress: Progress) -> None:
        if progress.phase is Phase.SYNCHRONIZE and not waits:
            waits.append(progress)
            well.control.call(Verb.STOP_SEGMENT, dbid=9)
            remove_wal_of_a_mirror(well.facts().segment(3))
            well.control.call(Verb.START_SEGMENT, dbid=9)

    try:
        with policy(well, "down_again_after = 1"), listening(wal_is_removed):
            report = attend(lambda: recover(well.name), person)
    finally:
        well.heal(Fault.SLOW_RESYNC)
    assert report.outcome is Outcome.RECOVERED
    assert person.steps == ["recover", "recover-full"]


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_the_others_do_not_wait_for_the_copy_over_a_mirror_whose_wal_was_removed(well: PracticeCluster) -> None:
    """Where it does not run: beside one that does nothing is begun."""
    break_mirror(well, 1)
    remove_wal_of_a_mirror(well.facts().segment(3))
    by_hand(well, "gprecoverseg", "-a")
    well.control.call(Verb.STOP_SEGMENT, dbid=9)
    break_mirror(well, 0)
    person = Operator()
    with policy(well, "settle_within = 5"):
        report = attend(lambda: recover(well.name), person)
    assert report.outcome is Outcome.RECOVERED
    assert [(r.proposal.step, r.proposal.dbids) for r in person.asked] == [("recover", (8, 9)), ("recover-full", (9,))]


def remove_wal_of_a_mirror(primary: SegmentFacts) -> None:
    """As where a slot was dropped and `max_slot_wal_keep_size` is small: what the mirror lacks is recycled."""
    session = psycopg2.connect(host=LOOPBACK, port=primary.port, user=USER, dbname="postgres")
    with contextlib.closing(session), session.cursor() as cursor:
        session.autocommit = True
        cursor.execute("ALTER SYSTEM SET wal_keep_size = 0")
        cursor.execute("SELECT pg_reload_conf()")
        for _ in range(4):
            cursor.execute("SELECT pg_create_restore_point('on and on'), pg_switch_wal()")
        cursor.execute(f"SELECT pg_replication_slot_advance('{SLOT}', pg_current_wal_lsn())")
        cursor.execute("CHECKPOINT")


@pytest.mark.chaos
def test_the_same_failure_a_second_time_is_a_new_job(mirror_down: PracticeCluster) -> None:
    before = jobs_of(mirror_down)
    assert recovered(mirror_down).outcome is Outcome.RECOVERED
    break_mirror(mirror_down, 0)
    assert recovered(mirror_down).outcome is Outcome.RECOVERED
    assert len(jobs_of(mirror_down)) == len(before) + 2


@pytest.mark.chaos
def test_a_mirror_goes_down_while_the_rebalance_is_asked_for_and_is_recovered_first(well: PracticeCluster) -> None:
    practice, asked, told = well, list[str](), list[Progress]()
    before = jobs_of(practice, "rebalance")
    practice.break_(Fault.KILL_PRIMARY, content=2)

    def slow_person(request: Request) -> Answer:
        asked.append(request.proposal.step)
        if asked == ["recover", "rebalance"]:
            break_mirror(practice, 1)
        return yes(request)

    with listening(told.append):
        report = attend(lambda: recover(practice.name), slow_person)
    assert report.outcome is Outcome.RECOVERED
    assert asked == ["recover", "rebalance", "recover", "rebalance"]
    assert len(jobs_of(practice, "rebalance")) == len(before) + 1
    assert any(re.search(r"cannot be rebalanced now .*down: dbid 9.* Looking anew", p.text) for p in told)
    assert [a.decision for a in report.approvals] == ["approved", "voided", "approved", "approved"]


def test_what_changes_between_an_answer_and_its_start_is_asked_for_anew(well: PracticeCluster) -> None:
    asked, before = list[Request](), jobs_of(well)
    break_mirror(well, 0)

    def second_mirror_dies(progress: Progress) -> None:
        if progress.text == "anna approved recover." and len(asked) == 1:
            break_mirror(well, 1)

    def person(request: Request) -> Answer:
        asked.append(request)
        return yes(request)

    with listening(second_mirror_dies):
        report = attend(lambda: recover(well.name), person)
    assert report.outcome is Outcome.RECOVERED
    assert [request.proposal.dbids for request in asked] == [(8,), (8, 9)]
    assert len(jobs_of(well)) == len(before) + 1


def test_a_new_plan_is_checked_before_it_is_asked_for_too(well: PracticeCluster) -> None:
    break_mirror(well, 0)
    asked, before = list[Request](), jobs_of(well)

    def person(request: Request) -> Answer:
        asked.append(request)
        break_mirror(well, 1)
        well.break_(Fault.DATADIR_MODE, dbid=9)
        return yes(request)

    try:
        with pytest.raises(PrecheckFailed, match=r"data directory mode \(dbid 9 .*would never start"):
            attend(lambda: recover(well.name), person)
    finally:
        well.heal(Fault.DATADIR_MODE, dbid=9)
    report = report_of(find_incident(LAST, well.name))
    assert (len(asked), jobs_of(well), report.outcome) == (1, before, Outcome.REFUSED)
    assert [a.decision for a in report.approvals] == ["voided"]
    assert any("dbid 9" in finding.detail for finding in report.found_later)


def test_a_yes_that_a_check_has_stopped_is_no_step_that_was_done(well: PracticeCluster) -> None:
    break_mirror(well, 0)
    before = jobs_of(well)

    def lock_is_left_over(progress: Progress) -> None:
        if progress.text == "anna approved recover.":
            well.break_(Fault.LOCK_STALE)

    try:
        with listening(lock_is_left_over), pytest.raises(PrecheckFailed, match="left over"):
            attend(lambda: recover(well.name), yes)
    finally:
        well.heal(Fault.LOCK_STALE)
    report = report_of(find_incident(LAST, well.name))
    assert (jobs_of(well), report.outcome) == (before, Outcome.REFUSED)
    assert [(a.decision, a.reason) for a in report.approvals] == [("voided", "it was not started")]
    assert [left.step.action for left in not_done(report)][:2] == [Action.RECOVER, Action.WAIT_FOR_SYNC]
