"""Socket Mode: Slack's clicks through a connection that the service opens, so that nothing listens to the world."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from gpmedic.access.slack import try_app_token

PING_EVERY: Final = 0.45
"""Seconds; a connection that is cut was made anew after 0.6 s, one that only went silent after 3.0 to 3.5 s; with the
library's own 5 that took 22 to 27 s."""


@contextmanager
def listening(app_token: str, base_url: str, receive: Callable[[object], None]) -> Iterator[SocketModeClient]:
    """Have `receive` called with each click while the connection is kept, and made anew where it was lost.

    Raises:
        SlackAway: Slack does not answer.
        AccessRefused: it refuses the token.
    """
    try_app_token(app_token, base_url)  # what the library says of a wrong one is no error of ours
    client = SocketModeClient(app_token, web_client=WebClient(base_url=base_url), ping_interval=PING_EVERY)

    def acknowledge_and_receive(from_client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        # Slack waits for three seconds and sends it again; so the work comes after the answer.
        from_client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type == "interactive":
            receive(request.payload)

    client.socket_mode_request_listeners.append(acknowledge_and_receive)
    client.connect()
    try:
        yield client
    finally:
        client.close()
