"""Both copies of a content are down: found, compared, restarted with an approval, recovered, and never made worse."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect import flow

from flows.attend import attend
from flows.health_check import health_check
from flows.journal import Journal
from flows.recover import recover
from flows.recover_full import copy_over
from gpmedic.access.restart import job_argv
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Role
from gpmedic.conditions import Condition
from gpmedic.copies import Current
from gpmedic.errors import NotApproved, PrecheckFailed, Unrecoverable, UnsafeState
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Answer as Said
from gpmedic.practice.facts import Facts, Release, SegmentFacts
from gpmedic.report import Outcome, RecoveryReport, report_text
from gpmedic.restart import RestartNotes
from gpmedic.ruled_out import RuledOut
from gpmedic.settings import ClusterSettings
from gpmedic.steps import Action, Disruption, Step
from tasks.approve import Answer, Approval, Request
from tasks.compare_copies import compare_again
from tasks.detect import look
from tasks.notify import Progress, listening
from tasks.precheck import Checked, clock
from tasks.restart import restart
from tests.artifacts import newest_page
from tests.registered import policy

every_generation = pytest.mark.parametrize(
    "practice", ["6", *(pytest.param(release, marks=pytest.mark.chaos) for release in ("4.3", "7"))], indirect=True
)
generation_6 = pytest.mark.parametrize("practice", ["6"], indirect=True)


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"double-{request.param.replace('.', '')}-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(name, request.param) as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


class Operator:
    """Says yes, and keeps what was asked, and the evidence that had been saved by then.

    Args:
        meanwhile: what happens to the cluster while the question stands.
    """

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.asked: list[Request] = []
        self.evidence: list[str] = []
        self._meanwhile = meanwhile

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        self.evidence.append(newest_page("evidence", request.proposal.cluster))
        self._meanwhile()
        return Answer(decision="yes", operator="anna")

    @property
    def steps(self) -> list[str]:
        return [request.proposal.step for request in self.asked]


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def recovered(cluster: PracticeCluster, operator: Operator) -> RecoveryReport:
    return attend(lambda: recover(cluster.name), operator)


def jobs_of(cluster: PracticeCluster, action: str) -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob(f"{action}-*"))


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@every_generation
def test_both_copies_down_are_compared_restarted_and_recovered_and_no_row_is_lost(practice: PracticeCluster) -> None:
    """On 6 and 7 pg_rewind fails too: a copy of that directory alone follows, on 7 differential, after its own yes."""
    practice.write_rows(120)
    before = practice.count_rows()
    rewinds = practice.release is not Release.V4_3
    if rewinds:
        practice.break_(Fault.REWIND_FAILS, dbid=3)
    practice.break_(Fault.KILL_BOTH, content=1)
    operator = Operator()
    report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    kind = "differential" if practice.release is Release.V7 else "full"
    assert operator.steps == (["restart", "recover", f"recover-{kind}", "rebalance"] if rewinds else ["restart"])
    current = Current.PRIMARY if rewinds else Current.EITHER
    assert "gpstop -a -M fast -t 600; gpstart -a -t 1800" in operator.asked[0].proposal.text
    assert f"current is {current.value}, because" in operator.asked[0].proposal.text
    assert "Copies of the contents that did not answer" in report_text(report)
    assert practice.count_rows() == before
    copies = [s for s in practice.facts().segments if s.content == 1]
    for request, evidence in zip(operator.asked, operator.evidence, strict=True):
        assert evidence.splitlines()[0].endswith(f"before the step {request.proposal.step}")
        for copy in copies:
            _, heading, part = evidence.partition(f"\n## dbid {copy.dbid} on {copy.hostname}\n")
            assert heading
            assert "Database cluster state" in part.partition("\n## ")[0]
    if rewinds:
        _, rewind, log = operator.evidence[2].partition("gpAdminLogs/pg_rewind.")
        assert rewind, "the log of the rewind that failed is kept before a full copy overwrites what it tells of"
        assert "pg_rewind: " in log.partition("\n## ")[0]
        overwritten = practice.facts().segment(3)
        full = operator.asked[2].proposal.text.replace("\\", "")
        assert f"OVERWRITES these directories with a {kind} copy: {overwritten.datadir} on sdw1 (dbid 3" in full
        assert "the incremental recovery of dbid 3 has failed" in full
        (job,) = jobs_of(practice, f"recover_{kind}")
        command = "gprecoverseg -a -F -i /" if kind == "full" else "gprecoverseg -a -i /"
        assert command in (job / "command").read_text()
        (file,) = (practice.folder / "hosts" / "mdw" / ".gpmedic").glob(f"{kind}-*.cfg")
        assert file.read_text().startswith("D|" if kind == "differential" else f"{overwritten.address}|")


@generation_6
def test_nothing_is_started_while_a_postmaster_is_left_or_a_host_does_not_answer(practice: PracticeCluster) -> None:
    settings = practice.settings
    cluster = look(settings).observation.cluster
    step = Step(Action.RESTART, ("true",), (), (), "", Disruption.INTERRUPTS, afterwards=("echo", "it", "starts"))
    shell_, c, text, name, stop, start, _, _, deadline, *hosts = job_argv(step, cluster)
    spare = ["sdw4", "must", "echo seen; echo end"]
    unneeded = [word.replace("must:", "may:") for word in hosts]
    at_once = ("0", "0", deadline)
    loses_it = f"sed -i.away s/ssh=normal/ssh=refused/ {practice.folder}/run/hosts/sdw4"
    with Shell.connect(settings.ssh) as shell:
        try:
            after = shell.run('exec "$@"', shell_, c, text, name, loses_it, start, *at_once, *hosts, *spare)
            before = shell.run('exec "$@"', shell_, c, text, name, stop, start, *at_once, *hosts, *spare)
        finally:
            practice.heal(Fault.SSH_REFUSED, host="sdw4")
        beside = shell.run('exec "$@"', shell_, c, text, name, stop, start, *at_once, *unneeded)
        assert hosts[0] == "mdw"
        said = shell.run(hosts[2]).stdout.splitlines()
    coordinator = practice.facts().coordinator
    running = f"{coordinator.pid} {coordinator.datadir}"
    assert (f"must {running}" in said, f"named {running}" in said, said[-2:]) == (True, True, ["seen", "end"])
    for done in (after, before):
        assert done.exit_code == 70
        assert "it starts" not in done.stdout.splitlines()
        assert "left: sdw4 does not answer" in done.stdout
    assert beside.exit_code == 0
    assert "it starts" in beside.stdout.splitlines()
    for segment in practice.facts().segments:
        running = f": postmaster {segment.pid} {segment.datadir} on {segment.hostname}\n"
        acting = segment.role is Role.PRIMARY
        assert (f"left{running}" in after.stdout) == acting, "the start can do without a mirror and the standby"
        assert f"beside{running}" in beside.stdout
    assert "stop: " not in before.stdout
    assert before.stdout.endswith("gpmedic-restart: not stopped\n")


def job_that(practice: PracticeCluster, stops: tuple[str, ...]) -> list[str]:
    """A restart's job that stops by this command and starts by `echo it starts`, up to its seconds and hosts."""
    step = Step(Action.RESTART, stops, (), (), "", Disruption.INTERRUPTS, afterwards=("echo", "it", "starts"))
    return list(job_argv(step, look(practice.settings).observation.cluster)[:6])


