"""What became of each answer to a question: written down once, with who, when and why, and told as an event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from gpmedic.events import Approval, Decision
from tasks.notify import announce
from tasks.question import Proposal

Note = Callable[[Approval], None]
NOBODY: Final = "nobody"
# A yes that counts is told as `approval.given`, by whoever acts on it.
EVENTS: Mapping[Decision, str] = MappingProxyType(
    {
        Decision.DECLINED: "approval.refused",
        Decision.EXPIRED: "approval.expired",
        Decision.VOIDED: "approval.voided",
    }
)


def unheard(_answer: Approval) -> None:
    """For whoever keeps no record."""


@dataclass(slots=True)
class Answers:
    """The answers to one proposal.

    A yes is written down when it is known whether it counts: of two people's the first hangs on the second, and both
    on the cluster's still being as it was.
    """

    proposal: Proposal
    note: Note = unheard
    _given: list[tuple[str, datetime, str]] = field(default_factory=list)

    def yes(self, by: str, at: datetime, reason: str) -> None:
        self._given.append((by, at, reason))

    def count(self) -> None:
        """Every yes so far is acted on."""
        self._settle(Decision.APPROVED, "")

    def void(self, why: str) -> None:
        """No yes so far is acted on."""
        self._settle(Decision.VOIDED, why)

    def no(self, by: str, at: datetime, reason: str) -> None:
        self.void(f"{by} said no")
        self._write(Decision.DECLINED, by, at, reason)

    def silence(self, at: datetime) -> None:
        self.void("nobody seconded it in time")
        self._write(Decision.EXPIRED, NOBODY, at, "nobody answered in time, which is a no")

    def _settle(self, decision: Decision, why: str) -> None:
        given, self._given = self._given, []
        for by, at, reason in given:
            self._write(decision, by, at, "; ".join(filter(None, (reason, why))))

    def _write(self, decision: Decision, by: str, at: datetime, reason: str) -> None:
        self.note(Approval(self.proposal.step, self.proposal.fingerprint, decision, by, at, reason))
        if decision in EVENTS:
            told = {"step": self.proposal.step, "fingerprint": self.proposal.fingerprint, "operator": by}
            announce(self.proposal.cluster, EVENTS[decision], {**told, "reason": reason, "at": _moment(at)})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
