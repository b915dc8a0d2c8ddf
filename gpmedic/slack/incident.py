"""What the thread of an incident shows, whoever has found it out."""

from dataclasses import dataclass
from datetime import datetime

from gpmedic.diagnosis import Finding
from gpmedic.events import Approval
from gpmedic.report import Outcome
from gpmedic.steps import Action


@dataclass(frozen=True, slots=True)
class Moving:
    """A phase whose progress is known.

    Attributes:
        percent: 0 to 100.
        seconds_left: at the pace so far; None where nothing has moved yet.
    """

    percent: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """The state of one incident.

    Attributes:
        findings: what is wrong, the worst first; empty once it is healthy.
        commands: of the newest plan, in their order.
        now: what is being done, or what is wanted of people.
        answers: to every question so far.
        outcome: of the newest recovery that has ended; None while one is running or where there was none.
        error, next_action: of that recovery.
        why: why nothing, or nothing more, is done.
        run: its name; empty where there is none.
        over: nothing is wrong any more.
        may_start: the button that starts a recovery is of use.
        looked_at: when `findings` were seen; None where nobody has looked yet.
    """

    cluster: str
    opened_at: datetime
    findings: tuple[Finding, ...] = ()
    commands: tuple[str, ...] = ()
    now: str = ""
    moving: Moving | None = None
    answers: tuple[Approval, ...] = ()
    outcome: Outcome | None = None
    error: str = ""
    why: str = ""
    next_action: str = ""
    run: str = ""
    over: bool = False
    may_start: bool = False
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A step that waits for a person, or waited for one.

    Attributes:
        value: what a button carries back: run and key, and nothing that is believed.
        estimate: how long it took before, in words.
        approved_by: who has approved it already, where two people must.
    """

    value: str
    cluster: str
    action: Action
    command: str
    effect: str
    why: str
    segments: tuple[str, ...]
    details: str
    expires_at: datetime
    estimate: str = ""
    approved_by: str | None = None
