"""What listens: Slack's clicks as signed requests, for workspaces without Socket Mode, and the port of the metrics."""

import json
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final
from urllib.parse import parse_qs

import uvicorn
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gpmedic.errors import HostUnreachable

PATH: Final = "/slack/interactivity"
WINDOW: Final = 300
"""Seconds for which a signature counts; within them each counts once."""
LARGEST_BODY: Final = 1 << 20


class Once:
    """Which signatures have been seen within the window."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, signature: str) -> bool:
        now = time.monotonic()
        while self._seen and next(iter(self._seen.values())) < now - 2 * WINDOW:
            self._seen.popitem(last=False)
        if signature in self._seen:
            return False
        self._seen[signature] = now
        return True


def application(*routes: Route) -> Starlette:
    """What answers at one port."""
    return Starlette(routes=routes)


def interactivity_route(signing_secret: str, receive: Callable[[object], None], refused: Callable[[], None]) -> Route:
    """The endpoint; `refused` is called for each request that Slack has not signed, or not just now, or not once."""
    verifier, once = SignatureVerifier(signing_secret), Once()

    async def interactivity(request: Request) -> Response:
        body = await _body(request)
        if body is None or not _is_signed(verifier, body, request) or not once.is_new(_signature(request)):
            refused()
            return PlainTextResponse("refused", 401)
        try:
            payload = json.loads(parse_qs(body.decode())["payload"][0])
        except (ValueError, KeyError):
            refused()
            return PlainTextResponse("no payload", 400)
        return Response(status_code=200, background=BackgroundTask(receive, payload))

    return Route(PATH, interactivity, methods=["POST"])


async def _body(request: Request) -> bytes | None:
    """None where it is longer than any of Slack's: it is not read to its end."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _signature(request: Request) -> str:
    return request.headers.get("x-slack-signature", "")


def _is_signed(verifier: SignatureVerifier, body: bytes, request: Request) -> bool:
    try:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        return verifier.is_valid(body, timestamp, _signature(request))
    except (ValueError, TypeError, UnicodeError):  # it raises on what no Slack sends
        return False


@contextmanager
def served(app: Starlette, host: str, port: int, option: str = "--http") -> Iterator[None]:
    """Listen there, in a thread of its own, until the block ends.

    Args:
        option: of the command line, that has named the port.

    Raises:
        HostUnreachable: the port is taken, or the address is not this machine's.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise HostUnreachable(
            f"Nothing can listen at {host}:{port} ({error.strerror}).", f"Choose another {option} HOST:PORT."
        ) from None
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = Thread(target=server.run, args=([listener],), name="gpmedic-http", daemon=True)
    with listener:
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()
