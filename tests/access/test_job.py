"""Detached jobs against a real SSH server, a real /bin/sh and real processes that are really killed."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.access import job
from gpmedic.access.job import JobState, JobStatus
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable
from gpmedic.practice.sshd import SshFault, SshHost

from .conftest import COORDINATOR_HOST, Lab, alive, make_lab

COUNT = 'echo run >>"$HOME/runs"\n'  # a prelude that leaves a trace of every start


def runs(lab: Lab) -> int:
    trace = lab.home() / "runs"
    return len(trace.read_text().splitlines()) if trace.exists() else 0


def wait_for(shell: Shell, key: str, state: JobState, seconds: float = 10) -> JobStatus:
    deadline = time.monotonic() + seconds
    while (seen := job.status(shell, key)).state is not state:
        assert time.monotonic() < deadline, seen
        time.sleep(0.03)
    return seen


def pids(lab: Lab, key: str) -> tuple[int, int]:
    """Keeper and command."""
    numbers = (lab.home() / ".gpmedic/jobs" / key / "pids").read_text().split()
    return int(numbers[0]), int(numbers[2])


def until_gone(*numbers: int) -> None:
    deadline = time.monotonic() + 5
    while any(alive(number) for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_job_is_left_behind(lab: Lab) -> Iterator[None]:
    yield
    for path in (lab.home() / ".gpmedic/jobs").glob("*/pids"):
        for number in path.read_text().split()[::2]:
            if alive(int(number)):
                os.kill(int(number), signal.SIGKILL)


def test_a_job_runs_to_its_end_and_tells_output_and_exit_code(shell: Shell) -> None:
    job.launch(shell, "run-1", ["sh", "-c", "echo out; echo err >&2; exit 3"], "")
    assert wait_for(shell, "run-1", JobState.DONE) == JobStatus(JobState.DONE, 3, 8, "out\nerr\n")


def test_a_key_that_was_never_launched_is_never(shell: Shell) -> None:
    assert job.status(shell, "nothing") == JobStatus(JobState.NEVER, None, 0, "")


@pytest.mark.parametrize("argument", ["", "a b", "it's", "$HOME", "`id`", "*", "a\nb", '"', "\\n", "; exit 9"])
def test_arguments_reach_the_utility_as_they_are(shell: Shell, argument: str) -> None:
    job.launch(shell, "args", ["printf", "<%s>", argument], "")
    assert wait_for(shell, "args", JobState.DONE).output == f"<{argument}>"


def test_no_argument_stands_in_a_process_list_while_launching(shell: Shell) -> None:
    job.launch(shell, "quiet", ["sh", "-c", "ps -eo args"], "HIDDEN=in-the-prelude\n")
    assert "in-the-prelude" not in wait_for(shell, "quiet", JobState.DONE).output


def test_the_prelude_decides_the_environment_and_the_umask_is_that_of_the_login(shell: Shell) -> None:
    login = shell.run("umask").stdout
    job.launch(shell, "env", ["sh", "-c", 'umask; echo "$WORD"; pwd'], "WORD=word; export WORD\n")
    home = shell.run('cd "$HOME"; pwd').stdout
    assert wait_for(shell, "env", JobState.DONE).output == f"{login}word\n{home}"


def test_output_is_read_on_from_the_offset_in_whole_lines(lab: Lab, shell: Shell) -> None:
    go = lab.home() / "go"
    script = f"echo één; printf half; until [ -e {go} ]; do sleep 0.02; done; echo -done"
    seen = job.launch(shell, "lines", ["sh", "-c", script], "")
    deadline = time.monotonic() + 5
    while not seen.output and time.monotonic() < deadline:
        seen = job.status(shell, "lines")
    assert (seen.state, seen.output, seen.size) == (JobState.RUNNING, "één\n", 6)
    go.touch()
    wait_for(shell, "lines", JobState.DONE)
    assert job.status(shell, "lines", seen.size).output == "half-done\n"


def test_a_second_launch_adopts_a_running_job(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "once", ["sleep", "20"], COUNT)
    with lab.shell() as other:
        assert job.launch(other, "once", ["sleep", "20"], COUNT).state is JobState.RUNNING
    assert runs(lab) == 1


def test_a_second_launch_adopts_a_finished_job(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "once", ["true"], COUNT)
    wait_for(shell, "once", JobState.DONE)
    assert job.launch(shell, "once", ["true"], COUNT).state is JobState.DONE
    assert runs(lab) == 1


def test_eight_simultaneous_launches_start_it_once(lab: Lab) -> None:
    shells = [lab.shell() for _ in range(8)]
    seen: list[JobState] = []
    barrier = threading.Barrier(len(shells))

    def launch(shell: Shell) -> None:
        barrier.wait()
        seen.append(job.launch(shell, "eight", ["sleep", "20"], COUNT).state)

    threads = [threading.Thread(target=launch, args=(shell,)) for shell in shells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for shell in shells:
        shell.close()
    assert seen == [JobState.RUNNING] * 8
    assert runs(lab) == 1


def test_a_job_outlives_its_connection_and_is_adopted_over_the_next_one(lab: Lab) -> None:
    go = lab.home() / "go"
    with lab.shell() as shell:
        job.launch(shell, "survivor", ["sh", "-c", f"until [ -e {go} ]; do sleep 0.02; done; echo alive"], COUNT)
        lab.servers.drop_connections(COORDINATOR_HOST)
        with pytest.raises(HostUnreachable):
            job.status(shell, "survivor")
    go.touch()
    with lab.shell() as shell:
        assert wait_for(shell, "survivor", JobState.DONE).output == "alive\n"
    assert runs(lab) == 1


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.03, 0.06, 0.1])
def test_a_launch_that_is_cut_anywhere_starts_it_once_when_repeated(lab: Lab, pause: float) -> None:
    def cut() -> None:
        time.sleep(pause)
        lab.servers.drop_connections(COORDINATOR_HOST)

    shell = lab.shell()
    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        job.launch(shell, "cut", ["sh", "-c", "echo done"], COUNT)
    except HostUnreachable:
        pass
    finally:
        cutter.join()
        shell.close()
    with lab.shell() as again:
        job.launch(again, "cut", ["sh", "-c", "echo done"], COUNT)
        assert wait_for(again, "cut", JobState.DONE).output == "done\n"
    assert runs(lab) == 1


def test_an_answer_cut_in_its_middle_is_not_taken_for_a_status(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "cut", ["echo", "x" * 1000], "")
    wait_for(shell, "cut", JobState.DONE)
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.CUT)
    with pytest.raises(HostUnreachable):
        job.status(shell, "cut")


def test_login_noise_does_not_reach_the_output(lab: Lab, shell: Shell) -> None:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.BANNER)
    job.launch(shell, "noise", ["echo", "x"], "")
    assert wait_for(shell, "noise", JobState.DONE).output == "x\n"


def test_a_command_whose_keeper_was_killed_is_an_orphan_and_then_lost(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "orphan", ["sleep", "20"], COUNT)
    keeper, command = pids(lab, "orphan")
    os.kill(keeper, signal.SIGKILL)
    until_gone(keeper)
    assert job.status(shell, "orphan").state is JobState.ORPHAN
    assert job.launch(shell, "orphan", ["sleep", "20"], COUNT).state is JobState.ORPHAN
    os.kill(command, signal.SIGKILL)
    until_gone(command)
    assert job.status(shell, "orphan").state is JobState.LOST
    assert job.launch(shell, "orphan", ["sleep", "20"], COUNT).state is JobState.LOST
    assert runs(lab) == 1


def test_what_a_killed_command_left_at_work_keeps_it_an_orphan(lab: Lab, shell: Shell) -> None:
    """As pg_basebackup does when gprecoverseg is killed (T22)."""
    job.launch(shell, "worker", ["sh", "-c", "sleep 20 & echo $!; wait"], "")
    deadline = time.monotonic() + 5
    while not (output := job.status(shell, "worker").output) and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper, command = pids(lab, "worker")
    os.kill(keeper, signal.SIGKILL)
    os.kill(command, signal.SIGKILL)
    until_gone(keeper, command)
    assert job.status(shell, "worker").state is JobState.ORPHAN
    os.kill(int(output), signal.SIGKILL)
    until_gone(int(output))
    assert job.status(shell, "worker").state is JobState.LOST


def test_a_postmaster_that_a_killed_command_has_started_does_not_keep_it_an_orphan(lab: Lab, shell: Shell) -> None:
    """The pg_ctl of 4.3 and 6 leaves it in gpstart's session."""
    server = lab.home() / "postgres"
    server.write_text("#!/bin/sh\nwhile :; do sleep 0.05; done\n")
    server.chmod(0o755)
    job.launch(shell, "start", ["sh", "-c", f"{server} & echo $!; sleep 20"], "")
    deadline = time.monotonic() + 20
    while not (output := job.status(shell, "start").output) and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper, command = pids(lab, "start")
    os.kill(keeper, signal.SIGKILL)
    until_gone(keeper)
    assert job.status(shell, "start").state is JobState.ORPHAN, "gpstart itself is at work"
    os.kill(command, signal.SIGKILL)
    until_gone(command)
    try:
        wait_for(shell, "start", JobState.LOST, 30)
        assert alive(int(output))
    finally:
        os.kill(int(output), signal.SIGKILL)


