"""A message or a form in the reader's language; what a button carries back and what Slack itself reads stays."""

from typing import Any

from gpmedic.languages.language import Say
from gpmedic.slack.block_kit import MESSAGE_TEXT, SECTION, Message, cut


def message_in(message: Message, say: Say) -> Message:
    """The message in this language, none of its texts longer than Slack takes."""
    if say is str:
        return message
    return Message(cut(say(message.text), MESSAGE_TEXT), tuple(_said(block, say) for block in message.blocks))


def view_in(view: dict[str, Any], say: Say) -> dict[str, Any]:
    """The form in this language."""
    said: dict[str, Any] = _said(view, say)
    return said


def _said(part: Any, say: Say) -> Any:
    if isinstance(part, dict):
        text = part.get("text")
        if isinstance(text, str):  # a text object; else `text` is one, or there is none
            return {**part, "text": cut(say(text), SECTION)}
        return {key: _said(value, say) for key, value in part.items()}
    return [_said(one, say) for one in part] if isinstance(part, list) else part
