"""The installed stand-in, run on a practice cluster, prints what the real one printed on a real cluster."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gpmedic.cluster import Role
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Answer, Facts, SegmentFacts
from tests.practice.fidelity.normalise import normalise
from tests.practice.fidelity.scene import facts_of
from tests.practice.fidelity.test_gpstate_fidelity import ALSO
from tests.transcripts import Step, runs

RECORDED = {str(run): run for run in runs("gp6", "gpstate")}


def gpstate(cluster: PracticeCluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As sshd runs it on the coordinator's host."""
    facts = cluster.facts()
    environment = {
        **os.environ,
        "HOME": str(cluster.folder / "hosts" / facts.coordinator.hostname),
        "LOGNAME": facts.user,
        "GPMEDIC_PRACTICE_HOST": facts.coordinator.hostname,
        facts.release.data_directory_variable: facts.coordinator.datadir,
    }
    program = cluster.folder / "greenplum" / "bin" / "gpstate"
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)


def as_recorded(text: str, facts: Facts, run: Step) -> list[str]:
    """The lines, with the ports and directories of the recorded cluster, whose dbids are the same."""
    recorded = facts_of("gp6", run)
    for segment in facts.segments:
        twin: SegmentFacts = recorded.segment(segment.dbid)
        text = text.replace(segment.datadir, twin.datadir)
        text = re.sub(rf"\b{segment.port}\b", str(twin.port), text)
    return normalise(text, ALSO)


def assert_printed_as_recorded(cluster: PracticeCluster, name: str) -> None:
    run = RECORDED[name]
    live = gpstate(cluster, *run.command.split()[1:])
    lines = as_recorded(live.stdout, cluster.facts(), run)
    assert (lines, live.returncode, live.stderr) == (normalise(run.stdout, ALSO), run.exit_code, "")


@pytest.mark.chaos
def test_a_practice_cluster_prints_like_a_real_one_when_healthy_and_after_a_failover() -> None:
    with PracticeCluster(f"gpstate{os.getpid()}", "6") as cluster:
        for name in ("01-gpstate", "03-gpstate-s", "04-gpstate-e", "05-gpstate-m", "06-gpstate-c"):
            assert_printed_as_recorded(cluster, f"a-healthy/{name}")
        cluster.break_(Fault.KILL_PRIMARY, content=2)
        cluster.wait_until(
            lambda facts: facts.segment(10).role is Role.PRIMARY and facts.segment(10).answer is Answer.ACCEPTS
        )
        for name in ("04-gpstate-e", "05-gpstate-m", "06-gpstate-s", "07-gpstate", "08-gpstate-c"):
            assert_printed_as_recorded(cluster, f"c-primary-killed/{name}")


def test_without_its_practice_cluster_it_says_so_in_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "GPMEDIC_PRACTICE_CLUSTER": str(tmp_path)}
    module = [sys.executable, "-m", "gpmedic.practice.utilities.gpstate", "-e"]
    alone = subprocess.run(module, env=environment, capture_output=True, text=True, check=False)
    assert (alone.returncode, alone.stdout) == (2, "")
    assert alone.stderr == f"gpstate: No practice cluster runs in {tmp_path}. Next: Start it: gpmedic practice up.\n"
