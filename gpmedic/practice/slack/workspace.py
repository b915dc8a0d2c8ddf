"""The workspace as a test or a drill uses it: what people see, and what they do."""

import asyncio
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gpmedic.practice.slack.delivery import ACK_SECONDS, Delivery, Signed, Sockets
from gpmedic.practice.slack.state import Posted, State
from gpmedic.practice.slack.web_api import BOT, TRIGGER_SECONDS, WebApi

T = TypeVar("T")
SCOPES: Final = frozenset({"chat:write", "files:write", "users:read", "usergroups:read"})
_DATE: Final = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LOOPBACK: Final = "127.0.0.1"
_PEOPLE: Final = {"U0ANNA": "Anna Ahn", "U0BORIS": "Boris Bell", "U0CAROL": "Carol Chu", "U0DAVE": "Dave Diaz"}


class PracticeSlack:
    """A workspace with one app, one channel and four people; people are named by their ids or first names."""

    def __init__(self, scopes: frozenset[str] = SCOPES, ack_seconds: float = ACK_SECONDS) -> None:
        self.bot_token, self.app_token = f"xoxb-{secrets.token_hex(8)}", f"xapp-{secrets.token_hex(8)}"
        self.signing_secret = secrets.token_hex(16)
        self.channel = "C0GPOPS"
        self.interactivity_url: str | None = None
        self._state = State({self.channel}, dict(_PEOPLE), {"S0DBAS": {"U0CAROL"}})
        self._sockets = Sockets(ack_seconds)
        self._api = WebApi(self._state, self.bot_token, self.app_token, scopes)
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._last: Signed | None = None

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind((_LOOPBACK, 0))
            self._port = int(free.getsockname()[1])
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()

    @property
    def api_url(self) -> str:
        """For slack_sdk's `base_url`."""
        return f"http://{_LOOPBACK}:{self._port}/api/"

    # What people see

    @property
    def messages(self) -> tuple[Posted, ...]:
        """What everybody sees, in the order in which it was posted."""
        with self._state.changed:
            return tuple(m for m in self._state.messages if m.seen_by is None)

    def parents(self) -> tuple[Posted, ...]:
        return tuple(m for m in self.messages if m.thread_ts is None)

    def thread(self, ts: str) -> tuple[Posted, ...]:
        return tuple(m for m in self.messages if m.thread_ts == ts)

    def find(self, message: Posted) -> Posted:
        """The same message as it is now; KeyError where somebody has deleted it."""
        found = self._state.find(message.channel, message.ts)
        if found is None:
            raise KeyError(message.ts)
        return found

    def whispers(self, to: str, channel: str | None = None) -> tuple[Posted, ...]:
        """What only this person sees, in one channel or anywhere."""
        with self._state.changed:
            own = tuple(m for m in self._state.messages if m.seen_by == self._id(to))
        return tuple(m for m in own if channel in (None, m.channel))

    def form(self, of: str) -> dict[str, Any] | None:
        """The form that this person has open."""
        return self._state.views.get(self._id(of))

    @property
    def files(self) -> dict[str, bytes]:
        return dict(self._state.files)

    @property
    def calls(self) -> tuple[str, ...]:
        """Every method that the app has called so far."""
        return tuple(self._state.calls)

    @property
    def connections_made(self) -> int:
        """How many sockets were accepted so far."""
        return self._sockets.accepted

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._sockets.connections)

    def wait_for(self, condition: Callable[[], T], seconds: float = 15.0) -> T:
        """The first true value of the condition.

        Raises:
            TimeoutError: it did not come true in time; the message is the conversation so far.
        """
        try:
            return self._state.wait(condition, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.transcript()}") from None

    def transcript(self) -> str:
        """The whole conversation, replies below their parent and indented; a question as it was asked, too."""
        lines: list[str] = []
        for parent in self.parents():
            lines += _told(parent, "", self._state.people)
            for reply in self.thread(parent.ts):
                lines += _told(reply, "    ", self._state.people)
        with self._state.changed:
            whispered = [m for m in self._state.messages if m.seen_by is not None]
        for whisper in whispered:
            lines += _told(whisper, "  ", self._state.people)
        return "\n".join(lines)

    # What people do

    def click(
        self,
        message: Posted,
        action: str,
        by: str = "anna",
        *,
        value: str | None = None,
        age: float = 0.0,
        forge: bool = False,
    ) -> Delivery:
        """Click a button.

        Args:
            value: instead of what the button carries, as nobody but a forger could.
            age: seconds for which a signed request was on its way.
            forge: sign it with another secret.
        """
        user, trigger = self._id(by), f"{self._state.next_number()}.{secrets.token_hex(4)}"
        self._state.triggers[trigger] = user, time.monotonic() + TRIGGER_SECONDS
        carried = message.value_of(action) if value is None else value
        pressed = {"type": "button", "action_id": action, "value": carried, "action_ts": f"{time.time():.6f}"}
        payload = {
            "type": "block_actions",
            "user": {"id": user, "name": by},
            "channel": {"id": message.channel},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "message": {"ts": message.ts, "text": message.text},
            "trigger_id": trigger,
            "actions": [pressed],
        }
        return self._deliver(payload, age, forge)

    def click_at_once(self, *clicks: tuple[Posted, str, str]) -> None:
        """Several people, each a button, in the same moment."""
        with ThreadPoolExecutor(len(clicks)) as crowd:
            list(crowd.map(lambda c: self.click(c[0], c[1], by=c[2]), clicks))

    def submit(self, by: str, values: dict[str, str]) -> Delivery:
        """Send the open form; `values` by block id."""
        view = self._state.views.pop(self._id(by))
        fields = {b["block_id"]: b["element"]["action_id"] for b in view["blocks"] if b["type"] == "input"}
        state = {block: {action: {"value": values[block]}} for block, action in fields.items()}
        filled = {**view, "state": {"values": state}}
        return self._deliver({"type": "view_submission", "user": {"id": self._id(by)}, "view": filled}, 0.0, False)

    def redeliver(self) -> Delivery:
        """The last envelope once more, although it was acknowledged; or the last request, signature and all."""
        if self.interactivity_url is not None and self._last is not None:
            return self._last.send(self.interactivity_url)
        return self._in_loop(self._sockets.again())

    def delete(self, message: Posted) -> None:
        self._state.remove(self.find(message))

    def new_channel(self) -> str:
        """Another channel, with the app in it."""
        channel = f"C0NEW{self._state.next_number()}"
        self._state.channels.add(channel)
        return channel

    def join(self, group: str, who: str) -> None:
        """Make somebody a member of a user group."""
        self._state.groups.setdefault(group, set()).add(self._id(who))

    # What goes wrong

    def limit(self, calls: int, retry_after: int = 1, method: str | None = None) -> None:
        """Answer the next calls, of one method or of any, with 429."""
        self._state.limited += [(method, retry_after)] * calls

    def disconnect_sockets(self, reason: str = "refresh_requested") -> None:
        self._in_loop(self._sockets.disconnect(reason))

    def drop_sockets(self) -> None:
        self._in_loop(self._sockets.drop())

    def silence_sockets(self) -> None:
        """Keep them open, and neither read nor answer any more: not even a ping, as after a cut of the network."""

        async def stop_reading() -> None:
            assert self._server is not None  # noqa: S101 (there are no sockets without it)
            for connection in self._server.server_state.connections:
                if isinstance(connection, WebSocketsSansIOProtocol):
                    connection.transport.pause_reading()

        self._in_loop(stop_reading())

    def go_away(self) -> None:
        """Refuse connections until `come_back`."""
        if self._server is not None and self._thread is not None:
            self._server.force_exit = self._server.should_exit = True
            self._thread.join(timeout=10)
            self._server = None
            self._sockets.connections.clear()

    def come_back(self) -> None:
        """Listen again, where it was."""
        routes = [
            Route("/api/{method}", self._api.call, methods=["GET", "POST"]),
            Route("/upload/{file}", self._api.upload, methods=["POST"]),
            WebSocketRoute("/link", self._sockets.accept),
        ]
        self._api.address = f"http://{_LOOPBACK}:{self._port}"
        self._api.open_connection = lambda: f"ws://{_LOOPBACK}:{self._port}/link?ticket={self._sockets.new_ticket()}"
        config = uvicorn.Config(
            Starlette(routes=routes),
            _LOOPBACK,
            self._port,
            log_level="critical",
            lifespan="off",
            ws="websockets-sansio",
        )
        server = self._server = uvicorn.Server(config)
        loop_is_there = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            loop_is_there.set()
            await server.serve()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), name="practice-slack", daemon=True)
        self._thread.start()
        loop_is_there.wait(10)
        while not server.started and self._thread.is_alive():
            time.sleep(0.01)

    # Within

    def _deliver(self, payload: dict[str, Any], age: float, forge: bool) -> Delivery:
        if self.interactivity_url is not None:
            secret = "another" if forge else self.signing_secret
            self._last = Signed.of(payload, secret, age)
            return self._last.send(self.interactivity_url)
        return self._in_loop(self._sockets.deliver(payload))

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def _id(self, who: str) -> str:
        return next((i for i, name in self._state.people.items() if who in (i, name.split()[0].lower())), who)


def _told(posted: Posted, indent: str, people: dict[str, str]) -> list[str]:
    author = "gpmedic" if posted.user == BOT else people.get(posted.user, posted.user)
    only = f" (only {people.get(posted.seen_by, posted.seen_by)} sees this)" if posted.seen_by else ""
    edited = f" (edited {posted.edits} times)" if posted.edits else ""
    files = [f"[file] {name}" for name in posted.files]
    clock = time.strftime("%H:%M:%S", time.gmtime(float(posted.ts)))
    head = f"{indent}{clock} {author}{only}{edited}:"
    before = _told(posted.first, indent, people) if posted.first and posted.thread_ts and posted.first.buttons else []
    shown = _DATE.sub(r"\1", posted.words).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return [*before, head, *(f"{indent}  {line}" for line in (*shown.splitlines(), *files))]
