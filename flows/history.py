"""The recoveries that Prefect knows, each with what it has noted: finished ones, those that run, those that died."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.journal import Journal, known_journal
from flows.page import ended_early
from gpmedic.errors import NotApproved, UnsafeState
from gpmedic.events import Decision
from gpmedic.outcome import Outcome, Standing
from gpmedic.recovery_report import RecoveryReport
from gpmedic.skipped import Reason
from tasks.approve import SILENCE_ADVICE
from tasks.find_recovery import Recovery, named_recovery, newest_recoveries

LAST = "last"
SILENCE = NotApproved("Nobody answered in time, which is a no; it was not run.", SILENCE_ADVICE)


@dataclass(frozen=True, slots=True)
class Incident:
    """One recovery.

    Attributes:
        journal: what it has noted; None where that is nothing, or of another version.
    """

    recovery: Recovery
    journal: Journal | None

    @property
    def outcome(self) -> Outcome | Standing:
        """How it has ended, or where it stands."""
        if self.recovery.live:
            return Standing.RUNNING if self.recovery.paused_for is None else Standing.WAITING
        if self.journal is not None and self.journal.outcome is not None:
            return self.journal.outcome
        if self.journal is not None and self.recovery.unanswered:  # no code of ours ran when it ended
            return ended_early(SILENCE, self.journal)
        return Standing.DIED

    @property
    def reason(self) -> str:
        """Why nothing (more) was done, in a word of `gpmedic.skipped`; "" where nothing was refused."""
        if self.journal is None:
            return ""
        silence = self.recovery.unanswered and self.journal.outcome is None
        return Reason.NOT_APPROVED.value if silence else self.journal.reason

    @property
    def began(self) -> datetime | None:
        return self.journal.started if self.journal is not None else self.recovery.started_at

    @property
    def seconds(self) -> float | None:
        """Until it ended, or until now; None where its beginning is not known."""
        ended = self.recovery.ended_at or datetime.now(UTC)
        return None if self.began is None else max(0.0, (ended - self.began).total_seconds())

    @property
    def condition(self) -> str:
        """The worst of what it has found first; empty where that is not known."""
        found = self.journal.before.findings if self.journal is not None and self.journal.before is not None else ()
        return found[0].facts.title if found else ""

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Everybody whose yes has counted, in their order."""
        given = self.journal.approvals if self.journal is not None else ()
        return tuple(dict.fromkeys(a.by for a in given if a.decision is Decision.APPROVED))


def history(cluster: str | None, limit: int) -> Iterator[Incident]:
    """The newest recoveries first, of one cluster or of all."""
    for recovery in newest_recoveries(cluster, limit):
        yield Incident(recovery, known_journal(recovery.run))


def find_incident(name: str, cluster: str | None = None) -> Incident:
    """The recovery with this run's name or id, or the newest one for `last`.

    Raises:
        UnsafeState: Prefect knows none.
    """
    found = newest_recoveries(cluster, 1) if name == LAST else named_recovery(name)
    if not found:
        of = f" of {cluster}" if cluster else ""
        what = f"no recovery{of}" if name == LAST else f"no recovery by the name or id {name!r}"
        raise UnsafeState(f"This Prefect server knows {what}.", "gpmedic history lists those that it knows.")
    return Incident(found[0], known_journal(found[0].run))


def report_of(incident: Incident) -> RecoveryReport:
    """The report of a recovery as far as it has come.

    Raises:
        UnsafeState: it has noted nothing, or another version of gpmedic has.
    """
    recovery, journal, outcome = incident.recovery, incident.journal, incident.outcome
    if journal is None:
        raise UnsafeState(
            f"Recovery run {recovery.name} has noted nothing that this version of gpmedic can read.",
            "Read its log in Prefect, or the artifact recovery of its cluster.",
        )
    report = replace(journal.report(outcome), run=journal.run or recovery.name)
    if recovery.live or journal.outcome is not None:
        return report
    report = replace(report, ended=recovery.ended_at or report.ended)
    if outcome is Standing.DIED:
        return replace(
            report,
            error=f"The run has said no last word; Prefect calls it {recovery.state or 'ended'}.",
            next_action=f"gpmedic recover {journal.cluster_name}: it begins by observing, and adopts what still runs.",
        )
    return replace(report, error=SILENCE.message, next_action=SILENCE.next_action, reason=Reason.NOT_APPROVED)
