"""Several workers of one pool: of recoveries that are due at the same moment one works, and the others say which."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun
from services.site import POOL, Site, await_recovered, await_that, read, say_yes, site, start

from flows.health_note import newest_note
from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from tasks.find_recovery import find_recovery
from tests.jobs import jobs_of

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]
WORKERS = ("blue", "green", "red")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(f"workers-{os.getpid()}", "6") as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


@pytest.fixture
def here(practice: PracticeCluster, tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, practice) as made:
        yield made


def test_of_recoveries_that_start_at_once_on_several_workers_one_recovers_and_the_others_name_it(
    here: Site, practice: PracticeCluster
) -> None:
    practice.break_(Fault.KILL_MIRROR, content=0)
    practice.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.segments))
    runs = [start(practice) for _ in range(4)]
    with ExitStack() as stack:
        for name in WORKERS:
            stack.enter_context(here.worker(name, "--limit", "2"))  # so that no worker can take them all
        await_that(lambda: sum(_over(run) for run in map(read, runs)) == len(runs) - 1, "more than one goes on")
        (owner,) = [run for run in map(read, runs) if not _over(run)]
        refused = [run for run in map(read, runs) if run.id != owner.id]
        for run in refused:
            assert run.state is not None
            assert run.state.name == "Failed"
            assert f"Recovery run {owner.name} of cluster {practice.name} is " in (run.state.message or "")
            assert "this run did nothing" in (run.state.message or "")
        await_that(lambda: (note := newest_note(practice.name)) and not note.healthy, "no health check beside them")
        say_yes(practice, "recover")
        await_recovered(practice)
        newest = find_recovery(practice.name)
        assert newest is not None
        assert newest.run == owner.id
        took = [name for name in WORKERS if any(str(run.id) in here.log_of(name).read_text() for run in runs)]
        assert len(took) > 1, f"{POOL} has only one worker that works"
    assert len(jobs_of(practice)) == 1


def _over(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()
