"""A primary without mirror is dead: its host is waited for, the database restarted with an approval, and proven."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import PrecheckFailed
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import Control, Verb
from gpmedic.practice.facts import Answer as Said
from gpmedic.practice.layout import Mirrors
from gpmedic.report import Outcome
from gpmedic.settings import ClusterSettings
from tasks.await_hosts import await_hosts
from tasks.detect import look
from tasks.notify import Level, Progress, listening
from tests.people import Operator

others_when_there_is_time = pytest.mark.parametrize(
    "practice",
    ["6", *(pytest.param(release, marks=pytest.mark.chaos) for release in ("4.3", "7"))],
    indirect=True,
)
generation_6 = pytest.mark.parametrize("practice", ["6"], indirect=True)


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"single-{request.param.replace('.', '')}-{os.getpid()}"
    with (
        pytest.MonkeyPatch.context() as patch,
        PracticeCluster(name, request.param, mirrors=Mirrors.NO) as cluster,
    ):
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


@flow
def waiting(settings: ClusterSettings) -> bool:
    return await_hosts(settings, look(settings))


@others_when_there_is_time
def test_a_dead_primary_without_mirror_is_brought_back_by_one_approved_restart(practice: PracticeCluster) -> None:
    practice.write_rows(60)
    before = practice.count_rows()
    practice.break_(Fault.KILL_PRIMARY, content=1)
    operator = Operator()
    report = attend(lambda: recover(practice.name), operator)
    assert report.outcome is Outcome.RECOVERED
    assert [r.proposal.step for r in operator.asked] == ["restart"]
    assert "gpstop -a -M fast -t 600; gpstart -a -t 1800" in operator.asked[0].proposal.text
    assert "gpstate -s shows every segment online" in {p.detail for p in report.proofs}
    assert practice.count_rows() == before


@generation_6
def test_a_primary_that_could_not_start_keeps_the_database_from_being_stopped(practice: PracticeCluster) -> None:
    """T28 and T26: gpstop -ar would leave all of it stopped."""
    practice.break_(Fault.KILL_PRIMARY, content=2)
    practice.break_(Fault.DATADIR_MODE, dbid=4)
    running = practice.facts().coordinator.pid
    operator = Operator()
    try:
        with pytest.raises(PrecheckFailed, match=r"data directory mode \(dbid 4 .*755.*Nothing was touched"):
            attend(lambda: recover(practice.name), operator)
    finally:
        practice.heal(Fault.DATADIR_MODE, dbid=4)
        practice.control.call(Verb.START_SEGMENT, dbid=4)
    assert operator.asked == []
    assert practice.facts().coordinator.pid == running


@generation_6
def test_a_primary_that_is_starting_up_is_waited_for_and_nobody_is_asked(practice: PracticeCluster) -> None:
    """A second recovery would only do harm: it replays WAL, here from an archive that has its time."""
    practice.break_(Fault.KILL_PRIMARY, content=0)
    starting, operator = practice.facts().segment(2), Operator()
    answers = Path(starting.datadir) / "archive.answers"
    slow_archive(Path(starting.datadir), answers)
    began = threading.Thread(target=start_segment, args=(practice, 2))
    began.start()
    practice.wait_until(lambda facts: facts.segment(2).answer is Said.STARTING)

    def let_it_start(progress: Progress) -> None:
        if "Primary starting" in progress.text:
            answers.touch()

    with listening(let_it_start):
        report = attend(lambda: recover(practice.name), operator)
    began.join(60)
    assert (report.outcome, operator.asked) == (Outcome.RECOVERED, [])


def slow_archive(datadir: Path, answers: Path) -> None:
    """The next start of this server asks an archive, which says that it has nothing when that file is there."""
    with (datadir / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'until [ -e {answers} ]; do sleep 0.1; done; false'\n")
    (datadir / "recovery.signal").touch()


def start_segment(practice: PracticeCluster, dbid: int) -> None:
    with Control.connect(practice.folder) as control:
        control.call(Verb.START_SEGMENT, dbid=dbid)


@pytest.mark.chaos
@others_when_there_is_time
def test_a_lost_host_is_waited_for_with_a_deadline_and_a_reminder_before_anybody_is_asked(
    practice: PracticeCluster,
) -> None:
    practice.break_(Fault.HOST_DOWN, host="sdw2")
    impatient = practice.settings.policy.model_copy(update={"host_deadline": 1})
    with pytest.raises(PrecheckFailed, match=r"still no answer from sdw2.*Nothing was touched"):
        waiting(practice.settings.model_copy(update={"policy": impatient}))
    told, operator = list[Progress](), Operator()

    def power_on(progress: Progress) -> None:
        told.append(progress)
        if progress.level is Level.WARNING and "Waiting for sdw2" in progress.text:
            threading.Thread(target=lambda: practice.heal(Fault.HOST_DOWN, host="sdw2")).start()

    with listening(power_on):
        report = attend(lambda: recover(practice.name), operator)
    assert report.outcome is Outcome.RECOVERED
    assert [r.proposal.step for r in operator.asked] == ["restart"]
    assert any("every host answers again" in p.text for p in told)
