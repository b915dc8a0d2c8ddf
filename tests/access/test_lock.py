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
from gpmedic.practice.sshd import SshFault

from .conftest import COORDINATOR_HOST, Lab


def by(cluster: str, token: str, who: str = "", directory: str = "") -> lock.Claim:
    return lock.Claim(cluster, directory, token, who)


def test_a_lock_that_nobody_holds_has_no_owner(shell: Shell) -> None:
    assert lock.owner(shell, "prod") is None


def test_whoever_is_refused_is_told_who_holds_the_lock(shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna@worker-1 (pid 7)"))
    with pytest.raises(LockHeld, match=r"worked on by anna@worker-1 \(pid 7\).*nothing was done") as caught:
        lock.acquire(shell, by("prod", "token-b", "bob@worker-2"))
    assert "\n" not in str(caught.value)
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "anna@worker-1 (pid 7)"
    assert owner.age < 60


def test_a_released_lock_can_be_taken(shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna"))
    lock.release(shell, by("prod", "token-a"))
    lock.acquire(shell, by("prod", "token-b", "bob"))


def test_a_lock_is_not_released_with_the_token_of_somebody_else(shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna"))
    lock.release(shell, by("prod", "token-b"))
    assert lock.owner(shell, "prod") is not None


def test_two_clusters_have_two_locks(shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna"))
    lock.acquire(shell, by("test", "token-b", "bob"))


def test_a_lock_without_a_heartbeat_is_taken_over_and_its_old_owner_learns_of_it(lab: Lab, shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna"))
    file = lab.home() / ".gpmedic/locks/prod"
    file.write_text(f"token-a {int(time.time()) - 200} prod anna\n")
    lock.acquire(shell, by("prod", "token-b", "bob"), stale_after=120)
    assert lock.beat(shell, by("prod", "token-a", "anna")) is False
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "bob"


def test_a_heartbeat_keeps_the_lock(lab: Lab, shell: Shell) -> None:
    lock.acquire(shell, by("prod", "token-a", "anna"))
    (lab.home() / ".gpmedic/locks/prod").write_text(f"token-a {int(time.time()) - 110} prod anna\n")
    assert lock.beat(shell, by("prod", "token-a", "anna")) is True
    with pytest.raises(LockHeld):
        lock.acquire(shell, by("prod", "token-b", "bob"), stale_after=60)


def test_of_eight_who_come_at_once_one_gets_the_lock(lab: Lab) -> None:
    barrier = threading.Barrier(8)
    got: list[str] = []

    def come(number: int) -> None:
        with lab.shell() as shell:
            barrier.wait()
            try:
                lock.acquire(shell, by("prod", f"token-{number}", f"worker-{number}"))
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
    with lock.locked(shell, lab.cluster(), stale_after=4, beat_every=0.5):
        time.sleep(5.5)
        with lab.shell() as other, pytest.raises(LockHeld):
            lock.acquire(other, by("prod", "token-b", "bob"), stale_after=4)
    assert lock.owner(shell, "prod") is None


def test_a_lock_is_given_back_although_the_connection_was_lost(lab: Lab, shell: Shell) -> None:
    with lock.locked(shell, lab.cluster()):
        lab.servers.drop_connections(COORDINATOR_HOST)
    with lab.shell() as other:
        assert lock.owner(other, "prod") is None


def test_the_error_of_the_block_is_not_hidden_when_the_lock_cannot_be_given_back(lab: Lab, shell: Shell) -> None:
    with pytest.raises(ZeroDivisionError), lock.locked(shell, lab.cluster()):
        lab.servers.set_fault(COORDINATOR_HOST, SshFault.REFUSED)
        lab.servers.drop_connections(COORDINATOR_HOST)
        _ = 1 / 0


def test_a_home_that_cannot_be_written_is_told(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic").write_text("a file where the folder belongs")
    with pytest.raises(AccessRefused, match="cannot be made"):
        lock.acquire(shell, by("prod", "token", "anna"))


def test_the_lock_of_a_process_that_was_killed_is_free_at_once_and_that_of_a_living_one_is_not(shell: Shell) -> None:
    lives = lock.myself()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    killed = re.sub(r"pid \d+", f"pid {process.pid}", lives)
    elsewhere = killed.replace("@", "@another-")
    for number, who in enumerate((lives, elsewhere)):
        lock.acquire(shell, by(f"c{number}", "token-a", who))
        with pytest.raises(LockHeld):
            lock.acquire(shell, by(f"c{number}", "token-b", "bob"))
    lock.acquire(shell, by("prod", "token-a", killed))
    lock.acquire(shell, by("prod", "token-b", "bob"))
    owner = lock.owner(shell, "prod")
    assert owner is not None
    assert owner.who == "bob"


@pytest.mark.parametrize("spelled", ["{}", "{}/", "{}/../data"])
def test_one_cluster_under_two_names_has_one_lock_and_the_second_is_told_the_first(
    lab: Lab, shell: Shell, spelled: str
) -> None:
    directory = lab.home() / "data"
    directory.mkdir()
    (lab.home() / "link").symlink_to(directory)
    lock.acquire(shell, by("prod", "token-a", "anna", str(directory)))
    for path in (spelled.format(directory), str(lab.home() / "link")):
        with pytest.raises(LockHeld, match=r"gp is being worked on under the name prod by anna .*nothing was done"):
            lock.acquire(shell, by("gp", "token-b", "bob", path))
    assert lock.owner(shell, "gp") is None, "a lock that was refused leaves nothing behind"
    lock.acquire(shell, by("other", "token-c", "carl", str(lab.home())))
    lock.release(shell, by("prod", "token-a", "", str(directory)))
    lock.acquire(shell, by("gp", "token-b", "bob", str(directory)))


def test_a_heartbeat_keeps_both_names_of_a_lock_or_neither(lab: Lab, shell: Shell) -> None:
    mine = by("prod", "token-a", "anna", "/data/gpseg-1")
    lock.acquire(shell, mine)
    (by_directory,) = (lab.home() / ".gpmedic/locks").glob(".directory-*")
    by_directory.write_text(f"token-a {int(time.time()) - 110} prod anna\n")
    assert lock.beat(shell, mine) is True
    with pytest.raises(LockHeld):
        lock.acquire(shell, by("gp", "token-b", "bob", "/data/gpseg-1"), stale_after=60)
    by_directory.write_text(f"token-a {int(time.time()) - 200} prod anna\n")
    lock.acquire(shell, by("gp", "token-b", "bob", "/data/gpseg-1"))
    assert lock.beat(shell, mine) is False


def test_a_sign_of_life_that_comes_too_late_renews_nothing(lab: Lab, shell: Shell) -> None:
    mine = by("prod", "token-a", "anna")
    lock.acquire(shell, mine)
    (lab.home() / ".gpmedic/locks/prod").write_text(f"token-a {int(time.time()) - 200} prod anna\n")
    assert lock.beat(shell, mine) is False
    lock.acquire(shell, by("prod", "token-b", "bob"))
