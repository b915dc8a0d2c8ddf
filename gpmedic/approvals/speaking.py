"""Slack in the language of a cluster: whatever is posted for it is said in that."""

from collections.abc import Mapping
from typing import Any

from gpmedic.access.slack import Slack
from gpmedic.languages.language import Language, saying
from gpmedic.slack.block_kit import Message
from gpmedic.slack.in_language import message_in, view_in


class Speaking:
    """The calls of `Slack` that show people something; they raise what those raise."""

    def __init__(self, slack: Slack, language: Language) -> None:
        self._slack, self._say, self.language = slack, saying(language), language

    def post(self, channel: str, what: Message, thread: str | None = None) -> str:
        return self._slack.post(channel, message_in(what, self._say), thread)

    def update(self, channel: str, ts: str, what: Message) -> None:
        self._slack.update(channel, ts, message_in(what, self._say))

    def whisper(self, channel: str, user: str, what: Message, thread: str | None = None) -> None:
        self._slack.whisper(channel, user, message_in(what, self._say), thread)

    def open_form(self, trigger: str, view: dict[str, Any]) -> None:
        self._slack.open_form(trigger, view_in(view, self._say))

    def upload(self, channel: str, thread: str, comment: str, files: Mapping[str, bytes]) -> None:
        self._slack.upload(channel, thread, self._say(comment), files)
