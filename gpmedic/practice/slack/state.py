"""What a workspace holds: people, messages, files, forms. One lock; whoever waits is woken by each change."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as everybody sees it.

    Attributes:
        seen_by: the person to whom alone it is shown; None for everybody.
        edits: how often it was changed.
        first: as it was posted; None where it was not changed.
    """

    channel: str
    ts: str
    user: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    thread_ts: str | None = None
    files: tuple[str, ...] = ()
    seen_by: str | None = None
    edits: int = 0
    first: "Posted | None" = None

    @property
    def buttons(self) -> tuple[str, ...]:
        """The action ids that can be clicked."""
        return tuple(e["action_id"] for b in self.blocks if b["type"] == "actions" for e in b["elements"])

    @property
    def words(self) -> str:
        """All text of its blocks, or its text where it has none."""
        return "\n".join(_words(block) for block in self.blocks) or self.text

    def value_of(self, action: str) -> str:
        """What this button carries."""
        elements = [e for b in self.blocks if b["type"] == "actions" for e in b["elements"]]
        return str(next(e["value"] for e in elements if e["action_id"] == action))


def _words(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "actions":
        return "  ".join(f"[{e['text']['text']}]" for e in block["elements"])
    if kind == "context":
        return "\n".join(str(e.get("text", "")) for e in block["elements"])
    return str(block.get("text", {}).get("text", ""))


@dataclass(slots=True)
class State:
    """Everything that the stand-in knows; use it under `changed`."""

    channels: set[str]
    people: dict[str, str]
    groups: dict[str, set[str]]
    messages: list[Posted] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    limited: list[tuple[str | None, int]] = field(default_factory=list)
    number: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def next_number(self) -> int:
        with self.changed:
            self.number += 1
            return self.number

    def add(self, posted: Posted) -> Posted:
        with self.changed:
            self.number += 1
            stamped = replace(posted, ts=f"{int(time.time())}.{self.number:06d}")
            self.messages.append(stamped)
            self.changed.notify_all()
            return stamped

    def find(self, channel: str, ts: str) -> Posted | None:
        with self.changed:
            return next((m for m in self.messages if (m.channel, m.ts, m.seen_by) == (channel, ts, None)), None)

    def change(self, old: Posted, **fields: Any) -> None:
        with self.changed:
            self.messages[self.messages.index(old)] = replace(
                old, edits=old.edits + 1, first=old.first or old, **fields
            )
            self.changed.notify_all()

    def remove(self, old: Posted) -> None:
        with self.changed:
            self.messages.remove(old)
            self.changed.notify_all()

    def wait(self, condition: Callable[[], T], seconds: float) -> T:
        """The first true value of the condition, which is asked after each change.

        Raises:
            TimeoutError: it did not come true in time.
        """
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"It did not happen within {seconds:.0f} s.")
                self.changed.wait(min(left, 0.2))
            return value
