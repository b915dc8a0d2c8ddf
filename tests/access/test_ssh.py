"""The shell on the coordinator's host, against a real SSH server and a real /bin/sh."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable
from gpmedic.practice.sshd import BANNER_TEXT, LOOPBACK, SshFault, SshHost

from .conftest import COORDINATOR_HOST, Lab, make_lab


def one_line(error: GpmedicError) -> None:
    assert "\n" not in str(error)
    assert error.next_action


def test_output_errors_and_exit_code_of_a_script_come_back_apart(shell: Shell) -> None:
    done = shell.run('echo "$1 of $#"; echo wrong >&2; exit 3', "first", "second")
    assert (done.stdout, done.stderr, done.exit_code, done.noise) == ("first of 2\n", "wrong\n", 3, "")


@pytest.mark.parametrize(
    "argument", ["", "a b", "it's", '"$HOME"', "$(id)", "`id`", "*", "a\nb", "-n", "\\", "!x", "é"]
)
def test_an_argument_reaches_the_script_as_it_is(shell: Shell, argument: str) -> None:
    assert shell.run('printf "%s" "$1"', argument).stdout == argument


def test_no_argument_and_no_script_is_seen_in_a_process_list(shell: Shell) -> None:
    listing = shell.run('ps -eo args; echo "$1" >/dev/null', "hidden-argument").stdout
    assert "/bin/sh -s" in listing
    assert "hidden-argument" not in listing


def test_a_command_that_reads_its_input_does_not_eat_the_script(shell: Shell) -> None:
    assert shell.run("cat; echo after").stdout == "after\n"


def test_megabytes_on_both_streams_do_not_block_each_other(shell: Shell) -> None:
    done = shell.run("head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero; echo end")
    assert (len(done.stdout), len(done.stderr)) == (5_000_004, 5_000_000)


def test_login_noise_is_kept_apart_from_the_output(lab: Lab, shell: Shell) -> None:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.BANNER)
    done = shell.run("echo 42")
    assert done.stdout == "42\n"
    assert done.noise == BANNER_TEXT.decode()


def test_scripts_run_from_several_threads_at_once_over_one_connection(shell: Shell) -> None:
    results: dict[int, str] = {}

    def run(number: int) -> None:
        results[number] = shell.run('sleep 0.1; echo "$1"', str(number)).stdout

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n" for number in range(6)}


def test_the_deadline_counts_for_the_whole_script_although_it_keeps_printing(shell: Shell) -> None:
    started = time.monotonic()
    with pytest.raises(HostUnreachable, match=r"did not end within 0\.5 s") as caught:
        shell.run("while :; do echo x; sleep 0.05; done", timeout=0.5)
    assert time.monotonic() - started < 20
    one_line(caught.value)
    assert shell.run("echo ok").stdout == "ok\n"


def test_a_connection_lost_in_the_middle_of_a_command_is_never_a_success(lab: Lab, shell: Shell) -> None:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.CUT)
    with pytest.raises(HostUnreachable, match="lost in the middle") as caught:
        shell.run("seq 1 10000")
    one_line(caught.value)


def test_a_script_that_was_only_half_sent_runs_nothing(lab: Lab, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with lab.shell() as shell:
        channel = shell._transport.open_session()
        channel.exec_command("exec /bin/sh -s")
        channel.sendall(f"gpmedic_script() {{\ntouch {witness}\n".encode())
        channel.shutdown_write()
        assert channel.recv_exit_status() != 0
    assert not witness.exists()


def test_a_killed_shell_is_never_a_success(shell: Shell) -> None:
    with pytest.raises(HostUnreachable):
        shell.run("kill -9 $$")


def test_a_connection_lost_between_two_commands_is_told(lab: Lab, shell: Shell) -> None:
    shell.run("true")
    lab.servers.drop_connections(COORDINATOR_HOST)
    with pytest.raises(HostUnreachable):
        shell.run("true")


def test_a_login_that_does_not_lead_to_a_shell_is_told(tmp_path: Path) -> None:
    nologin = tmp_path / "nologin"
    nologin.write_text("#!/bin/sh\necho This account is currently not available.\nexit 1\n")
    nologin.chmod(0o755)
    lab = make_lab(tmp_path, SshHost(COORDINATOR_HOST, tmp_path, shell=str(nologin)))
    with (
        lab.servers,
        lab.shell() as shell,
        pytest.raises(AccessRefused, match="This account is currently not") as caught,
    ):
        shell.run("true")
    one_line(caught.value)


def refused(lab: Lab) -> dict[str, object]:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.REFUSED)
    return {}


def silent(lab: Lab) -> dict[str, object]:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.SILENT)
    return {"connect_timeout": 1}


def changed_key(lab: Lab) -> dict[str, object]:
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.WRONG_KEY)
    return {}


def unknown_host(lab: Lab) -> dict[str, object]:
    lab.known_hosts.write_text("")
    return {}


def no_known_hosts(lab: Lab) -> dict[str, object]:
    return {"known_hosts": lab.folder / "nothing"}


def wrong_key(lab: Lab) -> dict[str, object]:
    other = lab.folder / "other"
    other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh"))
    return {"identity_file": other}


def encrypted_key(lab: Lab) -> dict[str, object]:
    other = lab.folder / "other"
    key = asyncssh.generate_private_key("ssh-ed25519")
    other.write_bytes(key.export_private_key("openssh", passphrase="hunter2", rounds=64))
    return {"identity_file": other}


def no_key(lab: Lab) -> dict[str, object]:
    return {"identity_file": lab.folder / "missing"}


def not_a_key(lab: Lab) -> dict[str, object]:
    return {"identity_file": lab.known_hosts}


def wrong_user(_lab: Lab) -> dict[str, object]:
    return {"user": "nobody"}


def wrong_host(_lab: Lab) -> dict[str, object]:
    return {"host": "no-such-host.invalid"}


def impossible_host(_lab: Lab) -> dict[str, object]:
    return {"host": "a" * 300}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (refused, HostUnreachable, "refuses SSH connections"),
        (silent, HostUnreachable, "did not answer as an SSH server within 1 s"),
        (changed_key, AccessRefused, "HAS CHANGED.*may be an attack.*on its console"),
        (unknown_host, AccessRefused, "is not known; nothing was sent"),
        (no_known_hosts, AccessRefused, "is not known; nothing was sent"),
        (wrong_key, AccessRefused, "does not let 'gpadmin' in with the key"),
        (encrypted_key, AccessRefused, "has a passphrase"),
        (no_key, AccessRefused, "cannot be read"),
        (not_a_key, AccessRefused, "not a usable private key"),
        (wrong_user, AccessRefused, "does not let 'nobody' in"),
        (wrong_host, GpmedicError, "no-such-host.invalid.* resolved"),
        (impossible_host, AccessRefused, "cannot be resolved"),
    ],
)
def test_a_login_that_fails_is_one_line_with_a_next_action(
    lab: Lab,
    fault: Callable[[Lab], dict[str, object]],
    kind: type[GpmedicError],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    changes = fault(lab)
    started = time.monotonic()
    with pytest.raises(kind, match=words) as caught:
        lab.shell(**changes)
    assert time.monotonic() - started < 20
    one_line(caught.value)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_healed_host_lets_in_again(lab: Lab) -> None:
    for fault in (SshFault.REFUSED, SshFault.SILENT, SshFault.WRONG_KEY):
        lab.servers.set_fault(COORDINATOR_HOST, fault)
        with pytest.raises(GpmedicError):
            lab.shell(connect_timeout=1)
    lab.servers.set_fault(COORDINATOR_HOST, SshFault.NONE)
    with lab.shell() as shell:
        assert shell.run("echo $LOGNAME $GPMEDIC_PRACTICE_HOST").stdout == "gpadmin mdw\n"


def test_a_server_that_is_not_sshd_is_told(lab: Lab) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:

        def talk() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(HostUnreachable) as caught:
            lab.shell(port=server.getsockname()[1], connect_timeout=2)
        thread.join()
    one_line(caught.value)


def test_a_foreground_command_dies_with_its_connection_and_a_detached_one_lives_on(lab: Lab, shell: Shell) -> None:
    """What the practice hosts promise, and why utilities run as jobs."""
    home = lab.home()
    # Both wait for the same word, so that no machine's speed decides the test. The detached one tells that it has its
    # own session: before that it is no more than a second foreground command.
    script = f"""
        setsid sh -c 'echo > {home}/started; until [ -e {home}/go ]; do sleep 0.05; done; echo > {home}/detached' \
            </dev/null >/dev/null 2>&1 &
        until [ -e {home}/go ]; do sleep 0.05; done; echo > {home}/foreground"""
    failures: list[GpmedicError] = []

    def run() -> None:
        try:
            shell.run(script)
        except GpmedicError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(home / "started")
        lab.servers.drop_connections(COORDINATOR_HOST)
        thread.join()
    finally:
        (home / "go").touch()
    assert [type(failure) for failure in failures] == [HostUnreachable]
    wait_for(home / "detached")
    assert not (home / "foreground").exists()


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was never written"
        time.sleep(0.02)


def test_paramiko_is_not_loaded_before_the_first_login() -> None:
    program = "import sys, gpmedic.access.observe; sys.exit('paramiko' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
