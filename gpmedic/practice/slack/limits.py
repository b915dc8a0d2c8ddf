"""What Slack takes in a message or a form: documented limits as one table, and what is wrong with a payload."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
TEXT: Final = 4000


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest a field of a kind of block or element may be: characters, or parts of a list."""

    kind: str
    path: str
    most: int


LIMITS: Final[tuple[Limit, ...]] = (
    Limit("section", "text.text", 3000),
    Limit("header", "text.text", 150),
    Limit("context", "elements", 10),
    Limit("context", "elements.*.text", 3000),
    Limit("actions", "elements", 25),
    Limit("button", "text.text", 75),
    Limit("button", "value", 2000),
    Limit("button", "action_id", 255),
    Limit("input", "label.text", 2000),
    Limit("input", "block_id", 255),
    Limit("section", "block_id", 255),
    Limit("plain_text_input", "action_id", 255),
    Limit("modal", "title.text", 24),
    Limit("modal", "submit.text", 24),
    Limit("modal", "close.text", 24),
    Limit("modal", "private_metadata", 3000),
    Limit("modal", "callback_id", 255),
)
# What each kind cannot do without, and of which kinds its parts are.
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "section": ("text",),
    "header": ("text",),
    "context": ("elements",),
    "actions": ("elements",),
    "input": ("label", "element"),
    "divider": (),
    "button": ("text", "action_id"),
    "plain_text_input": ("action_id",),
    "modal": ("title", "blocks"),
}
_BLOCKS: Final = frozenset({"section", "header", "context", "actions", "input", "divider"})
_STYLES: Final = frozenset({"primary", "danger"})


def wrong_message(text: object, blocks: object) -> list[str]:
    """What Slack would refuse in a message, one line each."""
    found = [] if len(str(text or "")) <= TEXT else [f"text is longer than {TEXT} characters"]
    return found + list(_wrong_blocks(blocks or [], MESSAGE_BLOCKS))


def wrong_view(view: object) -> list[str]:
    """The same in a form."""
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["a view is of type modal"]
    return [*_wrong(view, "view"), *_wrong_blocks(view.get("blocks"), VIEW_BLOCKS)]


def _wrong_blocks(blocks: object, most: int) -> Iterator[str]:
    if not isinstance(blocks, list) or len(blocks) > most:
        yield f"blocks must be a list of at most {most}"
        return
    ids = [b.get("block_id") for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(ids) != len(set(ids)):
        yield "block_id must be unique"
    for number, block in enumerate(blocks):
        where = f"blocks/{number}"
        if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
            yield f"{where}: unsupported type"
            continue
        yield from _wrong(block, where)


def _wrong(part: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = str(part.get("type"))
    if kind not in REQUIRED:
        yield f"{where}: unsupported type {kind}"
        return
    yield from (f"{where}: missing {name}" for name in REQUIRED[kind] if not part.get(name))
    for limit in LIMITS:
        if limit.kind == kind:
            sizes = [len(v) for v in _at(part, limit.path.split(".")) if isinstance(v, str | list)]
            if any(size > limit.most for size in sizes):
                yield f"{where}/{limit.path}: must be at most {limit.most}"
    yield from _wrong_texts(part, where, kind)
    elements = part.get("elements") if kind == "actions" else [part["element"]] if part.get("element") else []
    yield from _wrong_elements(elements or [], where)
    if kind == "button" and "style" in part and part["style"] not in _STYLES:
        yield f"{where}: unknown style"


def _wrong_texts(part: Mapping[str, Any], where: str, kind: str) -> Iterator[str]:
    wanted = {"mrkdwn", "plain_text"} if kind in ("section", "context") else {"plain_text"}
    texts = (
        part.get("elements", []) if kind == "context" else [part[n] for n in ("text", "label", "title") if n in part]
    )
    for text in texts:
        if not isinstance(text, dict) or text.get("type") not in wanted or not text.get("text"):
            yield f"{where}: a text must be of {' or '.join(sorted(wanted))} and not empty"


def _wrong_elements(elements: Sequence[Any], where: str) -> Iterator[str]:
    ids = [e.get("action_id") for e in elements if isinstance(e, dict)]
    if len(ids) != len(set(ids)):
        yield f"{where}: action_id must be unique"
    for number, element in enumerate(elements):
        if isinstance(element, dict):
            yield from _wrong(element, f"{where}/elements/{number}")


def _at(part: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield part
    elif path[0] == "*":
        for one in part if isinstance(part, list) else ():
            yield from _at(one, path[1:])
    elif isinstance(part, dict) and path[0] in part:
        yield from _at(part[path[0]], path[1:])
