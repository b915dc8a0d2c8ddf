"""One look at what Prefect knows of a cluster: its newest health check and recovery, what waits for a person."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flows.health_note import HealthNote, newest_note
from flows.journal import Journal, known_journal
from gpmedic.diagnosis import Finding
from gpmedic.report import Outcome
from tasks.find_recovery import Recovery, find_recovery
from tasks.question import Request, load_request, read_answer

NEWS = timedelta(minutes=15)
WELL = frozenset({Outcome.HEALTHY, Outcome.RECOVERED})


@dataclass(frozen=True, slots=True)
class View:
    """What was seen at one moment.

    Attributes:
        journal: of the recovery; None where it has yet to keep one, or is just storing it.
        request: what the recovery waits for; None too where it has its answer already.
    """

    cluster: str
    health: HealthNote | None
    recovery: Recovery | None
    journal: Journal | None
    request: Request | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def wrong(self) -> bool | None:
        """Whether something is wrong, by the newest evidence; None where there is none."""
        if self.recovery is not None and self.recovery.live and self.journal is None:
            return None  # it is just beginning, and will tell
        evidence: list[tuple[datetime, bool]] = []
        if self.health is not None:
            evidence.append((self.health.at, not self.health.healthy))
        if self.recovery is not None and self.journal is not None:
            evidence += self._told_by(self.recovery, self.journal)
        return max(evidence)[1] if evidence else None

    def _told_by(self, recovery: Recovery, journal: Journal) -> Iterator[tuple[datetime, bool]]:
        """While it runs, what it has found; once it has ended, how. What it notes at its end is not yet its end."""
        found_wrong = journal.before is not None and not journal.before.healthy
        if recovery.live:
            if journal.before is not None:
                yield self.at, found_wrong
        elif journal.outcome is not None:
            yield recovery.ended_at or self.at, journal.outcome not in WELL
        elif found_wrong:
            yield recovery.ended_at or self.at, True

    def waits_for(self, run: UUID, key: str) -> bool:
        """Whether this is the question that waits for its answer."""
        return (
            self.request is not None
            and self.recovery is not None
            and (self.recovery.run, self.request.key) == (run, key)
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, as the newest of both has seen it last."""
        if self._by_recovery is not None:
            return self._by_recovery.found_last
        return self.health.findings if self.health is not None else ()

    @property
    def looked_at(self) -> datetime | None:
        """When that was seen."""
        if self._by_recovery is not None:
            return self._by_recovery.looked_at
        return self.health.at if self.health is not None else None

    @property
    def recent(self) -> bool:
        """Whether a new incident may be told of what was seen: nobody knows what has become of what is older."""
        if self.recovery is not None and self.recovery.live:
            return True
        ended = self.recovery.ended_at if self.recovery is not None else None
        newest = max(filter(None, (self.looked_at, ended)), default=None)
        return newest is not None and self.at - newest < NEWS

    @property
    def _by_recovery(self) -> Journal | None:
        """The journal that tells what is wrong; None where a health check tells it, or nothing does."""
        if self.recovery is None or self.journal is None or self.journal.looked_at is None:
            return None
        ended = self.recovery.ended_at
        later = self.health is not None and ended is not None and self.health.at > ended
        return None if later else self.journal


def look(cluster: str) -> View:
    """Look once; a constant number of calls, whatever the size of the cluster."""
    recovery = find_recovery(cluster)
    journal = request = None
    if recovery is not None:
        journal = known_journal(recovery.run)
        if recovery.paused_for is not None:
            unanswered = read_answer(recovery.run, recovery.paused_for) is None
            request = load_request(recovery.run, recovery.paused_for) if unanswered else None
    return View(cluster, newest_note(cluster), recovery, journal, request)
