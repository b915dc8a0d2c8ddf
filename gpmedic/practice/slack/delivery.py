"""How a click reaches the app: an envelope through one of its sockets, or a signed request."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from starlette.websockets import WebSocket, WebSocketDisconnect

ACK_SECONDS: Final = 3.0
MOST_SOCKETS: Final = 10
DELIVERIES: Final = 3
TICKET_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a click.

    Attributes:
        times: how often it was delivered.
        acked_after: seconds from the last delivery to its acknowledgement; None where there was none.
        status: of HTTP; None through a socket.
    """

    times: int
    acked_after: float | None
    status: int | None = None


@dataclass(slots=True)
class Sockets:
    """The app's connections. All of it runs in the server's event loop."""

    ack_seconds: float = ACK_SECONDS
    tickets: dict[str, float] = field(default_factory=dict)
    connections: list[WebSocket] = field(default_factory=list)
    turn: int = 0
    accepted: int = 0
    waiting: dict[str, "asyncio.Future[None]"] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)

    def new_ticket(self) -> str:
        ticket = secrets.token_hex(8)
        self.tickets[ticket] = time.monotonic() + TICKET_SECONDS
        return ticket

    async def accept(self, socket: WebSocket) -> None:
        until = self.tickets.pop(socket.query_params.get("ticket", ""), 0.0)
        if until < time.monotonic():
            await socket.close(code=4401)
            return
        await socket.accept()
        if len(self.connections) >= MOST_SOCKETS:
            await _disconnect(socket, "too_many_websockets")
            await socket.close()
            return
        self.connections.append(socket)
        self.accepted += 1
        await socket.send_text(json.dumps({"type": "hello", "num_connections": len(self.connections)}))
        try:
            while True:
                said = json.loads(await socket.receive_text())
                acknowledged = self.waiting.get(said.get("envelope_id", ""))
                if acknowledged is not None and not acknowledged.done():
                    acknowledged.set_result(None)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            if socket in self.connections:
                self.connections.remove(socket)

    async def deliver(self, payload: dict[str, Any]) -> Delivery:
        """To one of the sockets; again, to the next one, where it is not acknowledged in time."""
        envelope = {"envelope_id": secrets.token_hex(8), "type": "interactive", "payload": payload}
        for attempt in range(DELIVERIES):
            self.last = {**envelope, "retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
            if await self._reaches(self.last):
                return Delivery(attempt + 1, time.monotonic() - self._sent_at)
        return Delivery(DELIVERIES, None)

    async def again(self) -> Delivery:
        """The last envelope once more, although it was acknowledged."""
        done = await self._reaches({**self.last, "retry_attempt": 1, "retry_reason": "timeout"})
        return Delivery(1, time.monotonic() - self._sent_at if done else None)

    _sent_at: float = 0.0

    async def _reaches(self, envelope: dict[str, Any]) -> bool:
        if not self.connections:
            await asyncio.sleep(0.1)
            return False
        self.turn += 1
        socket = self.connections[self.turn % len(self.connections)]
        self.waiting[envelope["envelope_id"]] = done = asyncio.get_running_loop().create_future()
        self._sent_at = time.monotonic()
        await socket.send_text(json.dumps({**envelope, "accepts_response_payload": True}))
        try:
            await asyncio.wait_for(done, self.ack_seconds)
        except TimeoutError:
            return False
        return True

    async def disconnect(self, reason: str) -> None:
        """Announce it, as before a maintenance; the app opens another one and closes this."""
        for socket in tuple(self.connections):
            await _disconnect(socket, reason)

    async def drop(self) -> None:
        """Close them without a word."""
        for socket in tuple(self.connections):
            await socket.close(code=1011)


async def _disconnect(socket: WebSocket, reason: str) -> None:
    await socket.send_text(json.dumps({"type": "disconnect", "reason": reason}))


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as Slack signs it."""

    body: str
    headers: dict[str, str]

    @classmethod
    def of(cls, payload: dict[str, Any], secret: str, age: float = 0.0) -> "Signed":
        body = urlencode({"payload": json.dumps(payload)})
        stamp = str(int(time.time() - age))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        return cls(body, {**headers, "Content-Type": "application/x-www-form-urlencoded"})

    def send(self, url: str) -> Delivery:
        began = time.monotonic()
        answer = httpx.post(url, content=self.body, headers=self.headers, timeout=ACK_SECONDS)
        well = time.monotonic() - began if answer.is_success else None
        return Delivery(1, well, answer.status_code)
