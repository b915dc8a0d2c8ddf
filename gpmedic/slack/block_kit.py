"""The few parts of Slack's Block Kit that gpmedic uses, none longer than Slack takes.

Whatever came from a cluster or from a person goes through `escaped` or `code`: in Slack's own markup `<!channel>` would
call everybody, and `<@U1>` a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gpmedic.table import plain

Block = dict[str, Any]

MESSAGE_TEXT: Final = 3900
SECTION: Final = 3000
HEADER: Final = 150
CONTEXT: Final = 2000
BUTTON: Final = 75
MODAL_TITLE: Final = 24
MOST_BLOCKS: Final = 50


class Style(StrEnum):
    PLAIN = ""
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `text` is what notifications and screen readers get."""

    text: str
    blocks: tuple[Block, ...]


def escaped(text: object) -> str:
    """Somebody's words as one line that calls nobody and links nowhere."""
    return _inert(plain(text))


def _inert(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: object) -> str:
    """A command, a name or a path, in the font of such."""
    line = escaped(text).replace("`", "'")
    return f"`{line}`" if line else ""


def cut(text: str, limit: int) -> str:
    """At most so many characters; what is missing is said."""
    return text if len(text) <= limit else f"{text[: limit - 2].rstrip()} …"


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": cut(plain(text), HEADER)}}


def section(markup: str) -> Block:
    return {"type": "section", "text": _markup(cut(markup, SECTION))}


def context(markup: str) -> Block:
    return {"type": "context", "elements": [_markup(cut(markup, CONTEXT))]}


def _markup(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # what looks like a link or a channel stays text


def button(action: str, label: str, value: str, style: Style = Style.PLAIN) -> Block:
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": cut(label, BUTTON)},
        "value": value,
    }
    return made | ({"style": style.value} if style is not Style.PLAIN else {})


def buttons(*made: Block) -> Block:
    return {"type": "actions", "elements": list(made)}


def listing(lines: Iterable[str], limit: int = SECTION) -> str:
    """Lines of markup that fit into one section; of those that do not, the number."""
    kept: list[str] = []
    rest = list(lines)
    room = limit - len("… and 99999 more")
    while rest and room >= len(rest[0]) + 1:
        room -= len(rest[0]) + 1
        kept.append(rest.pop(0))
    if rest:
        kept.append(f"… and {len(rest)} more")
    return "\n".join(kept)


def preformatted(text: str, most_blocks: int = 3) -> tuple[Block, ...]:
    """Lines in a fixed font, cut between lines into sections; all of a message may have some 13 000 characters."""
    safe = _inert(text).replace("`", "'")
    chunks: list[str] = [""]
    for line in (cut(line, SECTION - 20) for line in safe.splitlines()):
        if len(chunks[-1]) + len(line) + 1 > SECTION - 20:
            chunks.append("")
        chunks[-1] += f"{line}\n"
    shown = [section(f"```\n{chunk}```") for chunk in chunks[:most_blocks] if chunk]
    if len(chunks) > most_blocks:
        shown.append(context("The rest is in Prefect's page."))
    return tuple(shown)


def message(text: str, blocks: Sequence[Block]) -> Message:
    return Message(cut(escaped(text), MESSAGE_TEXT), tuple(blocks[:MOST_BLOCKS]))
