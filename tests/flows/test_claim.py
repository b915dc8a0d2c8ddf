"""One recovery per cluster, whoever started it."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier, Semaphore

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import StateType

from gpmedic.errors import LockHeld
from tasks.claim import CLAIM_TAG, claim


@flow
def claims(cluster: str, then: Callable[[], object] | None = None) -> str:
    claim(cluster)
    if then is not None:
        then()
    return "mine"


def test_a_second_recovery_of_the_same_cluster_is_refused_while_the_first_one_lives() -> None:
    def second() -> None:
        with pytest.raises(LockHeld, match="prefect flow-run cancel"):
            claims("gp-a")

    assert claims("gp-a", second) == "mine"


def test_of_runs_that_claim_at_the_same_moment_one_wins_and_the_others_name_it() -> None:
    ready, others = Barrier(3), Semaphore(0)

    @flow
    def starts_with_the_others() -> str:
        ready.wait(timeout=60)
        try:
            claim("gp-crowd")
        except LockHeld as refused:
            others.release()
            return refused.message
        assert others.acquire(timeout=60)
        assert others.acquire(timeout=60)
        return "mine"

    with ThreadPoolExecutor(3) as crowd:
        answers = [f.result() for f in [crowd.submit(copy_context().run, starts_with_the_others) for _ in range(3)]]
    assert answers.count("mine") == 1
    assert sum("of cluster gp-crowd is Running" in answer for answer in answers) == 2


def test_another_cluster_is_free_meanwhile() -> None:
    assert claims("gp-b", lambda: claims("gp-c")) == "mine"


def test_a_cluster_is_free_again_when_its_recovery_is_over() -> None:
    assert claims("gp-d") == "mine"
    assert claims("gp-d") == "mine"


def test_a_run_claims_again_what_it_has_already() -> None:
    assert claims("gp-e", lambda: claim("gp-e")) == "mine"


def test_a_run_whose_process_was_killed_does_not_block_the_cluster(prefect_server: str) -> None:
    script = textwrap.dedent("""
        import time
        from prefect import flow
        from tasks.claim import claim

        @flow
        def dies() -> None:
            claim("gp-f")
            print("claimed", flush=True)
            time.sleep(60)

        dies()
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**_os_environment(), "PREFECT_API_URL": prefect_server},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    with pytest.raises(LockHeld):
        claims("gp-f")
    process.kill()
    process.wait()
    process.stdout.close()
    assert claims("gp-f") == "mine"
    states = _states_of_claimants("gp-f")
    assert StateType.CRASHED in states
    assert StateType.RUNNING not in states


def _states_of_claimants(cluster: str) -> list[StateType]:
    time.sleep(0.1)
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]))
        )
    return [run.state.type for run in runs if run.state is not None]


def _os_environment() -> dict[str, str]:
    import os

    return {**os.environ, "PREFECT_LOGGING_LEVEL": "ERROR"}
