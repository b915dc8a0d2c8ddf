"""How long a step will take, by how long it took before on the same cluster."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from gpmedic.amounts import duration
from gpmedic.events import Approval, Decision, Event

_DONE: Final = ("observe:", "verify:")
"""What is told next when a step and the wait after it are over."""


def took(step: str, approvals: Sequence[Approval], events: Sequence[Event]) -> float | None:
    """Seconds from the approval of this step until its effect was complete; None where it was not run to that end."""
    given = next((a.at for a in approvals if a.step == step and a.decision is Decision.APPROVED), None)
    if given is None:
        return None
    over = [e.at for e in events if e.at > given and e.what.startswith(_DONE)]
    return (min(over) - given).total_seconds() if over else None


def in_words(seconds: Sequence[float]) -> str:
    """Such as `about 3 min 5 s: it took 2 min 40 s to 4 min 1 s before (3 times on record)`."""
    if not seconds:
        return "Unknown: no earlier run of this step on this cluster is on record."
    if len(seconds) == 1:
        return f"About {duration(seconds[0])}, as the one time on record."
    between = f"{duration(min(seconds))} to {duration(max(seconds))}"
    return f"About {duration(median(seconds))}: it took {between} before ({len(seconds)} times on record)."
