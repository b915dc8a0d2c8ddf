"""The commands that gpmedic finds on a practice host behave as on a real one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpmedic.access.job import ALIVE, launch, status
from gpmedic.access.ssh import Shell
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.invocations import read_invocations
from tests.practice.conftest import Host


@contextmanager
def _broken(cluster: PracticeCluster, fault: Fault, host: str) -> Iterator[None]:
    cluster.break_(fault, host=host)
    try:
        yield
    finally:
        cluster.heal(fault, host=host)


def test_ssh_runs_the_command_on_the_other_host(mdw: Host) -> None:
    done = mdw.run(
        "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -q sdw2 'echo $GPMEDIC_PRACTICE_HOST; pwd; exit 3'"
    )
    assert done.stdout.splitlines() == ["sdw2", str(mdw.cluster.folder / "hosts" / "sdw2")]
    assert done.returncode == 3


def test_ssh_hands_on_standard_input_unless_told_not_to(mdw: Host) -> None:
    assert mdw.run("ssh gpadmin@sdw1 cat", stdin="hello").stdout == "hello"
    assert mdw.run("ssh -n sdw1 cat", stdin="hello").stdout == ""
    assert mdw.run("ssh -T sdw1", stdin="echo from a script").stdout == "from a script\n"


def test_ssh_to_an_unknown_host_says_so(mdw: Host) -> None:
    done = mdw.run("ssh nosuchhost true")
    assert done.returncode == 255
    assert "Could not resolve hostname nosuchhost" in done.stderr


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.SSH_REFUSED, "Connection refused"),
        (Fault.SSH_SILENT, "Connection timed out during banner exchange"),
        (Fault.SSH_WRONG_KEY, "Host key verification failed."),
        (Fault.SSH_CUT, "closed by remote host"),
    ],
)
def test_a_broken_ssh_fails_as_the_real_one(mdw: Host, fault: Fault, message: str) -> None:
    with _broken(mdw.cluster, fault, "sdw4"):
        done = mdw.run("ssh -o ConnectTimeout=1 sdw4 'echo 123456'")
    assert done.returncode == 255
    assert message in done.stderr
    assert "123456" not in done.stdout


def test_a_banner_stands_before_the_output(mdw: Host) -> None:
    with _broken(mdw.cluster, Fault.SSH_BANNER, "sdw4"):
        done = mdw.run("ssh sdw4 true")
    assert done.returncode == 0
    assert done.stdout != ""
    assert mdw.run("ssh sdw4 true").stdout == ""


def test_a_host_that_is_down_answers_nobody(mdw: Host) -> None:
    with _broken(mdw.cluster, Fault.HOST_DOWN, "sdw4"):
        begun = time.monotonic()
        done = mdw.run("ssh -o ConnectTimeout=1 sdw4 true")
        assert done.returncode == 255
        assert done.stderr == "ssh: connect to host sdw4 port 22: Connection timed out\n"
        assert time.monotonic() - begun >= 1
        done = mdw.run("ping -c 1 -W 1 sdw4")
        assert done.returncode == 1
        assert "100% packet loss" in done.stdout
        done = mdw.run("PGCONNECT_TIMEOUT=1 psql -h sdw4 -p 6000 -c 'select 1' postgres")
        assert done.returncode == 2
        assert "timeout expired" in done.stderr
    assert "0% packet loss" in mdw.run("ping -c 1 -W 1 sdw4").stdout


def test_psql_reaches_segments_by_their_host_in_utility_mode(mdw: Host) -> None:
    segment = mdw.cluster.facts().segment(2)
    for role in ("gp_session_role", "gp_role"):
        done = mdw.run(
            f"PGOPTIONS='-c {role}=utility' psql -X -A -t -h {segment.hostname} -p {segment.port}"
            " -c 'SHOW port' postgres"
        )
        assert done.stdout == f"{segment.port}\n", done.stderr


def test_psql_to_a_dead_server_is_refused(mdw: Host) -> None:
    done = mdw.run("psql -h sdw1 -p 1 -c 'select 1' postgres")
    assert done.returncode == 2
    assert "Connection refused" in done.stderr


def test_a_full_disk_is_seen_on_its_host_alone(mdw: Host) -> None:
    with _broken(mdw.cluster, Fault.DISK_FULL, "sdw4"):
        assert " 0 100% " in mdw.run("ssh sdw4 df -Pk .").stdout
        assert " 100% " not in mdw.run("ssh sdw3 df -Pk .").stdout


def test_postgres_tells_greenplums_version(mdw: Host) -> None:
    assert mdw.run("postgres --gp-version").stdout.startswith("postgres (Greenplum Database) 6.24.3 build commit:")


def test_pg_controldata_reads_a_data_directory(mdw: Host) -> None:
    datadir = mdw.cluster.facts().segment(2).datadir
    assert "in production" in mdw.run(f"pg_controldata {datadir}").stdout


def test_every_call_of_a_utility_is_noted_with_its_arguments_its_job_and_its_end(mdw: Host) -> None:
    before = len(read_invocations(mdw.cluster.folder))
    with Shell.connect(mdw.cluster.settings.ssh) as shell:
        shell.run("gpstate -V; gprecoverseg --help")
        launch(shell, "look-gp6-abc", ["gpstate", "-e"], "")
        while status(shell, "look-gp6-abc").state in ALIVE:
            time.sleep(0.1)
    foreground, options, job = read_invocations(mdw.cluster.folder)[before:]
    assert [(c.command, c.job, c.disruptive) for c in (foreground, options, job)] == [
        ("gpstate -V", None, False),
        ("gprecoverseg --help", None, False),
        ("gpstate -e", "look-gp6-abc", False),
    ]
    assert foreground.ended is not None
    assert foreground.ended < options.begun
    assert not job.killed
    assert job.ended is not None
