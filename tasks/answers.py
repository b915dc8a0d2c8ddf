"""What became of each answer to a question: written down once, with who, when and why, and told as an event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Word:
    """What one person said: when, why, by which way it came, and when it was asked for."""

    by: str
    at: datetime
    reason: str = ""
    via: str = ""
    asked_at: datetime | None = None


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
    _given: list[Word] = field(default_factory=list)

    def yes(self, word: Word) -> None:
        self._given.append(word)

    def count(self) -> None:
        """Every yes so far is acted on."""
        self._settle(Decision.APPROVED, "")

    def void(self, why: str) -> None:
        """No yes so far is acted on."""
        self._settle(Decision.VOIDED, why)

    def no(self, word: Word) -> None:
        self.void(f"{word.by} said no")
        self._write(Decision.DECLINED, word)

    def silence(self, at: datetime, asked_at: datetime) -> None:
        self.void("nobody seconded it in time")
        why = "nobody answered in time, which is a no"
        self._write(Decision.EXPIRED, Word(NOBODY, at, why, asked_at=asked_at))

    def _settle(self, decision: Decision, why: str) -> None:
        given, self._given = self._given, []
        for word in given:
            self._write(decision, replace(word, reason="; ".join(filter(None, (word.reason, why)))))

    def _write(self, decision: Decision, word: Word) -> None:
        of = self.proposal
        said = Approval(of.step, of.fingerprint, decision, word.by, word.at, word.reason, word.via, word.asked_at)
        self.note(said)
        if decision in EVENTS:
            told = {"step": of.step, "fingerprint": of.fingerprint, "operator": word.by, "via": word.via}
            announce(of.cluster, EVENTS[decision], {**told, "reason": word.reason, "at": _moment(word.at)})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
