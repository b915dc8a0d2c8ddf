"""A Prefect server for as long as one process needs it: drills, tests, and recoveries where none is configured.

It lives on loopback, on a copy of a database that is migrated once per version of Prefect, and it ends with the process
that started it, however that ends: it watches its standard input.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from enum import Enum, auto
from importlib.metadata import version
from pathlib import Path

from gpmedic.errors import HostUnreachable

STARTUP_SECONDS = 180


class WebPage(Enum):
    """Whether the server has Prefect's page for a browser beside its API."""

    NONE = auto()  # it starts sooner
    SHOWN = auto()


@contextlib.contextmanager
def local_server(
    home: Path,
    meanwhile: Callable[[], object] = lambda: None,
    port: int | None = None,
    page: WebPage = WebPage.NONE,
) -> Iterator[str]:
    """Run a Prefect server and make the flows of this process use it.

    Args:
        home: an existing folder for its database, results and log; a database that is there already is used again.
        meanwhile: called once while the server starts, which takes it several seconds.
        port: where it listens, so that who uses it finds it again after a restart; None for any that is free.

    Yields:
        The address of its API.

    Raises:
        HostUnreachable: it did not start.
    """
    port = port or free_port()
    with server_process(home, port, page=page) as server:
        # Prefect is imported only now: importing it takes seconds too, and the server's own start need not wait for it.
        import prefect  # noqa: F401

        meanwhile()
        with served(home, port, server) as url:
            yield url


@contextlib.contextmanager
def server_process(
    home: Path, port: int, database_url: str | None = None, page: WebPage = WebPage.NONE
) -> "Iterator[subprocess.Popen[bytes]]":
    """Start a server and end it; `served` waits until it answers, which takes several seconds.

    Args:
        database_url: a PostgreSQL for many runs at once, which the server migrates; None for a SQLite file in `home`.
    """
    migrate = database_url is not None  # the template is migrated already, and looking again costs three seconds
    if database_url is None:
        database = home / f"prefect-{version('prefect')}.db"
        if not database.exists():
            shutil.copy(_template(), database)
        database_url = _sqlite(database)
    with _log(home).open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(port)],
            env=_environment(home, database_url)
            | {"PREFECT_SERVER_DATABASE_MIGRATE_ON_START": str(migrate).lower()}
            | (_page(home, port) if page is WebPage.SHOWN else {}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for the flow, which still has to tell the server how it ended
        )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextlib.contextmanager
def served(home: Path, port: int, server: "subprocess.Popen[bytes] | None" = None) -> Iterator[str]:
    """Make the flows of this process use the server on this port.

    Args:
        home: where this process keeps results; and the server's folder, where this process has started it.
        port: the server's, on loopback.
        server: its process, where this process has started it: one that has ended is not waited for.

    Raises:
        HostUnreachable: it did not start.
    """
    from prefect.settings import (
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
        PREFECT_HOME,
        temporary_settings,
    )

    url = f"http://127.0.0.1:{port}/api"
    _wait_until_healthy(url, server, _log(home))
    settings = {
        PREFECT_API_URL: url,
        PREFECT_HOME: home,
        PREFECT_API_SSL_CERT_FILE: str(_one_certificate(home)),
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,  # or each client asks first for a token, which this server has not
    }
    with temporary_settings(settings):
        try:
            yield url
        finally:
            _send_what_is_queued()


def _one_certificate(home: Path) -> Path:
    """What Prefect reads for each client that it makes, although this server speaks no TLS: all of them take 45 ms."""
    import certifi

    end = "-----END CERTIFICATE-----\n"
    path = home / "certificate.pem"
    path.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end, encoding="utf-8")
    return path


def _log(home: Path) -> Path:
    return home / "server.log"


def _template() -> Path:
    """The migrated database, made once and kept in the user's cache; several processes may make it at once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "gpmedic"
    template = cache / f"prefect-{version('prefect')}.db"
    if not template.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / "prefect.db"
            subprocess.run(
                [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
                check=True,
                capture_output=True,
                env=_environment(Path(folder), _sqlite(fresh)),
            )
            fresh.rename(template)
    return template


def _sqlite(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database}"


def _environment(home: Path, database_url: str) -> dict[str, str]:
    # Nothing of a real installation may leak in: its database, its address, its login.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {
        **inherited,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "1",
        # The one in memory leaks slots when the server restarts.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }


def _page(home: Path, port: int) -> dict[str, str]:
    return {
        "PREFECT_SERVER_UI_ENABLED": "true",
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        # Not into the installed package, which may be read-only or serve others.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, server: "subprocess.Popen[bytes] | None", log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and (server is None or server.poll() is None):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310 (our own)
            return
        time.sleep(0.1)
    raise HostUnreachable(f"The Prefect server did not start within {STARTUP_SECONDS} s.", f"Read {log}.")


def _send_what_is_queued() -> None:
    """Hand the last events and log lines to the server: once it is gone, Prefect would try for a minute at exit."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)


def _serve(port: int) -> None:
    import uvicorn

    def end_with_the_parent() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=end_with_the_parent, daemon=True).start()
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
