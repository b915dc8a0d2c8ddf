"""Where the practice clusters of a test session lie: in memory where there is enough, where a start costs half.

And no Prefect server but the one that a session starts."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.practice.postgres import BASE_VARIABLE

_MEMORY = Path("/dev/shm")  # noqa: S108 (mkdtemp below)
_NEEDED_BYTES = 6 << 30
_ours = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    # A flow that lost its session's server (a thread without its context) fails at once, and starts none of its own.
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    # Workers of xdist inherit the variable of the session that starts them.
    if BASE_VARIABLE not in os.environ and _enough_memory():
        folder = Path(tempfile.mkdtemp(prefix="gpmedic-tests-", dir=_MEMORY))
        config.stash[_ours] = folder
        os.environ[BASE_VARIABLE] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(_ours, None)
    if folder is not None:
        del os.environ[BASE_VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The address of the server's API; flows of this process, and threads that copy its context, use it."""
    # Prefect is imported only where it is needed: it takes seconds.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.local_server import local_server

    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-prefect-", ignore_cleanup_errors=True) as home,
        local_server(Path(home)) as url,
        # A heartbeat costs each flow a second at its end, and only the report of a crash needs it.
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield url


def _enough_memory() -> bool:
    try:
        room = os.statvfs(_MEMORY)
    except OSError:
        return False
    programs_run_there = not room.f_flag & os.ST_NOEXEC
    return programs_run_there and room.f_bavail * room.f_frsize >= _NEEDED_BYTES and os.access(_MEMORY, os.W_OK)
