"""The methods of Slack's Web API that gpmedic calls, with Slack's answers and errors."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from gpmedic.practice.slack.limits import wrong_message, wrong_view
from gpmedic.practice.slack.state import Posted, State

TRIGGER_SECONDS: Final = 3.0
BOT: Final = "U0GPMEDIC"
Arguments = dict[str, Any]
_SCOPES: Final[Mapping[str, str]] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
}
_ONLY_FORMS: Final = frozenset({"users.info", "usergroups.users.list", "files.getUploadURLExternal"})


class Refusal(Exception):
    """An answer with `ok` false."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class WebApi:
    """Answers calls; `scopes` are those of the app's bot token."""

    def __init__(self, state: State, bot_token: str, app_token: str, scopes: frozenset[str]) -> None:
        self._state, self._bot_token, self._app_token, self._scopes = state, bot_token, app_token, scopes
        self.address = ""
        self.open_connection: Callable[[], str] = lambda: ""

    async def call(self, request: Request) -> Response:
        method = request.path_params["method"]
        arguments, token = await _arguments(request)
        self._state.calls.append(method)
        if (wait := self._limit(method)) is not None:
            return JSONResponse(
                {"ok": False, "error": "ratelimited"}, status_code=429, headers={"Retry-After": str(wait)}
            )
        try:
            self._check(method, token, request)
            return JSONResponse({"ok": True, **self._answer(method, arguments)})
        except Refusal as refusal:
            return JSONResponse(refusal.body)

    async def upload(self, request: Request) -> Response:
        key = request.path_params["file"]
        content = await request.body()
        if key not in self._state.uploads:
            return PlainTextResponse("not found", 404)
        self._state.uploads[key] = (self._state.uploads[key][0], content)
        return PlainTextResponse(f"OK - {len(content)}")

    def _limit(self, method: str) -> int | None:
        for place, (which, wait) in enumerate(self._state.limited):
            if which in (None, method):
                del self._state.limited[place]
                return wait
        return None

    def _check(self, method: str, token: str, request: Request) -> None:
        if method == "apps.connections.open":
            if token != self._app_token:
                raise Refusal("not_allowed_token_type" if token == self._bot_token else "invalid_auth")
            return
        if token != self._bot_token:
            raise Refusal("not_allowed_token_type" if token == self._app_token else "invalid_auth")
        needed = _SCOPES.get(method)
        if needed is not None and needed not in self._scopes:
            raise Refusal("missing_scope", needed=needed, provided=",".join(sorted(self._scopes)))
        if method in _ONLY_FORMS and request.headers.get("content-type", "").startswith("application/json"):
            raise Refusal("invalid_arguments")

    def _answer(self, method: str, arguments: Arguments) -> dict[str, Any]:
        answers: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": lambda _: {"user_id": BOT, "user": "gpmedic", "team_id": "T0LAB", "bot_id": "B0GPMEDIC"},
            "apps.connections.open": lambda _: {"url": self.open_connection()},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "users.info": self._user,
            "usergroups.users.list": self._members,
            "views.open": self._open_view,
            "files.getUploadURLExternal": self._begin_upload,
            "files.completeUploadExternal": self._end_upload,
        }
        if method not in answers:
            raise Refusal("unknown_method")
        return answers[method](arguments)

    def _post(self, a: Arguments) -> dict[str, Any]:
        posted = self._state.add(self._message(a))
        return {"channel": posted.channel, "ts": posted.ts}

    def _message(self, a: Arguments, seen_by: str | None = None) -> Posted:
        if a.get("channel") not in self._state.channels:
            raise Refusal("channel_not_found")
        if not a.get("text") and not a.get("blocks"):
            raise Refusal("no_text")
        if wrong := wrong_message(a.get("text"), a.get("blocks")):
            raise Refusal("invalid_blocks", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
        thread = a.get("thread_ts")
        if thread is not None and self._state.find(a["channel"], thread) is None:
            raise Refusal("thread_not_found")
        blocks = tuple(a.get("blocks") or ())
        return Posted(a["channel"], "", BOT, str(a.get("text") or ""), blocks, thread, seen_by=seen_by)

    def _update(self, a: Arguments) -> dict[str, Any]:
        fresh = self._message({**a, "thread_ts": None})
        old = self._state.find(a["channel"], str(a.get("ts")))
        if old is None:
            raise Refusal("message_not_found")
        if old.user != BOT:
            raise Refusal("cant_update_message")
        self._state.change(old, text=fresh.text, blocks=fresh.blocks)
        return {"channel": old.channel, "ts": old.ts, "text": fresh.text}

    def _whisper(self, a: Arguments) -> dict[str, Any]:
        if a.get("user") not in self._state.people:
            raise Refusal("user_not_in_channel")
        return {"message_ts": self._state.add(self._message(a, seen_by=a["user"])).ts}

    def _user(self, a: Arguments) -> dict[str, Any]:
        name = self._state.people.get(str(a.get("user")))
        if name is None:
            raise Refusal("user_not_found")
        return {"user": {"id": a["user"], "name": name.split()[0].lower(), "real_name": name}}

    def _members(self, a: Arguments) -> dict[str, Any]:
        if a.get("usergroup") not in self._state.groups:
            raise Refusal("no_such_subteam")
        return {"users": sorted(self._state.groups[a["usergroup"]])}

    def _open_view(self, a: Arguments) -> dict[str, Any]:
        user, until = self._state.triggers.pop(str(a.get("trigger_id")), ("", 0.0))
        if not user:
            raise Refusal("invalid_trigger_id")
        if until < time.monotonic():
            raise Refusal("expired_trigger_id")
        if wrong := wrong_view(a.get("view")):
            raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
        view = {**a["view"], "id": f"V0{self._state.next_number()}"}
        with self._state.changed:
            self._state.views[user] = view
            self._state.changed.notify_all()
        return {"view": view}

    def _begin_upload(self, a: Arguments) -> dict[str, Any]:
        if not a.get("filename") or not str(a.get("length", "")).isdecimal():
            raise Refusal("invalid_arguments")
        key = f"F0{self._state.next_number()}"
        self._state.uploads[key] = (str(a["filename"]), None)
        return {"file_id": key, "upload_url": f"{self.address}/upload/{key}"}

    def _end_upload(self, a: Arguments) -> dict[str, Any]:
        names = []
        for one in a["files"]:
            name, content = self._state.uploads.pop(one["id"], ("", None))
            if content is None:
                raise Refusal("file_not_found")
            self._state.files[name] = content
            names.append(name)
        shown = self._message({**a, "channel": a.get("channel_id"), "text": a.get("initial_comment") or "files"})
        self._state.add(Posted(shown.channel, "", BOT, shown.text, (), shown.thread_ts, tuple(names)))
        return {"files": a["files"]}


async def _arguments(request: Request) -> tuple[Arguments, str]:
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        given: Arguments = json.loads(await request.body() or b"{}")
    else:
        given = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    given = {**dict(request.query_params), **given}
    for name in ("blocks", "files", "view"):
        if isinstance(given.get(name), str):
            given[name] = json.loads(given[name])
    return given, request.headers.get("authorization", "").removeprefix("Bearer ")
