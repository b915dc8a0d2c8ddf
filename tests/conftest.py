"""Where the practice clusters of a test session lie: in memory where there is enough, where a start costs half.

And no Prefect server but the one that a session starts."""

import gc
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from flows.local_server import free_port, local_server, served, server_process
from gpmedic.cluster import COORDINATOR_CONTENT, Mode, Status
from gpmedic.practice import PracticeCluster
from gpmedic.practice.facts import SegmentFacts
from gpmedic.practice.memory import MEMORY, memory_has_room
from gpmedic.practice.postgres import BASE_VARIABLE
from tests.postgres_server import postgres_server

SERVER_VARIABLE = "GPMEDIC_TESTS_PREFECT_PORT"
_SLOW_FOLDERS = ("flows", "approvals", "chaos", "cli", "live", "practice", "access", "tasks")
_TESTS = Path(__file__).parent
_NEEDED_BYTES = 6 << 30
_LONG_SECONDS = 600
_ours = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    # A flow that lost its session's server (a thread without its context) fails at once, and starts none of its own.
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    if hasattr(config, "workerinput"):
        return
    # What the session starts here is for all workers of xdist; they inherit the variables.
    config.stash[_ours] = stack = ExitStack()
    # A shell has what it starts in the background ignore Ctrl-C, children too: a Prefect worker would never end by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if BASE_VARIABLE not in os.environ and memory_has_room(_NEEDED_BYTES):
        folder = Path(tempfile.mkdtemp(prefix="gpmedic-tests-", dir=MEMORY))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_variable(BASE_VARIABLE, str(folder)))
    if config.getoption("numprocesses", None):
        # SQLite lets one of many runs write at a time, and those of all workers wait for each other.
        url = stack.enter_context(postgres_server()).url
        port = free_port()
        stack.enter_context(server_process(Path(stack.enter_context(_prefect_home())), port, url))
        stack.enter_context(_variable(SERVER_VARIABLE, str(port)))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _ours in config.stash:
        config.stash[_ours].close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders whose tests take long come first: what begins last must not be what takes longest.

    The long runs of `make chaos` may take long.
    """
    for item in items:
        if item.get_closest_marker("chaos") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_LONG_SECONDS))
    rank = {folder: place for place, folder in enumerate(_SLOW_FOLDERS)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(_TESTS).parts[0], len(rank)))


def pytest_collection_finish() -> None:
    # Thousands of collected tests live to the end: the collector need not walk over them again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # nor over what Prefect imports


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The address of the server's API; flows of this process, and threads that copy its context, use it."""
    # Prefect is imported only where it is needed: it takes seconds.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with _prefect_home() as home:
        port = os.environ.get(SERVER_VARIABLE)
        server = local_server(Path(home)) if port is None else served(Path(home), int(port))
        # A heartbeat costs each flow a second at its end, and only the report of a crash needs it.
        with server as url, temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield url


@pytest.fixture(scope="session")
def _six_of_the_session() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"six-{os.getpid()}-{uuid.uuid4().hex[:8]}", "6") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def healthy_six(_six_of_the_session: PracticeCluster) -> PracticeCluster:
    """A healthy cluster like 6 for tests that leave it as they found it; one for all such tests of a process."""
    _six_of_the_session.heal()
    _six_of_the_session.wait_until(lambda facts: facts.database_up and all(map(_well, facts.segments)), timeout=60)
    return _six_of_the_session


def _well(segment: SegmentFacts) -> bool:
    coordinator = segment.content == COORDINATOR_CONTENT
    in_sync = segment.in_preferred_role and segment.mode is Mode.SYNCHRONIZED
    return segment.pid is not None and segment.status is Status.UP and (coordinator or in_sync)


def _prefect_home() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="gpmedic-prefect-", ignore_cleanup_errors=True)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
