"""What stands between a client and the Prefect server, and can refuse what a test wants, or everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings


class Between(ThreadingHTTPServer):
    """Hands on what it is asked.

    Attributes:
        refused: parts of paths that the server answers with an error of its own; "" is in every path.
    """

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handing)
        self.behind = httpx.Client(base_url=server.removesuffix("/api"), timeout=60)
        self.refused: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"


class _Handing(BaseHTTPRequestHandler):
    server: Between

    def _hand_on(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if any(part in self.path for part in self.server.refused):
            self._answer(500, "application/json", b"{}")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        answer = self.server.behind.request(self.command, self.path, headers=headers, content=asked)
        self._answer(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _hand_on  # noqa: N815 (as it calls them)

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@contextmanager
def between(server: str) -> Iterator[Between]:
    """Everything that this context asks of Prefect, and what copies it, goes through here and is tried once."""
    made = Between(server)
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        with temporary_settings({PREFECT_API_URL: made.url, PREFECT_CLIENT_MAX_RETRIES: 0}):
            yield made
    finally:
        made.shutdown()
        made.server_close()
        made.behind.close()
        thread.join()
