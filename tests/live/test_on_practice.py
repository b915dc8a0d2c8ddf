"""The live tests themselves, on practice clusters that are described as live ones."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpmedic.cluster import Mode, Role, Segment, Status
from gpmedic.errors import Refused
from gpmedic.practice import PracticeCluster
from gpmedic.practice.layout import SPARE_HOST, Mirrors
from tests.live import test_live as scenarios
from tests.live.live_cluster import Live, load

KILL = 'kill = "ssh {host} kill -9 $(ssh {host} head -1 {datadir}/postmaster.pid)"'
EVERY_SCENARIO: tuple[Callable[[Live], None], ...] = (
    scenarios.test_a_mirror_that_was_killed_is_recovered,
    scenarios.test_a_primary_that_was_killed_is_recovered_and_gets_its_role_back,
    scenarios.test_a_content_of_which_both_copies_were_killed_is_restarted_and_recovered,
    scenarios.test_a_host_that_was_down_is_waited_for_and_its_segments_are_recovered,
    scenarios.test_a_standby_that_was_killed_is_started_again,
    scenarios.test_the_segments_of_a_lost_host_move_to_the_spare,
)
FAULT = """
import sys
from pathlib import Path
from gpmedic.practice.control import Control, Verb
folder, verb, fault, kind, which = sys.argv[1:]
with Control.connect(Path(folder)) as control:
    control.call(Verb(verb), fault=fault, target={kind: int(which) if kind == "content" else which})
"""
SEGMENT = Segment(3, 1, Role.PRIMARY, Role.PRIMARY, Mode.SYNCHRONIZED, Status.UP, 6000, "sdw1", "sdw1", "/a b")
DESCRIBED = """
[cluster]
name = "staging"
[cluster.database]
host = "mdw"
[cluster.ssh]
host = "mdw"
[cluster.greenplum]
home = "/usr/local/greenplum-db"
coordinator_data_directory = "/data/master/gpseg-1"
"""


def test_a_file_that_does_not_say_expendable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expendable = true"):
        load(written(tmp_path, f"[faults]\n{KILL}\n{DESCRIBED}"))


def test_a_scenario_whose_command_the_file_lacks_is_skipped_and_says_which(tmp_path: Path) -> None:
    live = load(written(tmp_path, f"expendable = true\n[faults]\n{DESCRIBED}"))
    for name, act in {
        "kill_mirror": lambda: live.kill_mirror(SEGMENT),
        "kill_primary": lambda: live.kill_primary(SEGMENT),
        "kill_both": lambda: live.kill_both(SEGMENT, SEGMENT),
        "kill_standby": lambda: live.kill_standby(SEGMENT),
        "host_up": lambda: live.host_down("sdw1"),
    }.items():
        with pytest.raises(pytest.skip.Exception, match=f"no command {name} in"):
            act()


def test_a_fault_is_a_command_of_the_file_with_the_quoted_fields_of_the_instance(tmp_path: Path) -> None:
    said = tmp_path / "said"
    faults = f"kill_both = 'echo {{host}} {{dbid}} {{mirror_datadir}} > {said}'\nkill_primary = 'echo no; exit 3'"
    live = load(written(tmp_path, f'expendable = true\nrun_faults = "here"\n[faults]\n{faults}\n{DESCRIBED}'))
    live.kill_both(SEGMENT, SEGMENT)
    assert said.read_text() == "sdw1 3 /a b\n"
    with pytest.raises(AssertionError, match="no"):
        live.kill_primary(SEGMENT)


@pytest.mark.chaos
def test_a_mirror_is_killed_and_recovered_as_on_a_real_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str
) -> None:
    with PracticeCluster(f"live-{os.getpid()}", "6") as practice:
        play(practice, tmp_path, monkeypatch, scenarios.test_a_mirror_that_was_killed_is_recovered)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("generation", ["4.3", "6", "7"])
def test_every_scenario_of_a_cluster_with_mirrors(
    generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str
) -> None:
    with PracticeCluster(f"live-{generation.replace('.', '')}-{os.getpid()}", generation) as practice:
        play(practice, tmp_path, monkeypatch, *EVERY_SCENARIO)


@pytest.mark.chaos
@pytest.mark.parametrize("generation", ["4.3", "6", "7"])
def test_the_scenario_of_a_cluster_without_mirrors(
    generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str
) -> None:
    name = f"live-single-{generation.replace('.', '')}-{os.getpid()}"
    with PracticeCluster(name, generation, mirrors=Mirrors.NO) as practice:
        with pytest.raises(pytest.skip.Exception, match="has no mirror"):
            play(practice, tmp_path, monkeypatch, scenarios.test_a_mirror_that_was_killed_is_recovered)
        play(practice, tmp_path, monkeypatch, scenarios.test_a_dead_primary_without_mirror_comes_back_with_a_restart)


def play(
    practice: PracticeCluster, folder: Path, monkeypatch: pytest.MonkeyPatch, *scenario: Callable[[Live], None]
) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(folder))
    practice.register()
    practice.write_rows(60)
    before = practice.count_rows()
    live = load(described(practice, folder))
    live.write_rows(100)
    try:
        for play_it in scenario:
            play_it(live)
    finally:
        live.drop_rows()
    assert practice.count_rows() == before, "what the segments hold is still there"


def described(practice: PracticeCluster, folder: Path) -> Path:
    script = folder / "fault.py"
    script.write_text(FAULT)
    command = f"{sys.executable} {script} {practice.folder}"
    commands = {
        "kill_both": "break kill_both content {content}",
        "host_down": "break host_down host {host}",
        "host_up": "heal host_down host {host}",
    }
    faults = "\n".join((KILL, *(f"{name} = '{command} {words}'" for name, words in commands.items())))
    settings = (practice.folder / "cluster.toml").read_text().replace("[", "[cluster.")
    head = f'expendable = true\ncontent = 2\nspare_host = "{SPARE_HOST}"\n'
    return written(folder, f"{head}[faults]\n{faults}\n[cluster]\n{settings}")


def written(folder: Path, text: str) -> Path:
    file = folder / "live.toml.example"  # not one of the clusters that lie there
    file.write_text(text)
    return file
