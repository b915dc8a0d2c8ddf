"""What is played for the pages of docs/scenarios, each on a practice cluster of its own: broken, seen, recovered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpmedic.practice import Fault
from gpmedic.practice.layout import Mirrors
from tests.docs.play import NAME, Play, Users


@dataclass(frozen=True, slots=True)
class Scenario:
    """One recording: a folder of docs/recorded."""

    play: Callable[[Play], None]
    generation: str = "6"
    mirrors: Mirrors = Mirrors.YES
    users: Users = Users.WRITE


def _sees_and_recovers(play: Play) -> None:
    play.shows("status", "status", NAME, exit_code=1)
    play.draws()
    play.shows("recover", "recover", NAME, "--yes", exit_code=0)
    play.draws_before_and_after()


def mirror_down(play: Play) -> None:
    play.breaks(Fault.KILL_MIRROR, content=0)
    play.waits_until_down(1)
    _sees_and_recovers(play)


def primary_failed_over(play: Play) -> None:
    play.breaks(Fault.KILL_PRIMARY, content=2)
    play.waits_until_down(1)
    play.shows("plan", "plan", NAME, exit_code=1)
    _sees_and_recovers(play)
    play.shows("status-after", "status", NAME, exit_code=0)


def roles_switched(play: Play) -> None:
    play.breaks(Fault.KILL_PRIMARY, content=2)
    play.waits_until_down(1)
    play.by_hand("gprecoverseg", "-a")
    play.cluster.wait_until(lambda facts: all(s.mode.value == "s" for s in facts.data_segments))
    _sees_and_recovers(play)


def host_down(play: Play) -> None:
    play.breaks(Fault.HOST_DOWN, host="sdw1")
    play.waits_until_down(4)
    play.shows("status", "status", NAME, exit_code=1)
    play.draws()
    play.shows("refused", "recover", NAME, "--yes", exit_code=2)
    play.heals(Fault.HOST_DOWN, host="sdw1")
    play.shows("recover", "recover", NAME, "--yes", exit_code=0)
    play.draws_before_and_after()


def double_fault(play: Play) -> None:
    play.breaks(Fault.KILL_BOTH, content=1)
    _sees_and_recovers(play)


def both_copies_lost(play: Play) -> None:
    dbids = [s.dbid for s in play.cluster.facts().data_segments if s.content == 1]
    play.breaks(Fault.KILL_BOTH, content=1)
    for dbid in dbids:
        play.breaks(Fault.DATADIR_REMOVED, dbid=dbid)
    play.shows("status", "status", NAME, exit_code=1)
    play.draws()
    play.shows("recover", "recover", NAME, "--yes", exit_code=2)
    play.shows_page("handoff", "handoff")


def mirrorless(play: Play) -> None:
    play.breaks(Fault.KILL_PRIMARY, content=1)
    _sees_and_recovers(play)


def spare_host(play: Play) -> None:
    play.breaks(Fault.HOST_DOWN, host="sdw1")
    play.waits_until_down(4)
    play.shows("status", "status", NAME, exit_code=1)
    play.draws()
    play.shows("recover", "recover-to-spare", NAME, "sdw1", "sdw4", "--yes", exit_code=0)
    play.shows_page("move-back", "move-back")
    play.draws_before_and_after()


def standby_down(play: Play) -> None:
    play.breaks(Fault.KILL_STANDBY)
    _sees_and_recovers(play)


def coordinator_lost(play: Play) -> None:
    play.shows("before", "recover", NAME, "--yes", exit_code=0)  # a run that notes where the standby is
    play.draws()
    play.breaks(Fault.KILL_COORDINATOR)
    play.shows("status", "status", NAME, exit_code=1)
    play.shows("recover", "recover", NAME, exit_code=2)
    play.shows_page("advice", "coordinator")


def full_copy(play: Play) -> None:
    (dbid,) = (s.dbid for s in play.cluster.facts().data_segments if s.content == 2 and s.role.value == "p")
    play.breaks(Fault.KILL_PRIMARY, content=2)
    play.waits_until_down(1)
    play.breaks(Fault.REWIND_FAILS, dbid=dbid)
    play.draws()
    play.shows("recover", "recover", NAME, "--yes", exit_code=0)
    play.draws_before_and_after()


SCENARIOS: Mapping[str, Scenario] = {
    "mirror-down": Scenario(mirror_down),
    "mirror-down-4.3": Scenario(mirror_down, "4.3"),
    "primary-failed-over": Scenario(primary_failed_over),
    "roles-switched": Scenario(roles_switched),
    "host-down": Scenario(host_down),
    "double-fault": Scenario(double_fault),
    "double-fault-4.3": Scenario(double_fault, "4.3"),
    "both-copies-lost": Scenario(both_copies_lost, users=Users.AWAY),
    "mirrorless": Scenario(mirrorless, mirrors=Mirrors.NO),
    "spare-host": Scenario(spare_host),
    "standby-down": Scenario(standby_down),
    "coordinator-lost": Scenario(coordinator_lost),
    "full-copy": Scenario(full_copy),
    "full-copy-7": Scenario(full_copy, "7"),
}