def test_a_killed_command_is_done_with_the_exit_code_of_its_signal(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "killed", ["sleep", "20"], "")
    os.kill(pids(lab, "killed")[1], signal.SIGKILL)
    assert wait_for(shell, "killed", JobState.DONE).exit_code == 128 + signal.SIGKILL


def test_a_daemon_that_the_utility_leaves_behind_does_not_keep_the_job_running(lab: Lab, shell: Shell) -> None:
    """gprecoverseg starts postgres, which stays."""
    job.launch(shell, "daemon", ["sh", "-c", "setsid sleep 20 & echo $!"], "")
    seen = wait_for(shell, "daemon", JobState.DONE)
    assert alive(int(seen.output))
    os.kill(int(seen.output), signal.SIGKILL)


def test_a_job_of_before_a_reboot_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "reboot"
    home = folder / "hosts" / COORDINATOR_HOST
    home.mkdir(parents=True)
    before = SshHost("before", home, environment={"GPMEDIC_BOOT_ID": "one"})
    after = SshHost("after", home, environment={"GPMEDIC_BOOT_ID": "two"})
    lab = make_lab(folder, before, after)
    with lab.servers:
        with Shell.connect(lab.settings("before")) as shell:
            job.launch(shell, "boot", ["sleep", "20"], "")
            keeper, command = pids(lab, "boot")
            os.kill(keeper, signal.SIGKILL)
            until_gone(keeper)
            assert job.status(shell, "boot").state is JobState.ORPHAN
        # The process with the command's number lives, but after a reboot it cannot be the command.
        with Shell.connect(lab.settings("after")) as shell:
            assert job.status(shell, "boot").state is JobState.LOST
        os.kill(command, signal.SIGKILL)


