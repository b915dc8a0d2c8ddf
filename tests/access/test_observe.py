"""What is seen of a cluster: practice clusters with real servers, real SSH and real shells."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from flows.local_server import free_port
from gpmedic.access import probe
from gpmedic.access.environment import prelude
from gpmedic.access.facts import gather
from gpmedic.access.facts_spare import look_at_spare
from gpmedic.access.freshness import Freshness
from gpmedic.access.observe import Observation, observe
from gpmedic.access.probe import probe_all
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Role
from gpmedic.conditions import Condition
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable
from gpmedic.host_facts import HostFacts, PidState
from gpmedic.practice.fault import Fault
from gpmedic.practice.hosts import STATE_FOLDER
from gpmedic.practice.practice_cluster import PracticeCluster
from gpmedic.practice.sshd import SshHost
from gpmedic.probe import ProbeState
from gpmedic.settings import ClusterSettings
from tests.postgres_server import PostgresServer

from .conftest import COORDINATOR_HOST, SYSTEM_PATH, Lab, alive, make_lab


def start(generation: str) -> PracticeCluster:
    return PracticeCluster(f"a{os.getpid()}-{uuid.uuid4().hex[:8]}", generation)


@pytest.fixture
def six(healthy_six: PracticeCluster) -> Iterator[PracticeCluster]:
    yield healthy_six
    healthy_six.heal()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@cache
def rows_of(cluster: PracticeCluster) -> Cluster:
    """As they were when they were first asked for: hosts and directories stay what they are."""
    return observe(cluster.settings).cluster


def facts_of(cluster: PracticeCluster) -> dict[str, HostFacts]:
    with Shell.connect(cluster.settings.ssh) as shell:
        return {facts.host: facts for facts in gather(cluster.settings, shell, rows_of(cluster))}


def test_a_healthy_cluster_is_seen_whole(six: PracticeCluster) -> None:
    seen = observe(six.settings)
    assert seen.diagnosis.healthy
    assert seen.name == six.name
    assert len(seen.cluster.segments) == 14
    assert {probe.dbid for probe in seen.probes} == {2, 3, 4, 5, 6, 7}
    assert {probe.state for probe in seen.probes} == {ProbeState.ANSWERS}
    assert seen.cluster.replication is not None
    assert {"-F", "-i", "-o", "-r"} <= seen.capabilities.recover_options
    assert "datadir" in seen.capabilities.columns


def test_a_cluster_of_the_filerep_generation_is_seen_whole_too() -> None:
    with start("4.3") as cluster:
        seen = observe(cluster.settings)
        assert seen.diagnosis.healthy
        assert len(seen.cluster.segments) == 14
        assert {probe.state for probe in seen.probes} == {ProbeState.ANSWERS}
        assert seen.cluster.replication is None
        assert all(segment.replication_port for segment in seen.cluster.segments if segment.content >= 0)
        assert seen.cluster.standby_look is not None
        assert seen.cluster.standby_look.follows

        cluster.break_(Fault.KILL_STANDBY)
        dead = observe(cluster.settings)
        assert [finding.condition for finding in dead.diagnosis.findings] == [Condition.STANDBY_DOWN]
        assert "gpstate -f says" in dead.diagnosis.findings[0].detail


def test_dead_servers_are_seen_by_probes_facts_and_history() -> None:
    with start("6") as cluster:
        cluster.break_(Fault.KILL_PRIMARY, content=0)
        failed_over = observe(cluster.settings)
        assert failed_over.diagnosis.having(Condition.FAILED_OVER) is not None
        assert any(line.dbid == 2 for line in failed_over.history)
        assert facts_of(cluster)["sdw1"].directories[0].postmaster is PidState.STALE

        # One that hangs has a postmaster: it is no half of a double fault before that is gone.
        acting = failed_over.cluster.segment(8)
        pid = int((Path(acting.datadir) / "postmaster.pid").read_text().split()[0])
        # gp_stat_replication asks every primary, and would wait for this one as long as it may.
        database = cluster.settings.database.model_copy(update={"statement_timeout": 2})
        impatient = cluster.settings.model_copy(update={"database": database})
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(probe, "DEADLINE", 2)
                hanging = observe(impatient, Freshness.AS_IT_IS).diagnosis
        finally:
            os.kill(pid, signal.SIGCONT)
        assert hanging.having(Condition.DOUBLE_FAULT) is None
        found = hanging.having(Condition.PRIMARY_HANGS)
        assert found is not None
        assert 0 in found.contents
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid))
        dead = observe(cluster.settings, Freshness.AS_IT_IS).diagnosis.having(Condition.DOUBLE_FAULT)
        assert dead is not None
        assert dead.contents == (0,)

        # Both copies of content 1 die: the catalog goes on saying that one serves, whichever FTS has met last (T5).
        cluster.break_(Fault.KILL_BOTH, content=1)
        double = observe(cluster.settings, Freshness.AS_IT_IS)
        assert {p.dbid: p.state for p in double.probes if not p.state.alive}.keys() == {2, 3, 8, 9}
        assert double.diagnosis.having(Condition.DOUBLE_FAULT) is not None
        assert [pair.primary.is_up for pair in double.cluster.pairs if pair.content == 1] == [True]

        cluster.break_(Fault.KILL_COORDINATOR)
        gone = observe(cluster.settings)
        assert [finding.condition for finding in gone.diagnosis.findings] == [Condition.COORDINATOR_UNREACHABLE]
        assert "the coordinator has died, pid" in gone.diagnosis.findings[0].detail
        with pytest.raises(HostUnreachable, match="refuses connections"):
            _ = gone.cluster


def test_the_facts_of_healthy_hosts_are_complete(six: PracticeCluster) -> None:
    facts = facts_of(six)
    assert list(facts) == ["mdw", "sdw1", "sdw2", "sdw3", "smdw"]
    for host in facts.values():
        assert (host.reachable, host.noise, host.clock_skew) == (True, "", 0.0)
        assert "Greenplum Database" in host.version
        for directory in host.directories:
            assert (directory.exists, directory.writable, directory.mode) == (True, True, 0o700)
            assert directory.free_percent is not None
            assert 0 <= directory.free_percent <= 100
            assert directory.postmaster is PidState.ALIVE
            assert directory.orphans == ()
    assert (facts["mdw"].locks, facts["mdw"].utilities) == ((), ())
    by_path = {d.path: d for host in facts.values() for d in host.directories}
    states = {s.role: by_path[s.datadir].cluster_state for s in observe(six.settings).cluster.segments}
    assert states == {Role.PRIMARY: "", Role.MIRROR: "in archive recovery"}
    mirror = facts["sdw2"].directory(six.settings.greenplum.coordinator_data_directory)
    assert mirror is None


def test_the_packages_of_gppkg_are_read_from_its_archive_on_every_host_and_on_a_spare(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    archive = Path(six.settings.greenplum.home) / "share/packages/archive"

    def seen() -> list[frozenset[str] | None]:
        with Shell.connect(six.settings.ssh) as shell:
            spare = look_at_spare(six.settings, shell, cluster, "sdw4", {})
            return [facts.packages for facts in gather(six.settings, shell, cluster)] + [spare.packages]

    assert set(seen()) == {None}
    archive.mkdir(parents=True)
    try:
        assert set(seen()) == {frozenset()}
        for name in ("plr-2.3.gppkg", "postgis-2.5.gppkg", "README"):
            (archive / name).touch()
        assert set(seen()) == {frozenset({"plr-2.3.gppkg", "postgis-2.5.gppkg"})}
    finally:
        shutil.rmtree(archive.parents[1])


def test_two_names_of_one_machine_are_seen_to_be_one(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    sources: dict[int, Sequence[str]] = {0: (), 2: ()}  # their acting primaries run on sdw1 and sdw2
    state = six.folder / STATE_FOLDER / "sdw4"
    before = state.read_text()

    def seen() -> frozenset[str]:
        with Shell.connect(six.settings.ssh) as shell:
            return look_at_spare(six.settings, shell, cluster, "sdw4", sources).same_machine

    assert seen() == frozenset()
    state.write_text(f"{before}machine=sdw2\n")
    try:
        assert seen() == {"sdw2"}
    finally:
        state.write_text(before)


def test_a_host_that_is_down_is_a_fact_and_no_error(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    six.break_(Fault.SSH_REFUSED, host="sdw3")
    with Shell.connect(six.settings.ssh) as shell:
        facts = {host.host: host for host in gather(six.settings, shell, cluster)}
    assert (facts["sdw3"].reachable, facts["sdw1"].reachable) == (False, True)
    assert "Connection refused" in facts["sdw3"].detail
    assert "it answers ping" in facts["sdw3"].detail


def test_half_of_an_answer_is_no_answer(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    six.break_(Fault.SSH_CUT, host="sdw2")
    with Shell.connect(six.settings.ssh) as shell:
        facts = {host.host: host for host in gather(six.settings, shell, cluster)}
    assert facts["sdw2"].reachable is False


def test_a_banner_is_reported_and_does_not_corrupt_the_facts(six: PracticeCluster) -> None:
    six.break_(Fault.SSH_BANNER, host="sdw1")
    facts = facts_of(six)["sdw1"]
    assert "You have mail." in facts.noise
    assert facts.reachable
    assert "Greenplum Database" in facts.version
    assert [d.postmaster for d in facts.directories] == [PidState.ALIVE] * 4


@pytest.mark.parametrize(("fault", "state"), [(Fault.LOCK_HELD, PidState.ALIVE), (Fault.LOCK_STALE, PidState.STALE)])
def test_the_lock_of_gprecoverseg_is_found_held_or_stale(six: PracticeCluster, fault: Fault, state: PidState) -> None:
    six.break_(fault)
    (found,) = facts_of(six)["mdw"].locks
    assert (found.utility, found.state) == ("gprecoverseg", state)
    assert found.path.endswith("/gprecoverseg.lock")


def test_a_file_of_gpexpand_that_keeps_gpstart_from_starting_is_found(six: PracticeCluster) -> None:
    path = Path(six.settings.greenplum.coordinator_data_directory) / "gpexpand.status"
    assert facts_of(six)["mdw"].unfinished_expansion == ""
    path.touch()
    try:
        assert facts_of(six)["mdw"].unfinished_expansion == str(path)
    finally:
        path.unlink()


@pytest.mark.parametrize(("content", "state"), [("", PidState.UNREADABLE), ("x y", PidState.UNREADABLE)])
def test_a_lock_without_a_process_number_is_unreadable(six: PracticeCluster, content: str, state: PidState) -> None:
    path = Path(six.settings.greenplum.coordinator_data_directory) / "gpexpand.pid"
    path.write_text(content)
    try:
        (found,) = facts_of(six)["mdw"].locks
    finally:
        path.unlink()
    assert (found.utility, found.state, found.pid) == ("gpexpand", state, None)


def test_a_lock_whose_number_now_belongs_to_another_program_is_told(six: PracticeCluster) -> None:
    path = Path(six.settings.greenplum.coordinator_data_directory) / "gpmovemirrors.lock"
    path.mkdir()
    try:
        with subprocess.Popen(["sleep", "30"]) as stranger:
            (path / "PID").write_text(str(stranger.pid))
            (found,) = facts_of(six)["mdw"].locks
            stranger.kill()
    finally:
        (path / "PID").unlink()
        path.rmdir()
    assert (found.state, found.pid) == (PidState.REUSED, stranger.pid)


@pytest.mark.parametrize(("folder", "found"), [("{ours}/", True), ("/no/such/folder", True), ("/usr", False)])
def test_a_utility_at_work_is_found_however_it_spells_the_data_directory(
    six: PracticeCluster, folder: str, found: bool
) -> None:
    theirs = folder.format(ours=six.settings.greenplum.coordinator_data_directory)
    with subprocess.Popen(["sleep", "600"], env={**os.environ, "MASTER_DATA_DIRECTORY": theirs}) as utility:
        # Only this cluster sees it under that name: the others of this machine would take it for theirs too.
        ps = six.folder / "system" / "bin" / "ps"
        ps.write_text(
            f"#!/bin/sh\n{shutil.which('ps')} \"$@\" | sed 's:^ *{utility.pid} .*:{utility.pid} sh /x/gpexpand:'\n"
        )
        ps.chmod(0o755)
        try:
            running = facts_of(six)["mdw"].utilities
        finally:
            ps.unlink()
            utility.kill()
    assert (utility.pid in {process.pid for process in running}) is found


def test_utilities_of_another_cluster_that_begin_and_end_while_they_are_listed_are_not_taken_for_ours(
    six: PracticeCluster, tmp_path: Path
) -> None:
    """What has ended between the two looks has no environment, and neither has what has only begun."""
    program, go = tmp_path / "gprecoverseg", tmp_path / "go"
    program.write_text("#!/bin/sh\nsleep 0.05\n")
    program.chmod(0o755)
    go.touch()
    loop = f"while [ -e {go} ]; do for n in 1 2 3 4 5 6 7 8; do {program} & done; wait; done"
    with subprocess.Popen(["/bin/sh", "-c", loop], env={**os.environ, "MASTER_DATA_DIRECTORY": "/usr"}):
        try:
            found = [facts_of(six)["mdw"].utilities for _ in range(5)]
        finally:
            go.unlink()
    assert found == [()] * 5


@pytest.mark.parametrize(("argument", "found"), [("--help", False), ("--helpless", True), ("-a", True)])
def test_a_utility_that_only_prints_its_help_is_no_utility_at_work(
    six: PracticeCluster, tmp_path: Path, argument: str, found: bool
) -> None:
    program = tmp_path / "gprecoverseg"
    program.write_text("#!/bin/sh\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o755)
    ours = six.settings.greenplum.coordinator_data_directory
    with subprocess.Popen([program, argument], env={**os.environ, "MASTER_DATA_DIRECTORY": ours}) as utility:
        running = facts_of(six)["mdw"].utilities
        utility.kill()
    assert (utility.pid in {process.pid for process in running}) is found


SLOW_HELP = """#!/bin/sh
# As the real one: the lock first, then the options.
[ "$1" = --help ] || exec {real} "$@"
mkdir "$MASTER_DATA_DIRECTORY/gprecoverseg.lock" || exit 1
echo $$ >"$MASTER_DATA_DIRECTORY/gprecoverseg.lock/PID"
echo "$MASTER_DATA_DIRECTORY" >{folder}/asked
until [ -e {folder}/go ]; do sleep 0.05; done
rm -r "$MASTER_DATA_DIRECTORY/gprecoverseg.lock"
exec {real} "$@"
"""


def with_gprecoverseg(cluster: PracticeCluster, folder: Path, text: str) -> ClusterSettings:
    """The cluster with another gprecoverseg: a script that may start the real one, and may use a folder."""
    real = Path(cluster.settings.greenplum.home)
    home = folder / "greenplum"
    (home / "bin").mkdir(parents=True)
    for program in (real / "bin").iterdir():
        (home / "bin" / program.name).symlink_to(program)
    (home / "bin" / "gprecoverseg").unlink()
    (home / "bin" / "gprecoverseg").write_text(text.format(real=real / "bin/gprecoverseg", folder=folder))
    (home / "bin" / "gprecoverseg").chmod(0o755)
    (home / "greenplum_path.sh").write_text(f"GPHOME={home}; PATH=$GPHOME/bin:{real}/bin:$PATH; export GPHOME PATH\n")
    greenplum = cluster.settings.greenplum.model_copy(update={"home": str(home)})
    return cluster.settings.model_copy(update={"greenplum": greenplum})


def test_a_gprecoverseg_that_starts_while_the_cluster_is_looked_at_runs_and_the_look_does_not_see_itself(
    six: PracticeCluster, tmp_path: Path
) -> None:
    settings = with_gprecoverseg(six, tmp_path, SLOW_HELP)
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(observe, settings)
        try:
            until((tmp_path / "asked").exists)
            own = facts_of(six)["mdw"]
            with Shell.connect(six.settings.ssh) as shell:
                done = shell.run(prelude(six.settings.greenplum, 1) + "gprecoverseg --version")
        finally:
            (tmp_path / "go").touch()
        seen = looking.result()
    assert (own.locks, own.utilities) == ((), ())
    assert "gprecoverseg version" in done.stdout
    assert "-F" in seen.capabilities.recover_options
    assert not Path((tmp_path / "asked").read_text().strip()).exists(), "the folder that it was given is removed"


def test_a_process_asks_for_the_options_of_gprecoverseg_once_and_again_where_they_were_not_understood(
    six: PracticeCluster, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    settings = with_gprecoverseg(
        six, tmp_path, f"#!/bin/sh\necho >>{asked}\n[ -e {tmp_path}/well ] && exec {{real}} $1\n"
    )
    assert observe(settings).capabilities.recover_options == frozenset()
    (tmp_path / "well").touch()
    for _ in range(2):
        assert "-F" in observe(settings).capabilities.recover_options
    assert len(asked.read_text().splitlines()) == 2


def test_the_options_of_gprecoverseg_are_known_while_its_lock_is_held(six: PracticeCluster, tmp_path: Path) -> None:
    six.break_(Fault.LOCK_HELD)
    with Shell.connect(six.settings.ssh) as shell:
        done = shell.run(prelude(six.settings.greenplum, 1) + "gprecoverseg --help")
    assert "is already running" in done.stdout, "it takes its lock before it reads its options"
    never_asked = with_gprecoverseg(six, tmp_path, '#!/bin/sh\nexec {real} "$@"\n')
    assert "-F" in observe(never_asked).capabilities.recover_options


def test_a_program_with_very_many_arguments_does_not_hold_up_the_look_at_a_host(six: PracticeCluster) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()", *["a/b c"] * 20_000], stdin=subprocess.PIPE) as wordy:
        facts = facts_of(six)
        wordy.kill()
    assert [f.detail for f in facts.values() if not f.reachable] == []


@pytest.mark.parametrize(
    "name", ["pg_basebackup", "pg_rewind", "rsync", "gpsegrecovery", "gpsegrecovery.py", "gpconfigurenewsegment"]
)
def test_a_copy_that_outlived_its_run_is_found_by_the_directory_that_it_names(
    six: PracticeCluster, tmp_path: Path, name: str
) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o755)
    target = observe(six.settings).cluster.segment(9)
    with subprocess.Popen([program, "-D", target.datadir, "-h", "sdw1"]) as orphan:
        facts = facts_of(six)
        orphan.kill()
    found = {d.path: d.orphans for host in facts.values() for d in host.directories if d.orphans}
    assert list(found) == [target.datadir]
    assert [process.pid for process in found[target.datadir]] == [orphan.pid]
    assert f"{name} -D" in found[target.datadir][0].command


def test_a_name_that_is_an_option_of_ssh_is_never_given_to_ssh(six: PracticeCluster, tmp_path: Path) -> None:
    cluster = observe(six.settings).cluster
    witness = tmp_path / "witness"
    evil = f"-oProxyCommand=touch {witness}"
    changed = tuple(
        type(s)(**{f: getattr(s, f) for f in s.__slots__} | ({"hostname": evil} if s.dbid == 9 else {}))
        for s in cluster.segments
    )
    with Shell.connect(six.settings.ssh) as shell:
        facts = {h.host: h for h in gather(six.settings, shell, type(cluster)("x", cluster.version, changed))}
    assert (facts[evil].reachable, facts[evil].detail) == (False, "this is not a host name")
    assert facts["sdw1"].reachable
    assert not witness.exists()


def test_more_instances_than_are_probed_at_once_are_probed_in_one_round(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    many = [cluster.segment(dbid) for dbid in (2, 3, 4, 5, 6, 7)] * 22
    with Shell.connect(six.settings.ssh) as shell:
        probes = probe_all(shell, six.settings.greenplum, cluster, many)
    assert len(probes) == len(many) == 132
    assert {probe.state for probe in probes} == {ProbeState.ANSWERS}


def test_a_port_where_nobody_listens_is_refused_and_an_unknown_host_unreachable(six: PracticeCluster) -> None:
    cluster = observe(six.settings).cluster
    segment = cluster.segment(2)
    values = {f: getattr(segment, f) for f in segment.__slots__}
    nobody = type(segment)(**values | {"dbid": 90, "port": free_port()})
    nowhere = type(segment)(**values | {"dbid": 91, "address": "no-such-host"})
    with Shell.connect(six.settings.ssh) as shell:
        probes = {p.dbid: p for p in probe_all(shell, six.settings.greenplum, cluster, [nobody, nowhere, segment])}
    assert probes[90].state is ProbeState.REFUSED
    assert probes[91].state is ProbeState.HOST_UNREACHABLE
    assert probes[2].state is ProbeState.ANSWERS
    assert all("\n" not in probe.detail for probe in probes.values())


@pytest.mark.parametrize(
    ("said", "code", "state"),
    [
        ("psql: FATAL:  sorry, too many clients already", 2, ProbeState.NOT_ADMITTED),
        ("psql: fe_sendauth: no password supplied", 2, ProbeState.NOT_ADMITTED),
        ("psql: error while loading shared libraries: libpq.so.5", 127, ProbeState.UNKNOWN),
        ("psql: FATAL:  das Datenbanksystem startet", 2, ProbeState.UNKNOWN),
        ("ERROR:  could not open relation mapping file", 1, ProbeState.FAILED),
        ("", 124, ProbeState.TIMED_OUT),
    ],
)
def test_what_psql_says_is_told_from_silence(  # noqa: PLR0917
    six: PracticeCluster, lab: Lab, tmp_path: Path, said: str, code: int, state: ProbeState
) -> None:
    home = tmp_path / "greenplum"
    (home / "bin").mkdir(parents=True)
    (home / "greenplum_path.sh").write_text(f"GPHOME={home}; PATH=$GPHOME/bin:$PATH; export GPHOME PATH\n")
    (home / "bin" / "psql").write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    (home / "bin" / "psql").chmod(0o755)
    cluster = observe(six.settings).cluster
    greenplum = six.settings.greenplum.model_copy(update={"home": str(home)})
    with lab.shell() as shell:
        (probe,) = probe_all(shell, greenplum, cluster, [cluster.segment(2)])
    assert probe.state is state


def observed_over(lab: Lab, settings: ClusterSettings, user: str) -> Observation:
    return observe(settings.model_copy(update={"ssh": lab.settings(user=user)}))


def test_a_user_who_does_not_own_greenplum_is_refused(six: PracticeCluster, lab: Lab) -> None:
    with pytest.raises(AccessRefused, match=r"logs in on .* as 'operator', but this Greenplum runs as 'gpadmin'"):
        observed_over(lab, six.settings, "operator")


def test_a_gpstate_that_is_not_on_the_path_is_told(six: PracticeCluster, lab: Lab) -> None:
    home = lab.folder / "half-installed"
    home.mkdir()
    (home / "greenplum_path.sh").write_text(f"GPHOME={home}; PATH=$GPHOME/bin:$PATH; export GPHOME PATH\n")
    broken = six.settings.greenplum.model_copy(update={"home": str(home)})
    (lab.home() / "bin").mkdir()
    (lab.home() / "bin" / "psql").symlink_to("/bin/true")
    with pytest.raises(AccessRefused, match="gpstate is not on the PATH"):
        observed_over(lab, six.settings.model_copy(update={"greenplum": broken}), "gpadmin")


def no_gphome(settings: ClusterSettings) -> ClusterSettings:
    greenplum = settings.greenplum.model_copy(update={"home": "/no/such/greenplum"})
    return settings.model_copy(update={"greenplum": greenplum})


def wrong_password(settings: ClusterSettings) -> ClusterSettings:
    values = settings.database.model_dump() | {"password": "hunter2", "password_file": None}
    return settings.model_copy(update={"database": type(settings.database).model_validate(values)})


def nothing_answers(settings: ClusterSettings) -> ClusterSettings:
    return settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"port": free_port()}),
            "ssh": settings.ssh.model_copy(update={"port": free_port()}),
        }
    )


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (no_gphome, AccessRefused, "There is no Greenplum at /no/such/greenplum"),
        (wrong_password, AccessRefused, "does not accept the password"),
        (nothing_answers, HostUnreachable, "refuses SSH connections"),
    ],
)
def test_settings_that_are_wrong_are_one_line_with_a_next_action(
    six: PracticeCluster,
    change: Callable[[ClusterSettings], ClusterSettings],
    kind: type[GpmedicError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words) as caught:
        observe(change(six.settings))
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.next_action


def test_a_host_and_a_database_of_two_clusters_that_were_started_together_are_refused(six: PracticeCluster) -> None:
    with start("4.3") as other:
        for ours, theirs in ((six, other), (other, six)):
            settings = ours.settings.model_copy(
                update={"ssh": theirs.settings.ssh, "greenplum": theirs.settings.greenplum}
            )
            with pytest.raises(AccessRefused, match=r"is not the one in .*nothing was touched"):
                observe(settings)


def test_a_data_directory_without_a_postmaster_is_not_that_of_the_database(six: PracticeCluster) -> None:
    elsewhere = six.settings.greenplum.model_copy(update={"coordinator_data_directory": "/usr"})
    with pytest.raises(AccessRefused, match="is not the one in /usr"):
        observe(six.settings.model_copy(update={"greenplum": elsewhere}))


def test_a_database_that_is_not_greenplum_is_refused(six: PracticeCluster, server: PostgresServer) -> None:
    with pytest.raises(AccessRefused, match="that is not Greenplum"):
        observe(six.settings.model_copy(update={"database": server.settings()}))


def test_ssh_that_refuses_while_the_database_answers_is_told(six: PracticeCluster) -> None:
    six.break_(Fault.SSH_REFUSED, host=COORDINATOR_HOST)
    with pytest.raises(HostUnreachable, match="refuses SSH connections"):
        observe(six.settings)


def test_a_silent_ssh_is_told_in_time(six: PracticeCluster) -> None:
    six.break_(Fault.SSH_SILENT, host=COORDINATOR_HOST)
    quick = six.settings.model_copy(update={"ssh": six.settings.ssh.model_copy(update={"connect_timeout": 1})})
    with pytest.raises(HostUnreachable, match="did not answer as an SSH server within 1 s"):
        observe(quick)


def test_looking_leaves_no_session_behind(six: PracticeCluster) -> None:
    observe(six.settings)
    facts_of(six)
    with Database.connect(six.settings.database) as database:
        sessions = database.rows(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'gpmedic' AND pid <> pg_backend_pid()"
        )
    assert sessions == [{"n": 0}]


def test_gathering_facts_leaves_no_file_behind(six: PracticeCluster, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    path = f"{six.folder}/system/bin:{SYSTEM_PATH}"
    host = SshHost(COORDINATOR_HOST, tmp_path, path, environment={"TMPDIR": str(tmp_path / "tmp")})
    lab = make_lab(tmp_path, host)
    with lab.servers, lab.shell() as shell:
        facts = gather(six.settings, shell, observe(six.settings).cluster)
    assert all(host.reachable for host in facts)
    assert list((tmp_path / "tmp").iterdir()) == []