@generation_6
def test_a_disk_that_hangs_keeps_from_the_stop_and_once_it_is_stopped_not_from_the_start(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    """gpstop reads the pid file of every segment. What must end is looked at first, and that counts alone then."""
    settings = practice.settings
    hangs = tmp_path / "hangs"
    job = job_that(practice, stops=("touch", str(hangs)))
    hanging = ["sdw4", "may", f"echo seen; [ ! -e {hangs} ] || sleep 60; echo end"]
    silent = ["sdw4", "must", "sleep 60; echo seen; echo end"]
    with Shell.connect(settings.ssh) as shell:
        began = time.monotonic()
        done = shell.run('exec "$@"', *job, "0", "0", "2", *hanging)
        assert time.monotonic() - began < 30
        refused = [shell.run('exec "$@"', *job, "0", "0", "2", *host) for host in (hanging, silent)]
    assert done.exit_code == 0
    assert "it starts" in done.stdout.splitlines()
    assert "beside: sdw4 does not answer for a data directory: its disk hangs\n" in done.stdout
    assert "no postmaster is left" not in done.stdout
    reasons = ("does not answer for a data directory: its disk hangs", "does not answer: ")
    for one, why in zip(refused, reasons, strict=True):
        assert one.exit_code == 70
        assert one.stdout == f"gpmedic-restart: left: sdw4 {why}\ngpmedic-restart: not stopped\n"


@generation_6
@pytest.mark.parametrize(
    ("meanwhile", "starts"),
    [("must 12 /data/0\nnamed 12 /data/0\n", False), ("must 11 /data/0\nnamed 11 /data/0\nmust 12 /data/0\n", True)],
    ids=["another postmaster", "a child of the old one"],
)
def test_where_somebody_else_starts_the_database_the_job_starts_nothing_beside_it(
    practice: PracticeCluster, tmp_path: Path, meanwhile: str, starts: bool
) -> None:
    """A postmaster that was not there before the stop is no old one that has to end."""
    settings, there, then = practice.settings, tmp_path / "there", tmp_path / "then"
    there.write_text("must 11 /data/0\nnamed 11 /data/0\n")
    then.write_text(meanwhile)
    job = job_that(practice, stops=("mv", str(then), str(there)))
    # What is old ends after the first look that follows the stop; what somebody has started does not.
    asked = f"cat {there}; [ -e {then} ] || ! grep -q 11 {there} || : >{there}; echo seen; echo end"
    with Shell.connect(settings.ssh) as shell:
        done = shell.run('exec "$@"', *job, "60", "0", "10", "sdw4", "must", asked)
    assert ("it starts" in done.stdout.splitlines()) == starts
    assert done.exit_code == (0 if starts else 70)
    if not starts:
        assert done.stdout.endswith(
            "gpmedic-restart: foreign: postmaster 12 /data/0 on sdw4\ngpmedic-restart: not started\n"
        )


@pytest.mark.chaos
@generation_6
def test_a_restart_whose_run_was_killed_is_adopted_and_runs_once(
    practice: PracticeCluster, prefect_server: str
) -> None:
    practice.break_(Fault.KILL_BOTH, content=2)
    before = len(jobs_of(practice, "restart"))
    script = textwrap.dedent(f"""
        from flows.attend import attend
        from flows.recover import recover
        from tasks.approve import Answer
        attend(lambda: recover({practice.name!r}), lambda _: Answer(decision="yes", operator="anna"))
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PREFECT_API_URL": prefect_server, "PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(jobs_of(practice, "restart")) > before, "no restart was started")
        job = max(jobs_of(practice, "restart"), key=lambda folder: folder.stat().st_mtime)
        until(lambda: (job / "pids").exists() and "stop ended with" in (job / "out").read_text(), "nothing was stopped")
        pid = int((job / "pids").read_text().split()[2])
        os.kill(pid, signal.SIGSTOP)
    finally:
        run.kill()
        run.wait()
    assert practice.facts().coordinator.pid is None, "the database is stopped, and nobody is there to start it"
    (found,) = health_check(practice.name).diagnosis.findings
    assert found.condition is Condition.COORDINATOR_RESTARTING, "a standby that is activated now would be a second one"
    assert job.name in found.detail

    def let_go_when_adopted(progress: Progress) -> None:
        if "started by an earlier run" in progress.text:
            os.kill(pid, signal.SIGCONT)

    operator = Operator()
    with listening(let_go_when_adopted):
        report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == ["recover", "rebalance"]
    assert len(jobs_of(practice, "restart")) == before + 1


@pytest.mark.chaos
@generation_6
def test_a_standby_whose_host_is_silent_is_left_out_of_the_start_that_it_would_prevent(
    practice: PracticeCluster,
) -> None:
    """T13: gpstart -a starts nothing then. The standby comes after the segments, and its host has to answer first."""
    practice.break_(Fault.HOST_DOWN, host="smdw")
    practice.break_(Fault.KILL_BOTH, content=3)
    operator = Operator()
    try:
        with pytest.raises(PrecheckFailed, match=r"host reachable \(smdw\)"):
            recovered(practice, operator)
    finally:
        practice.heal(Fault.HOST_DOWN, host="smdw")
        practice.heal(Fault.KILL_STANDBY)
    assert operator.steps[0] == "restart"
    assert "gpstop -a -M fast -t 600; gpstart -a -y -S -t 1800" in operator.asked[0].proposal.text
    facts = practice.facts()
    assert all(s.status.value == "u" and s.in_preferred_role for s in facts.data_segments)


@pytest.mark.chaos
@pytest.mark.parametrize("practice", ["4.3"], indirect=True)
def test_on_4_3_nothing_is_stopped_while_any_host_is_missing_for_its_start_would_not_come_back(
    practice: PracticeCluster,
) -> None:
    """T32: not even a host that the start could do without."""
    practice.break_(Fault.KILL_BOTH, content=5)
    before = practice.facts().coordinator.pid
    practice.break_(Fault.SSH_REFUSED, host="smdw")
    try:
        with pytest.raises(PrecheckFailed, match=r"host reachable \(smdw\)"):
            attend(lambda: recover(practice.name), nobody)
    finally:
        practice.heal(Fault.SSH_REFUSED, host="smdw")
    assert practice.facts().coordinator.pid == before
    assert recovered(practice, Operator()).outcome is Outcome.RECOVERED


@flow
def copying_fully(settings: ClusterSettings, mirror: RuledOut) -> None:
    copy_over(settings, Journal(cluster_name=settings.name), [mirror])


@flow
def restarting(settings: ClusterSettings, approval: Approval, checked: Checked, notes: RestartNotes) -> None:
    restart(settings, approval, checked, notes)


@pytest.mark.chaos
@pytest.mark.timeout(300)
@every_generation
def test_unless_a_copy_is_proven_current_nothing_is_touched_and_nobody_is_asked(practice: PracticeCluster) -> None:
    """One content, of which first one copy dies and then the other; whatever is refused leaves it as it is."""
    practice.break_(Fault.KILL_PRIMARY, content=4)
    mirror, primary = one_copy_left(practice, 4)
    before = jobs_of(practice, "*")

    failed = RuledOut(mirror.dbid, frozenset({RecoveryType.INCREMENTAL}), "pg_rewind failed")
    with control_file(mirror, of_another_system), pytest.raises(UnsafeState, match="might overwrite the newer copy"):
        attend(lambda: copying_fully(practice.settings, failed), nobody)

    practice.break_(Fault.KILL_PRIMARY, content=4)
    with control_file(primary, damaged), pytest.raises(UnsafeState, match=r"acting primary could not be read.*Nothing"):
        attend(lambda: recover(practice.name), nobody)

    slow = Operator(meanwhile=lambda: damage(primary))
    with control_file(primary, lambda whole: whole), pytest.raises(UnsafeState, match="acting primary could not be"):
        recovered(practice, slow)
    assert slow.steps == ["restart"]

    require_a_new_approval_after_an_hour(practice.settings)

    with no_directories(mirror, primary), pytest.raises(Unrecoverable, match="Every copy of content 4 is lost") as lost:
        attend(lambda: recover(practice.name), nobody)
    page = newest_page("handoff", practice.name).replace("\\", "")
    assert "every copy of content 4 is lost" in page
    for copy in (mirror, primary):
        assert copy.datadir in lost.value.message
        assert f"| 4 | {copy.dbid} | {copy.hostname} | {copy.datadir} |" in page
        assert f"| 4 | {copy.dbid} | none: it was so since it was made" in page
    assert "newest complete backup" in page
    assert jobs_of(practice, "*") == before, "nothing was started by any of it"
    assert recovered(practice, Operator()).outcome is Outcome.RECOVERED


@pytest.mark.chaos
@pytest.mark.parametrize("practice", ["7"], indirect=True)
def test_a_differential_recovery_is_refused_where_the_mirror_may_be_the_newer_copy_and_works_where_it_is_not(
    practice: PracticeCluster,
) -> None:
    """As where the volume of the acting primary came back from an older snapshot: no timeline tells of that."""
    practice.break_(Fault.KILL_MIRROR, content=0)
    mirror, _ = one_copy_left(practice, 0)
    before = jobs_of(practice, "*")
    with policy(practice, 'recovery_type = "differential"'):
        refused = pytest.raises(
            PrecheckFailed, match="it may be the newer copy: the acting mirror has a later checkpoint"
        )
        with control_file(mirror, with_a_later_checkpoint), refused:
            attend(lambda: recover(practice.name), nobody)
        assert jobs_of(practice, "*") == before
        operator = Operator()
        assert recovered(practice, operator).outcome is Outcome.RECOVERED
    assert "gprecoverseg -a --differential" in operator.asked[0].proposal.text


def require_a_new_approval_after_an_hour(settings: ClusterSettings) -> None:
    """What was approved rests on a comparison with other findings than those of the moment before the command."""
    seen = look(settings)
    with Shell.connect(settings.ssh) as shell:
        now = compare_again(settings, shell, seen)
    (comparison,) = now.comparisons
    assert comparison.primary.data is not None
    other = replace(comparison.primary, data=replace(comparison.primary.data, checkpoint="0/1"))
    then = replace(now, comparisons=(replace(comparison, primary=other),))
    plan = seen.plan(settings, restart=then)
    approval = Approval(
        step="restart",
        fingerprint=plan.fingerprint,
        argv=(),
        dbids=(),
        operator="anna",
        reason="",
        decided_at=datetime.now(UTC),
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    old = Checked((), plan.fingerprint, clock() - 3600)
    with pytest.raises(NotApproved, match="Nothing was started"):
        restarting(settings, approval, old, then)


def one_copy_left(practice: PracticeCluster, content: int) -> tuple[SegmentFacts, SegmentFacts]:
    """The mirror, which is down, and the acting primary, once it serves."""

    def pair(facts: Facts) -> list[SegmentFacts]:
        return sorted((s for s in facts.segments if s.content == content), key=lambda s: s.status.value)

    facts = practice.wait_until(
        lambda facts: [s.status.value for s in pair(facts)] == ["d", "u"] and pair(facts)[1].answer is Said.ACCEPTS
    )
    mirror, primary = pair(facts)
    return mirror, primary


@contextmanager
def control_file(copy: SegmentFacts, changed: Callable[[bytes], bytes]) -> Iterator[None]:
    path = Path(copy.datadir) / "global" / "pg_control"
    whole = path.read_bytes()
    path.write_bytes(changed(whole))
    try:
        yield
    finally:
        path.write_bytes(whole)


def damaged(whole: bytes) -> bytes:
    return whole[:9] + bytes([whole[9] ^ 1]) + whole[10:]


def damage(copy: SegmentFacts) -> None:
    path = Path(copy.datadir) / "global" / "pg_control"
    path.write_bytes(damaged(path.read_bytes()))


def of_another_system(whole: bytes) -> bytes:
    """With another system identifier, which stands first."""
    return with_its_checksum(bytes([whole[0] ^ 1]) + whole[1:], whole)


def with_a_later_checkpoint(whole: bytes) -> bytes:
    """By 4 GiB of WAL; its location stands after the identifier, two versions, the state and a time."""
    later = int.from_bytes(whole[32:40], sys.byteorder) + (1 << 32)
    return with_its_checksum(whole[:32] + later.to_bytes(8, sys.byteorder) + whole[40:], whole)


def with_its_checksum(changed: bytes, whole: bytes) -> bytes:
    end = next(n for n in range(8, 512, 4) if whole[n : n + 4] == crc32c(whole[:n]))
    return changed[:end] + crc32c(changed[:end]) + whole[end + 4 :]


def crc32c(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, sys.byteorder)


@contextmanager
def no_directories(*copies: SegmentFacts) -> Iterator[None]:
    for copy in copies:
        Path(copy.datadir).rename(f"{copy.datadir}.away")
    try:
        yield
    finally:
        for copy in copies:
            Path(f"{copy.datadir}.away").rename(copy.datadir)
