"""F6: a recovery is cut off in the middle of its copy, and the next run trusts nothing that it has left."""

import os
import signal
from collections.abc import Iterator

import pytest

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import PrecheckFailed, UtilityFailed
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.control import CLUSTER_VARIABLE
from gpmedic.practice.processes import command_of, with_variables
from gpmedic.report import Outcome
from tasks.notify import Progress, listening
from tests.jobs import jobs_of, utility_of, wait_for_job
from tests.people import Operator
from tests.registered import policy


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"cut-off-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        with policy(cluster, "settle_within = 2"):
            yield cluster


def cut_off_in_the_middle_of_its_copy(cluster: PracticeCluster, dbid: int, step: str) -> None:
    """As by a reboot of the coordinator's host and the segment's: gprecoverseg and its copy end, nobody cleans up."""
    before = jobs_of(cluster)

    def cut(progress: Progress) -> None:
        if f"detached as job {step}-" not in progress.text:
            return
        cluster.wait_until(lambda facts: bool((copy := facts.segment(dbid).copying) and copy.done))
        os.kill(utility_of(wait_for_job(cluster, before, step)), signal.SIGKILL)
        for pid in with_variables(f"{CLUSTER_VARIABLE}={cluster.folder}"):
            if "pg_basebackup" in command_of(pid):
                os.kill(pid, signal.SIGKILL)
        cluster.wait_until(lambda facts: facts.segment(dbid).copying is None)

    with listening(cut), pytest.raises(UtilityFailed, match="exit code"):
        attend(lambda: recover(cluster.name), Operator())


@pytest.mark.chaos
def test_what_a_copy_that_was_cut_off_has_left_is_copied_over_again(practice: PracticeCluster) -> None:
    practice.break_(Fault.DATADIR_REMOVED, dbid=11)
    practice.wait_until(lambda facts: facts.segment(11).status.value == "d")
    practice.break_(Fault.SLOW_RESYNC, seconds=20)
    cut_off_in_the_middle_of_its_copy(practice, 11, "recover_full")
    practice.heal(Fault.SLOW_RESYNC)
    assert practice.facts().segment(11).datadir_exists, "half of it lies there"
    with pytest.raises(PrecheckFailed, match=r"gprecoverseg\.lock is left over"):
        attend(lambda: recover(practice.name), Operator())
    practice.heal(Fault.LOCK_STALE)
    operator = Operator()
    assert attend(lambda: recover(practice.name), operator).outcome is Outcome.RECOVERED
    assert operator.steps == ["recover-full"]
    assert "was cut off, after which its copy cannot be trusted" in operator.asked[0].proposal.text
