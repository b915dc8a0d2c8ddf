"""Slack's Web API, as far as gpmedic uses it: the only place that talks to Slack."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from gpmedic.errors import AccessRefused, Transient
from gpmedic.slack.block_kit import Message
from gpmedic.slack.who_may import Decider

TIMEOUT: Final = 10
"""Seconds for one call."""
PAUSE: Final = 5.0
"""Seconds after which a Slack that does not answer is tried again."""
GROUPS_KNOWN_FOR: Final = 60.0
"""Seconds for which the members of a user group are believed."""
_PASSES: Final = frozenset({"ratelimited", "fatal_error", "internal_error", "service_unavailable", "request_timeout"})
GONE: Final = frozenset({"message_not_found", "thread_not_found", "cant_update_message"})
_ADVICE: Final[Mapping[str, str]] = {
    "channel_not_found": "Correct slack.channel of the cluster.",
    "not_in_channel": "Invite the app into the channel: /invite @gpmedic.",
    "is_archived": "Name a channel that is in use in slack.channel of the cluster.",
    "missing_scope": "Install the app again from deployments/slack-app-manifest.yaml.",
}


class SlackAway(Transient):
    """Slack does not answer, or wants to be left alone for a while.

    Args:
        retry_after: seconds.
        limited: it counts all our calls, whatever they are about.

    Attributes:
        what: what Slack does or does not do, without its name.
    """

    def __init__(self, what: str, retry_after: float = PAUSE, *, limited: bool = False) -> None:
        super().__init__(
            f"Slack {what}; recoveries go on without it.", "Answer with gpmedic approve or Prefect's page."
        )
        self.what = what
        self.retry_after = retry_after
        self.limited = limited


class MessageGone(Transient):
    """The message that was to be changed is not there any more."""


class Slack:
    """One app in one workspace. Not for several threads at once, except `open_form` and `whisper`."""

    def __init__(self, bot_token: str, base_url: str = WebClient.BASE_URL) -> None:
        self._client = WebClient(bot_token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        self._names: dict[str, str] = {}

    def who_am_i(self) -> str:
        """The app's own user id; the call that shows whether the token is right."""
        return str(self._call("auth.test")["user_id"])

    def post(self, channel: str, what: Message, thread: str | None = None) -> str:
        """Post a message, as a reply where a thread is given; its ts."""
        more = {} if thread is None else {"thread_ts": thread}
        return str(self._call("chat.postMessage", channel=channel, **_body(what), **more)["ts"])

    def update(self, channel: str, ts: str, what: Message) -> None:
        """Put another message in the place of one.

        Raises:
            MessageGone: somebody has deleted it.
        """
        self._call("chat.update", channel=channel, ts=ts, **_body(what))

    def whisper(self, channel: str, user: str, what: Message, thread: str | None = None) -> None:
        """Say something in the channel that only this person sees."""
        more = {} if thread is None else {"thread_ts": thread}
        self._call("chat.postEphemeral", channel=channel, user=user, **_body(what), **more)

    def open_form(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a form for whoever clicked; Slack takes the trigger for three seconds."""
        self._call("views.open", trigger_id=trigger, view=view)

    def upload(self, channel: str, thread: str, comment: str, files: Mapping[str, bytes]) -> None:
        """Attach files to a thread, all in one message."""
        uploads = [{"filename": name, "content": content} for name, content in files.items()]
        _guarded(
            "files_upload_v2",
            lambda: self._client.files_upload_v2(
                channel=channel, thread_ts=thread, initial_comment=comment, file_uploads=uploads
            ),
        )

    def decider(self, user: str, groups: Iterable[str]) -> Decider:
        """Who a person is, with those of the groups to which they belong."""
        belongs = frozenset(group for group in groups if user in self._members_of(group))
        return Decider(user, belongs, self._name(user))

    def know(self, approver: str) -> None:
        """Look a person or a user group up; AccessRefused where Slack knows none by this id."""
        if approver.startswith("S"):
            self._members_of(approver)
        else:
            self._name(approver)

    def know_channel(self, channel: str) -> None:
        """Try a channel without posting: a message that never was is changed, and Slack misses only the message.

        Raises:
            AccessRefused: Slack knows no such channel, or the app may not write there.
        """
        with suppress(MessageGone):
            self._call("chat.update", channel=channel, ts="1000000000.000000", text="-")

    def _members_of(self, group: str) -> frozenset[str]:
        known = self._members.get(group)
        if known is None or time.monotonic() - known[0] > GROUPS_KNOWN_FOR:
            members = frozenset(map(str, self._ask("usergroups.users.list", usergroup=group)["users"]))
            known = self._members[group] = time.monotonic(), members
        return known[1]

    def _name(self, user: str) -> str:
        if user not in self._names:
            profile = self._ask("users.info", user=user)["user"]
            self._names[user] = str(profile.get("real_name") or profile.get("name") or user)
        return self._names[user]

    def _call(self, method: str, **arguments: Any) -> Any:
        return _guarded(method, lambda: self._client.api_call(method, json=arguments))

    def _ask(self, method: str, **arguments: str) -> Any:
        # Methods that only read take no JSON.
        return _guarded(method, lambda: self._client.api_call(method, http_verb="GET", params=arguments))


def try_app_token(app_token: str, base_url: str = WebClient.BASE_URL) -> None:
    """Ask for the address of a socket, which shows whether the app-level token is right.

    Raises:
        SlackAway: Slack does not answer.
        AccessRefused: it refuses the token.
    """
    client = WebClient(base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
    _guarded("apps.connections.open", lambda: client.apps_connections_open(app_token=app_token))


def _guarded(method: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except SlackApiError as error:
        raise _meaning(method, error) from None
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        raise SlackAway(f"cannot be reached ({getattr(error, 'reason', error) or type(error).__name__})") from None


def _body(what: Message) -> dict[str, Any]:
    return {"text": what.text, "blocks": list(what.blocks), "unfurl_links": False, "unfurl_media": False}


def _meaning(method: str, error: SlackApiError) -> Exception:
    response = error.response
    code, status = str(response.get("error", "")), int(response.status_code)
    if code in GONE:
        return MessageGone(f"Slack's {method}: {code}.", "It is posted anew.")
    if status == 429 or status >= 500 or code in _PASSES:
        wanted = str(response.headers.get("Retry-After", ""))
        pause = float(wanted) if wanted.isdecimal() else PAUSE
        return SlackAway(f"answers {code or status} to {method}", pause, limited=status == 429)
    if method == "apps.connections.open":
        code, advice = f"{code} (the app-level token)", "It begins with xapp- and needs the scope connections:write."
        return AccessRefused(f"Slack refuses {method}: {code}.", advice)
    advice = _ADVICE.get(code, "Check the app's token and scopes: deployments/slack-app-manifest.yaml.")
    return AccessRefused(f"Slack refuses {method}: {code}.", advice)