def test_a_process_number_that_was_given_again_is_not_taken_for_the_command(lab: Lab, shell: Shell) -> None:
    job.launch(shell, "reused", ["sleep", "20"], "")
    keeper, command = pids(lab, "reused")
    os.kill(keeper, signal.SIGKILL)
    os.kill(command, signal.SIGKILL)
    until_gone(keeper, command)
    with subprocess.Popen(["sleep", "20"]) as stranger:
        (lab.home() / ".gpmedic/jobs/reused/pids").write_text(f"{keeper} 1 {stranger.pid} 1\n")
        assert job.status(shell, "reused").state is JobState.LOST
        stranger.kill()


def test_a_folder_that_cannot_be_written_is_told_and_nothing_starts(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic").write_text("a file where the folder belongs")
    with pytest.raises(AccessRefused, match=r"could not be started on .*cannot be made") as caught:
        job.launch(shell, "nowhere", ["true"], COUNT)
    assert "\n" not in str(caught.value)
    assert runs(lab) == 0


def test_a_lock_that_cannot_be_written_is_told_and_nothing_starts(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic/jobs/blocked/lock").mkdir(parents=True)
    with pytest.raises(AccessRefused, match=r"blocked/lock cannot be written"):
        job.launch(shell, "blocked", ["true"], COUNT)
    assert runs(lab) == 0


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/b", "a b", "-x", "a\n", "$(id)"])
def test_a_key_that_is_no_plain_name_is_refused(shell: Shell, key: str) -> None:
    with pytest.raises(ValueError, match="not a job key"):
        job.launch(shell, key, ["true"], "")


def test_a_megabyte_of_output_comes_whole(shell: Shell) -> None:
    job.launch(shell, "big", ["seq", "1", "200000"], "")
    wait_for(shell, "big", JobState.DONE)
    assert job.status(shell, "big").output.splitlines()[-1] == "200000"


def test_a_host_without_flock_still_starts_a_job_once_and_sees_it_end(tmp_path: Path) -> None:
    """As macOS is: no flock, no setsid."""
    home = tmp_path / "plain" / "hosts" / COORDINATOR_HOST
    tools = tmp_path / "plain" / "bin"
    home.mkdir(parents=True)
    tools.mkdir()
    for tool in (
        "sh",
        "cat",
        "mkdir",
        "mv",
        "date",
        "uname",
        "nohup",
        "sleep",
        "wc",
        "tail",
        "head",
        "ps",
        "awk",
        "tr",
    ):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    lab = make_lab(tmp_path / "plain", SshHost(COORDINATOR_HOST, home, str(tools)))
    with lab.servers:
        with lab.shell() as shell:
            assert job.launch(shell, "plain", ["sleep", "20"], COUNT).state is JobState.RUNNING
            assert job.launch(shell, "plain", ["sleep", "20"], COUNT).state is JobState.RUNNING
            lab.servers.drop_connections(COORDINATOR_HOST)
        with lab.shell() as shell:
            os.kill(pids(lab, "plain")[1], signal.SIGTERM)
            assert wait_for(shell, "plain", JobState.DONE).exit_code == 128 + signal.SIGTERM
    assert runs(lab) == 1


def test_errors_of_jobs_are_one_line(lab: Lab) -> None:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.REFUSED)
    with pytest.raises(GpmedicError) as caught, lab.shell() as shell:
        job.launch(shell, "never", ["true"], "")
    assert "\n" not in str(caught.value)


def test_the_jobs_at_work_are_listed_and_those_that_have_ended_or_were_lost_are_not(lab: Lab, shell: Shell) -> None:
    assert job.running_jobs(shell) == ()
    job.launch(shell, "b-runs", ["sleep", "20"], "")
    job.launch(shell, "a-orphan", ["sleep", "20"], "")
    job.launch(shell, "ended", ["true"], "")
    job.launch(shell, "lost", ["sleep", "20"], "")
    wait_for(shell, "ended", JobState.DONE)
    os.kill(pids(lab, "a-orphan")[0], signal.SIGKILL)
    keeper, command = pids(lab, "lost")
    os.kill(keeper, signal.SIGKILL)
    os.kill(command, signal.SIGKILL)
    wait_for(shell, "a-orphan", JobState.ORPHAN)
    wait_for(shell, "lost", JobState.LOST)
    running = job.running_jobs(shell)
    assert [one.key for one in running] == ["a-orphan", "b-runs"]
    assert all(0 <= one.age < 60 for one in running)


def test_the_jobs_on_a_coordinator_are_found_by_its_directory_whatever_the_name_of_the_cluster(
    lab: Lab, shell: Shell
) -> None:
    directory = lab.home() / "data"
    directory.mkdir()
    (lab.home() / "link").symlink_to(directory)
    job.launch(shell, "recover-prod-1", ["sleep", "20"], "", str(directory))
    job.launch(shell, "recover-other-1", ["sleep", "20"], "", str(lab.home()))
    job.launch(shell, "recover-old-1", ["sleep", "20"], "")
    for path in (directory, f"{directory}/", lab.home() / "link"):
        assert [one.key for one in job.jobs_on(shell, str(path))] == ["recover-prod-1"]
    assert job.jobs_on(shell, "/no/such/directory") == ()


def test_jobs_that_are_over_are_listed_by_their_age_the_newest_first(lab: Lab, shell: Shell) -> None:
    for key, seconds in (("a-old", 86400), ("b-new", 3600)):
        job.launch(shell, key, ["true"], "")
        wait_for(shell, key, JobState.DONE)
        then = time.time() - seconds
        os.utime(lab.home() / ".gpmedic/jobs" / key / "exit_code", (then, then))
    job.launch(shell, "c-lost", ["sleep", "600"], "")
    keeper, command = pids(lab, "c-lost")
    for number in (keeper, command):
        os.kill(number, signal.SIGKILL)
    until_gone(keeper, command)
    wait_for(shell, "c-lost", JobState.LOST)
    job.launch(shell, "d-runs", ["sleep", "600"], "")
    ended = job.ended_jobs(shell)
    assert [one.key for one in ended] == ["c-lost", "b-new", "a-old"]
    assert 0 <= ended[0].age < 3600 <= ended[1].age < 86400 <= ended[2].age
