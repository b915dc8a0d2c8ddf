"""A real Prefect server for this session, on a copy of a database that is migrated once per version of Prefect."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import prefect
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_HOME, temporary_settings

STARTUP_SECONDS = 90
SERVER_OPTIONS = (
    "--factory",
    "prefect.server.api.server:create_app",
    "--host=127.0.0.1",
    "--log-level=error",
    "--lifespan=on",
)


def _template() -> Path:
    """The migrated database, made once and kept in the user's cache; several test sessions may make it at once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "gpmedic"
    template = cache / f"prefect-{prefect.__version__}.db"
    if not template.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / "prefect.db"
            subprocess.run(
                [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
                check=True,
                capture_output=True,
                env=_environment(Path(folder), fresh),
            )
            fresh.rename(template)
    return template


def _environment(home: Path, database: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {
        **inherited,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "1",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }


@pytest.fixture(scope="session")
def prefect_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gpmedic-prefect-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def prefect_server(prefect_home: Path) -> Iterator[str]:
    """The address of the server's API; flows of this process, and threads that copy its context, use it."""
    database = prefect_home / "prefect.db"
    shutil.copy(_template(), database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    log = prefect_home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *SERVER_OPTIONS, f"--port={port}"],
            env=_environment(prefect_home, database),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(url, server, log)
        # Heartbeats cost each flow a second at its end; only a crash needs them.
        with temporary_settings(
            {PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_HOME: prefect_home}
        ):
            yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_healthy(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=2).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise RuntimeError(f"The Prefect server did not start: {log.read_text()[-2000:]}")
