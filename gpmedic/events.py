"""What is written down while an incident goes on: who decided what, and what happened when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"  # silence is a no
    VOIDED = "voided"  # the cluster changed after it was given


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word on one step of one plan."""

    step: str
    fingerprint: str
    decision: Decision
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the time line.

    Attributes:
        source: who says so: gpmedic, FTS, gprecoverseg, a person.
    """

    at: datetime
    what: str
    source: str = "gpmedic"
