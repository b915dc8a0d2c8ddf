"""What is written down while an incident goes on: who decided what, and what happened when."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

GPMEDIC: Final = "gpmedic"
MAX_EVENTS: Final = 500
"""Lines of a time line that are kept; the first ones."""
_WRITER: Final = re.compile(r"([A-Za-z]\w*): +")


class Decision(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"  # silence is a no
    VOIDED = "voided"  # the cluster changed after it was given


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word on one step of one plan, and what became of it.

    Attributes:
        reason: what the person wrote, and why the word did not count where it did not.
        via: where the word was given: Slack, Prefect's page, the command line.
        asked_at: when its question was asked; None where that is not on record.
    """

    step: str
    fingerprint: str
    decision: Decision
    by: str
    at: datetime
    reason: str = ""
    via: str = ""
    asked_at: datetime | None = None

    def voided(self, why: str) -> "Approval":
        """The same word, which did not count."""
        return replace(self, decision=Decision.VOIDED, reason="; ".join(filter(None, (self.reason, why))))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the time line.

    Attributes:
        source: who did it: gpmedic, FTS, gprecoverseg, a person.
        of_catalog: a line of the catalog's own history, which names rows and not what happened to a segment.
    """

    at: datetime
    what: str
    source: str = GPMEDIC
    of_catalog: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was kept with the run in Prefect.

    Attributes:
        key: under which Prefect shows it.
        what: of which moment it is.
    """

    at: datetime
    key: str
    what: str


def history_event(at: datetime, dbid: int, description: str) -> Event:
    """A line of gp_configuration_history; its first word is whoever wrote it: `FTS: ...`, `gprecoverseg: ...`."""
    writer = _WRITER.match(description)
    if writer is None:
        return Event(at, f"dbid {dbid}: {description}", "unknown", of_catalog=True)
    return Event(at, f"dbid {dbid}: {description[writer.end() :]}", writer[1], of_catalog=True)
