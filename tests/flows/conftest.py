"""A real Prefect server for this session."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.local_server import local_server


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[str]:
    """The address of the server's API; flows of this process, and threads that copy its context, use it."""
    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-prefect-", ignore_cleanup_errors=True) as home,
        local_server(Path(home)) as url,
        # A heartbeat costs each flow a second at its end, and only the report of a crash needs it.
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield url
