"""gpmedic's lock on a cluster, on a real host over real SSH."""

import re
import subprocess
import sys
import threading
import time

import pytest

from gpmedic.access import lock
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, LockHeld
from gpmedic.practice.sshd import LOOPBACK, SshFault
from gpmedic.settings import ClusterSettings, DatabaseSettings, GreenplumSettings

from .conftest import COORDINATOR_HOST, Lab


def settings(lab: Lab, name: str = "prod") -> ClusterSettings:
    return ClusterSettings(
        name=name,
        database=DatabaseSettings(host=LOOPBACK),
        ssh=lab.settings(),
        greenplum=GreenplumSettings(home="/usr/local/gpdb", coordinator_data_directory="/data/gpseg-1"),
    )


def test_a_lock_that_nobody_holds_has_no_owner(shell: Shell) -> None:
    assert lock.owner(shell, "prod") is None


def test_whoever_is_refused_is_told_who_holds_the_lock(shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna@worker-1 (pid 7)")
    with pytest.raises(LockHeld, match=r"worked on by anna@worker-1 \(pid 7\).*nothing was done") as caught:
        lock.acquire(shell, "prod", "token-b", "bob@worker-2")
    assert "\n" not in str(caught.value)
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "anna@worker-1 (pid 7)"
    assert owner.age < 60


def test_a_released_lock_can_be_taken(shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna")
    lock.release(shell, "prod", "token-a")
    lock.acquire(shell, "prod", "token-b", "bob")


def test_a_lock_is_not_released_with_the_token_of_somebody_else(shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna")
    lock.release(shell, "prod", "token-b")
    assert lock.owner(shell, "prod") is not None


def test_two_clusters_have_two_locks(shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna")
    lock.acquire(shell, "test", "token-b", "bob")


def test_a_lock_without_a_heartbeat_is_taken_over_and_its_old_owner_learns_of_it(lab: Lab, shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna")
    file = lab.home() / ".gpmedic/locks/prod"
    file.write_text(f"token-a {int(time.time()) - 200} anna\n")
    lock.acquire(shell, "prod", "token-b", "bob", stale_after=120)
    assert lock.beat(shell, "prod", "token-a", "anna") is False
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "bob"


def test_a_heartbeat_keeps_the_lock(lab: Lab, shell: Shell) -> None:
    lock.acquire(shell, "prod", "token-a", "anna")
    (lab.home() / ".gpmedic/locks/prod").write_text(f"token-a {int(time.time()) - 110} anna\n")
    assert lock.beat(shell, "prod", "token-a", "anna") is True
    with pytest.raises(LockHeld):
        lock.acquire(shell, "prod", "token-b", "bob", stale_after=60)


def test_of_eight_who_come_at_once_one_gets_the_lock(lab: Lab) -> None:
    barrier = threading.Barrier(8)
    got: list[str] = []

    def come(number: int) -> None:
        with lab.shell() as shell:
            barrier.wait()
            try:
                lock.acquire(shell, "prod", f"token-{number}", f"worker-{number}")
            except LockHeld:
                return
            got.append(f"worker-{number}")

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with lab.shell() as shell:
        holder = lock.owner(shell, "prod")
    assert holder is not None
    assert got == [holder.who]


def test_the_block_holds_the_lock_beyond_its_stale_age_and_gives_it_back(lab: Lab, shell: Shell) -> None:
    with lock.locked(shell, settings(lab), stale_after=4, beat_every=0.5):
        time.sleep(5.5)
        with lab.shell() as other, pytest.raises(LockHeld):
            lock.acquire(other, "prod", "token-b", "bob", stale_after=4)
    assert lock.owner(shell, "prod") is None


def test_a_lock_is_given_back_although_the_connection_was_lost(lab: Lab, shell: Shell) -> None:
    with lock.locked(shell, settings(lab)):
        lab.servers.drop_connections(COORDINATOR_HOST)
    with lab.shell() as other:
        assert lock.owner(other, "prod") is None


def test_the_error_of_the_block_is_not_hidden_when_the_lock_cannot_be_given_back(lab: Lab, shell: Shell) -> None:
    with pytest.raises(ZeroDivisionError), lock.locked(shell, settings(lab)):
        lab.servers.set_fault(COORDINATOR_HOST, SshFault.REFUSED)
        lab.servers.drop_connections(COORDINATOR_HOST)
        _ = 1 / 0


def test_a_home_that_cannot_be_written_is_told(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic").write_text("a file where the folder belongs")
    with pytest.raises(AccessRefused, match="cannot be made"):
        lock.acquire(shell, "prod", "token", "anna")


def test_the_lock_of_a_process_that_was_killed_is_free_at_once_and_that_of_a_living_one_is_not(shell: Shell) -> None:
    lives = lock.myself()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    killed = re.sub(r"pid \d+", f"pid {process.pid}", lives)
    elsewhere = killed.replace("@", "@another-")
    for number, who in enumerate((lives, elsewhere)):
        lock.acquire(shell, f"c{number}", "token-a", who)
        with pytest.raises(LockHeld):
            lock.acquire(shell, f"c{number}", "token-b", "bob")
    lock.acquire(shell, "prod", "token-a", killed)
    lock.acquire(shell, "prod", "token-b", "bob")
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "bob"
