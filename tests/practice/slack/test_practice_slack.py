"""The stand-in answers as Slack does, to Slack's own library."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from gpmedic.practice.slack import PracticeSlack
from gpmedic.practice.slack.delivery import ACK_SECONDS
from gpmedic.practice.slack.limits import LIMITS, Limit, wrong_message, wrong_view
from gpmedic.practice.slack.workspace import SCOPES

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "v"}
ACTIONS = {"type": "actions", "elements": [BUTTON]}
VIEW = {
    "type": "modal",
    "callback_id": "c",
    "private_metadata": "kept",
    "title": {"type": "plain_text", "text": "Why"},
    "submit": {"type": "plain_text", "text": "Send"},
    "close": {"type": "plain_text", "text": "Back"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
}


@pytest.fixture
def slack() -> Iterator[PracticeSlack]:
    with PracticeSlack() as workspace:
        yield workspace


def client_of(slack: PracticeSlack, token: str | None = None) -> WebClient:
    return WebClient(token or slack.bot_token, base_url=slack.api_url, retry_handlers=[])


class App:
    """An app that acknowledges, or does not, and keeps what it was sent."""

    def __init__(self, slack: PracticeSlack, *, acknowledges: bool = True) -> None:
        self.got: list[SocketModeRequest] = []
        self._acknowledges = acknowledges
        self._socket = SocketModeClient(slack.app_token, web_client=WebClient(base_url=slack.api_url), ping_interval=1)
        self._socket.socket_mode_request_listeners.append(self._hear)
        self._socket.connect()

    def _hear(self, client: Any, request: SocketModeRequest) -> None:
        self.got.append(request)
        if self._acknowledges:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    def close(self) -> None:
        self._socket.close()


def error_of(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(*args, **more)
    return str(refused.value.response["error"])


def test_messages_are_posted_changed_and_seen_in_their_thread(slack: PracticeSlack) -> None:
    app = client_of(slack)
    ts = app.chat_postMessage(channel=slack.channel, text="one", blocks=[ACTIONS])["ts"]
    app.chat_postMessage(channel=slack.channel, text="two", thread_ts=ts)
    app.chat_update(channel=slack.channel, ts=ts, text="changed", blocks=[])
    [parent] = slack.parents()
    assert (parent.text, parent.edits, parent.buttons) == ("changed", 1, ())
    assert [m.text for m in slack.thread(ts)] == ["two"]
    app.chat_postEphemeral(channel=slack.channel, user="U0ANNA", text="psst")
    assert [m.text for m in slack.whispers("anna")] == ["psst"]
    assert "psst" not in [m.text for m in slack.messages]
    assert "Anna Ahn sees this" in slack.transcript()


def test_wrong_tokens_scopes_channels_and_messages_are_refused_in_slacks_words(slack: PracticeSlack) -> None:
    app = client_of(slack)
    assert error_of(client_of(slack, "xoxb-wrong").auth_test) == "invalid_auth"
    assert error_of(app.apps_connections_open, app_token=slack.bot_token) == "not_allowed_token_type"
    assert error_of(app.chat_postMessage, channel="C0OTHER", text="x") == "channel_not_found"
    assert error_of(app.chat_update, channel=slack.channel, ts="1.0", text="x") == "message_not_found"
    assert error_of(app.usergroups_users_list, usergroup="S0NONE") == "no_such_subteam"
    with PracticeSlack(SCOPES - {"chat:write"}) as poor:
        assert error_of(client_of(poor).chat_postMessage, channel=poor.channel, text="x") == "missing_scope"


def test_people_and_groups_are_asked_by_forms_alone(slack: PracticeSlack) -> None:
    app = client_of(slack)
    assert app.users_info(user="U0ANNA")["user"]["real_name"] == "Anna Ahn"
    slack.join("S0DBAS", "anna")
    assert app.usergroups_users_list(usergroup="S0DBAS")["users"] == ["U0ANNA", "U0CAROL"]
    assert error_of(app.api_call, "users.info", json={"user": "U0ANNA"}) == "invalid_arguments"


def test_files_come_into_the_thread_with_their_content(slack: PracticeSlack) -> None:
    app = client_of(slack)
    ts = app.chat_postMessage(channel=slack.channel, text="one")["ts"]
    files = [{"filename": "a.md", "content": b"# a"}, {"filename": "b.png", "content": b"\x89PNG"}]
    app.files_upload_v2(channel=slack.channel, thread_ts=ts, initial_comment="the report", file_uploads=files)
    assert slack.files == {"a.md": b"# a", "b.png": b"\x89PNG"}
    [reply] = slack.thread(ts)
    assert (reply.text, reply.files) == ("the report", ("a.md", "b.png"))


def test_too_many_calls_are_answered_with_429_and_when_to_come_again(slack: PracticeSlack) -> None:
    slack.limit(1, retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        client_of(slack).auth_test()
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "7"
    client_of(slack).auth_test()


def test_a_slack_that_is_away_refuses_connections_and_comes_back_with_all_it_knew(slack: PracticeSlack) -> None:
    app = client_of(slack)
    app.chat_postMessage(channel=slack.channel, text="one")
    slack.go_away()
    with pytest.raises(OSError, match="refused"):
        app.auth_test()
    slack.come_back()
    app.auth_test()
    assert [m.text for m in slack.messages] == ["one"]


def test_a_click_comes_through_one_socket_and_is_acknowledged(slack: PracticeSlack) -> None:
    apps = [App(slack), App(slack)]
    client_of(slack).chat_postMessage(channel=slack.channel, text="one", blocks=[ACTIONS])
    delivered = slack.click(slack.messages[0], "go", by="boris")
    assert (delivered.times, delivered.acked_after is not None) == (1, True)
    [request] = [r for app in apps for r in app.got]
    assert request.payload["user"]["id"] == "U0BORIS"
    assert request.payload["actions"][0]["value"] == "v"
    slack.redeliver()
    again = [r for app in apps for r in app.got]
    assert [r.retry_attempt for r in again] in ([0, 1], [1, 0])
    assert len({r.envelope_id for r in again}) == 1
    for app in apps:
        app.close()


def test_what_is_not_acknowledged_in_time_is_delivered_again() -> None:
    assert ACK_SECONDS == 3
    with PracticeSlack(ack_seconds=0.5) as slack:
        app = App(slack, acknowledges=False)
        client_of(slack).chat_postMessage(channel=slack.channel, text="one", blocks=[ACTIONS])
        began = time.monotonic()
        delivered = slack.click(slack.messages[0], "go")
        assert (delivered.times, delivered.acked_after) == (3, None)
        assert time.monotonic() - began >= 1.5
        assert [r.retry_attempt for r in app.got] == [0, 1, 2]
        app.close()


@pytest.mark.parametrize("fault", ["drop_sockets", "disconnect_sockets"])
def test_a_lost_connection_is_made_anew(slack: PracticeSlack, fault: str) -> None:
    app = App(slack)
    slack.wait_for(lambda: slack.connections == 1)
    opened = slack.calls.count("apps.connections.open")
    getattr(slack, fault)()
    slack.wait_for(lambda: slack.calls.count("apps.connections.open") > opened)
    slack.wait_for(lambda: slack.connections == 1)
    app.close()


def test_a_form_opens_within_three_seconds_of_a_click_and_brings_back_what_was_written(slack: PracticeSlack) -> None:
    app, web = App(slack), client_of(slack)
    web.chat_postMessage(channel=slack.channel, text="one", blocks=[ACTIONS])
    slack.click(slack.messages[0], "go")
    trigger = app.got[0].payload["trigger_id"]
    web.views_open(trigger_id=trigger, view=VIEW)
    assert error_of(web.views_open, trigger_id=trigger, view=VIEW) == "invalid_trigger_id"
    assert slack.form("anna") is not None
    slack.submit("anna", {"b": "backup runs"})
    view = app.got[1].payload["view"]
    assert view["state"]["values"]["b"]["a"]["value"] == "backup runs"
    assert view["private_metadata"] == "kept"
    slack.click(slack.messages[0], "go")
    slack._state.triggers[app.got[2].payload["trigger_id"]] = "U0ANNA", 0.0
    late = error_of(web.views_open, trigger_id=app.got[2].payload["trigger_id"], view=VIEW)
    assert late == "expired_trigger_id"
    app.close()


def filled(limit: Limit, size: int) -> Any:
    """The smallest valid part of this kind, with this field so long."""
    parts: dict[str, dict[str, Any]] = {
        "section": {"type": "section", "text": {"type": "mrkdwn", "text": "x"}},
        "header": {"type": "header", "text": {"type": "plain_text", "text": "x"}},
        "context": {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]},
        "actions": {"type": "actions", "elements": [BUTTON]},
        "button": dict(BUTTON),
        "input": dict(VIEW["blocks"][0]),  # type: ignore[call-overload, index]
        "plain_text_input": {"type": "plain_text_input", "action_id": "a"},
        "modal": dict(VIEW),
    }
    part, path = parts[limit.kind], limit.path.split(".")
    if path == ["elements"]:
        one = part["elements"][0]
        return {
            **part,
            "elements": [{**one, **({"action_id": str(n)} if "action_id" in one else {})} for n in range(size)],
        }
    if path == ["elements", "*", "text"]:
        return {**part, "elements": [{"type": "mrkdwn", "text": "x" * size}]}
    if len(path) == 1:
        return {**part, path[0]: "x" * size}
    return {**part, path[0]: {**part[path[0]], path[1]: "x" * size}}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit.kind}-{limit.path}")
def test_each_limit_is_kept_to_the_letter(limit: Limit) -> None:
    def wrong(size: int) -> list[str]:
        part = filled(limit, size)
        if limit.kind == "modal":
            return wrong_view(part)
        if limit.kind == "button":
            return wrong_message("x", [{"type": "actions", "elements": [part]}])
        if limit.kind == "plain_text_input":
            return wrong_message("x", [{**VIEW["blocks"][0], "element": part}])  # type: ignore[dict-item, index]
        return wrong_message("x", [part])

    assert wrong(limit.most) == []
    assert wrong(limit.most + 1)


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "table"}],
        [{"type": "section"}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "actions", "elements": [BUTTON, BUTTON]}],
        [{"type": "actions", "elements": [{**BUTTON, "style": "green"}]}],
        [{**ACTIONS, "block_id": "same"}, {**ACTIONS, "block_id": "same"}],
        [ACTIONS] * 51,
    ],
)
def test_blocks_that_slack_does_not_know_are_refused(slack: PracticeSlack, blocks: list[dict[str, Any]]) -> None:
    post = client_of(slack).chat_postMessage
    assert error_of(post, channel=slack.channel, text="x", blocks=blocks) == "invalid_blocks"
