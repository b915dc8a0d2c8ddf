"""One process that runs what Prefect schedules, without a worker: Prefect's runner, in a thread of its own."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event
from typing import Final

from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

ENDS_WITHIN: Final = 20.0
"""Seconds for a run's process to end by itself; systemd kills what is left after 60."""


class _Runner(Runner):
    async def cancel_all(self) -> None:
        """Instead of cancelling them: nobody wants a recovery to be over because this process is started anew."""
        processes = self._process_manager
        await asyncio.gather(*(processes.kill(run, ENDS_WITHIN) for run in processes.flow_run_ids()))


@contextmanager
def serving(deployments: Sequence[RunnerDeployment], stop: Event) -> Iterator[None]:
    """Make the deployments on the server and run their runs until the block ends; then they are paused there.

    At that end the processes of its runs are ended, and the runs count as crashed: what they have started on a
    coordinator's host goes on, and the first health check of the next start has them go on too, however often, where
    they have worked for longer than gpmedic.crashes.SOON. A run that waits for an answer has no process, and stays.

    Args:
        stop: set where it cannot go on; the cause is then raised at the end of the block.
    """
    # `prefect.serve` does not end on SIGTERM: its handler waits for the very loop that it has interrupted. Of another
    # thread than the main one Prefect takes no signals, and the loop can be told.
    loop = asyncio.new_event_loop()
    runner = _Runner(name="gpmedic", limit=None)  # no run waits for another: each deployment or claim limits itself
    made = Event()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as here:
                here.run(_work(runner, deployments, made))
        finally:
            made.set()
            stop.set()

    with ThreadPoolExecutor(1, "gpmedic-serve") as threads:
        ended: Future[None] = threads.submit(copy_context().run, work)
        made.wait()
        try:
            if not ended.done():
                yield
        finally:
            if not ended.done():
                asyncio.run_coroutine_threadsafe(_end(runner), loop)
            ended.result()


async def _work(runner: Runner, deployments: Sequence[RunnerDeployment], made: Event) -> None:
    for deployment in deployments:
        await runner.aadd_deployment(deployment)
    made.set()
    await runner.start()


async def _end(runner: Runner) -> None:
    while not runner.started:  # it is just beginning
        await asyncio.sleep(0.1)
    await runner.astop()
