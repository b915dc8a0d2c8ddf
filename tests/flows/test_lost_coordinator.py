"""A coordinator that does not answer ends the run with a page of advice and its proof; nothing is activated."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect import flow

from flows.health_check import health_check
from flows.journal import Journal
from flows.page import first_look
from flows.recover import recover
from gpmedic.access.job import JobState, launch, status
from gpmedic.access.lost_coordinator import try_coordinator
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.conditions import Condition
from gpmedic.errors import AccessRefused, BeingRestarted, HostUnreachable
from gpmedic.lost_coordinator import LostCoordinator, Verdict, judge
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.restart_job import MOST_TAKE, RestartAtWork
from gpmedic.settings import ClusterSettings
from tasks.adopt import at_work
from tasks.advise import last_standby
from tasks.detect import Seen
from tasks.notify import Progress, listening
from tests.artifacts import newest_page
from tests.jobs import until


@pytest.fixture(scope="module", params=["6", *(pytest.param(g, marks=pytest.mark.chaos) for g in ("4.3", "7"))])
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"lost-{os.getpid()}-{request.param.replace('.', '')}"
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(name, request.param) as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


def looked(cluster: PracticeCluster) -> tuple[LostCoordinator, str]:
    lost = try_coordinator(cluster.settings, last_standby(cluster.name))
    return lost, "\n".join(f"{t.what}: {t.answer}" for t in lost.tried)


def test_recover_ends_with_the_proof_the_commands_and_the_warning(practice: PracticeCluster) -> None:
    until(lambda: health_check(practice.name).healthy, "its standby does not follow")
    standby = practice.facts().standby
    assert standby is not None
    practice.break_(Fault.KILL_COORDINATOR)
    with pytest.raises(HostUnreachable):
        recover(practice.name)
    page = newest_page("coordinator", practice.name)
    assert Verdict.DEAD.value in page.splitlines()[0]
    assert f"gpactivatestandby -d {standby.datadir}" in page
    assert "Two coordinators that write" in page
    assert "its postmaster lives, pid" in page
    assert page in newest_page("recovery", practice.name)
    assert practice.facts().standby == standby, "nothing was activated"

    practice.break_(Fault.SSH_REFUSED, host="mdw")
    lost, said = looked(practice)
    assert lost.verdict is Verdict.UNKNOWN
    assert "not asked" in said
    practice.heal(Fault.SSH_REFUSED, host="mdw")
    practice.break_(Fault.KILL_STANDBY)
    assert "its postmaster has died" in looked(practice)[1]
    practice.heal(Fault.KILL_COORDINATOR)
    assert looked(practice)[0].verdict is Verdict.ALIVE
    practice.heal(Fault.KILL_STANDBY)


@contextmanager
def restart_of(name: str, cluster: PracticeCluster) -> Iterator[tuple[str, Path]]:
    """A job like that of a restart in whose middle the coordinator is stopped; its key, and the file that ends it."""
    key, end = f"restart-{name}-0123456789abcdef-20260102-030405", cluster.folder / "hosts" / "mdw" / f"{name}.end"
    waits = ("sh", "-c", f"echo it waits; until [ -e {end} ]; do sleep 0.1; done")
    with Shell.connect(cluster.settings.ssh) as shell:
        launch(shell, key, waits, "", cluster.settings.greenplum.coordinator_data_directory)
        try:
            yield key, end
        finally:
            end.touch()
            until(lambda: status(shell, key).state is JobState.DONE, "the job did not end")


@contextmanager
def stopped(cluster: PracticeCluster) -> Iterator[None]:
    cluster.break_(Fault.KILL_COORDINATOR)
    try:
        yield
    finally:
        cluster.heal(Fault.KILL_COORDINATOR)


def test_while_a_restart_of_gpmedic_is_at_work_nobody_is_told_to_start_or_to_activate_anything(
    practice: PracticeCluster,
) -> None:
    """Under whatever name of the cluster it was started."""
    with stopped(practice):
        with restart_of("another-name", practice) as (key, _):
            for diagnosis in (health_check(practice.name).diagnosis, observe(practice.settings).diagnosis):
                (finding,) = diagnosis.findings
                assert finding.condition is Condition.COORDINATOR_RESTARTING, "and gpmedic status says the same"
                assert f"job {key}" in finding.detail
            with pytest.raises(BeingRestarted):
                recover(practice.name)
            # Also where its host answers only now: whoever advises asks for himself.
            lost, said = looked(practice)
            assert lost.verdict is Verdict.RESTARTING
            assert f"job {key}" in said
            for kind in ("health", "recovery", "coordinator"):
                page = newest_page(kind, practice.name).replace("\\", "")
                assert key in page
                assert "Start and activate nothing" in page
                assert "gpstart" not in page
                assert "gpactivatestandby" not in page
        assert looked(practice)[0].verdict is Verdict.DEAD, "what is stopped when it has ended, it has not stopped"
        assert health_check(practice.name).diagnosis.having(Condition.COORDINATOR_UNREACHABLE)


def test_a_restart_that_does_not_end_hides_no_coordinator_that_is_down(practice: PracticeCluster) -> None:
    with stopped(practice), restart_of("hangs", practice) as (key, _):
        start = practice.folder / "hosts" / "mdw" / ".gpmedic" / "jobs" / key / "start"
        boot, began, host = start.read_text().split()
        start.write_text(f"{boot} {int(began) - MOST_TAKE - 60} {host}\n")
        (finding,) = health_check(practice.name).diagnosis.findings
        assert finding.condition is Condition.COORDINATOR_UNREACHABLE
        assert f"job {key}) has been at work on 127.0.0.1 for 1 h" in finding.detail
        assert 'The last that it said: "it waits"' in finding.detail
        with pytest.raises(HostUnreachable, match="has been at work"):
            recover(practice.name)
        lost, said = looked(practice)
        assert lost.verdict is Verdict.RESTART_OVERDUE
        assert f"job {key}" in said
        page = newest_page("coordinator", practice.name).replace("\\", "")
        assert "never activate the standby before that host is powered off" in page
        assert "To fail over to the standby, by hand" in page


@flow
def looking(settings: ClusterSettings, running: tuple[str, ...]) -> tuple[bool, Seen]:
    journal = Journal(cluster_name=settings.name)
    seen = first_look(settings, journal, running)
    return journal.adopted, seen


def test_a_restart_that_was_not_found_because_its_host_did_not_answer_is_adopted_when_it_does(
    practice: PracticeCluster,
) -> None:
    with stopped(practice), restart_of(practice.name, practice) as (key, end):
        practice.break_(Fault.SSH_REFUSED, host="mdw")
        found = at_work(practice.settings)
        practice.heal(Fault.SSH_REFUSED, host="mdw")
        assert found == ()

        def start_when_adopted(progress: Progress) -> None:
            if f"started by an earlier run (job {key})" in progress.text:
                practice.heal(Fault.KILL_COORDINATOR)
                end.touch()

        with listening(start_when_adopted):
            adopted, seen = looking(practice.settings, found)
        assert adopted
        assert seen.diagnosis.cluster is not None


def test_where_the_host_answers_what_it_says_of_its_jobs_is_not_taken_for_silence(practice: PracticeCluster) -> None:
    refused = practice.settings.ssh.model_copy(update={"user": "nobody-of-that-name"})
    with pytest.raises(AccessRefused):
        at_work(practice.settings.model_copy(update={"ssh": refused}))


@pytest.mark.parametrize(
    ("restart", "listens", "asked", "lives", "verdict"),
    [
        (None, False, True, False, Verdict.DEAD),
        (None, False, True, True, Verdict.ALIVE),
        (None, True, True, False, Verdict.ALIVE),
        (None, True, False, False, Verdict.ALIVE),
        (None, False, False, False, Verdict.UNKNOWN),
        (RestartAtWork("mdw", "restart-1", MOST_TAKE), False, True, False, Verdict.RESTARTING),
        (RestartAtWork("mdw", "restart-1", 60), True, True, True, Verdict.RESTARTING),
        (RestartAtWork("mdw", "restart-1", MOST_TAKE + 1), True, True, True, Verdict.RESTART_OVERDUE),
        (RestartAtWork("mdw", "restart-1", MOST_TAKE + 1), False, True, False, Verdict.RESTART_OVERDUE),
    ],
)
def test_only_a_host_that_was_asked_and_restarts_nothing_proves_a_death(
    restart: RestartAtWork | None, listens: bool, asked: bool, lives: bool, verdict: Verdict
) -> None:
    assert judge(restart, listens=listens, asked=asked, postmaster_lives=lives) is verdict
