"""One recovery per cluster, whoever started it."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import Barrier, Semaphore

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Running

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
        ready.wait(timeout=150)
        try:
            claim("gp-crowd")
        except LockHeld as refused:
            others.release()
            return refused.message
        assert others.acquire(timeout=150)
        assert others.acquire(timeout=150)
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


@pytest.mark.chaos
def test_a_deployed_run_whose_worker_died_with_it_is_free_and_a_suspended_one_keeps_its_claim(
    prefect_server: str, tmp_path: Path
) -> None:
    """A process plays the worker of two runs: one suspends, in the middle of the other it is killed."""
    script = tmp_path / "worker.py"  # Prefect deploys no flow that has no file
    text = """
        import contextlib
        import time
        from prefect import flow
        from prefect.client.orchestration import get_client
        from prefect.deployments import run_deployment
        from prefect.exceptions import Pause
        from prefect.flow_engine import run_flow
        from prefect.flow_runs import suspend_flow_run
        from prefect.states import Pending
        from tasks.claim import claim

        @flow(name="worked")
        def worked(cluster: str) -> None:
            claim(cluster)
            if cluster == "gp-suspended":
                suspend_flow_run(key="asks", timeout=1500)
            print("claimed", flush=True)
            time.sleep(600)

        worked.to_deployment(name="test").apply()
        for cluster in ("gp-suspended", "gp-killed"):
            run = run_deployment("worked/test", parameters={"cluster": cluster}, timeout=0, as_subflow=False)
            with get_client(sync_client=True) as client, contextlib.suppress(Pause):
                client.set_flow_run_state(run.id, Pending())
                run_flow(worked, flow_run=client.read_flow_run(run.id), parameters={"cluster": cluster})
    """
    script.write_text(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**_os_environment(), "PREFECT_API_URL": prefect_server},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "claimed\n"
        with pytest.raises(LockHeld):
            claims("gp-killed")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert claims("gp-killed") == "mine"
    assert StateType.CRASHED in _states_of_claimants("gp-killed")

    with pytest.raises(LockHeld, match=r"is Suspended.*gpmedic approve \S+ shows its question"):
        claims("gp-suspended")
    with get_client(sync_client=True) as client:
        (suspended,) = _claimants("gp-suspended")
        client.set_flow_run_state(suspended.id, Running(), force=True)  # resumed, and its new process has yet to claim
    with pytest.raises(LockHeld, match="is Running"):
        claims("gp-suspended")


def _states_of_claimants(cluster: str) -> list[StateType]:
    return [run.state.type for run in _claimants(cluster) if run.state is not None]


def _claimants(cluster: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{CLAIM_TAG}{cluster}"]))
        )


def _os_environment() -> dict[str, str]:
    import os

    return {**os.environ, "PREFECT_LOGGING_LEVEL": "ERROR"}
