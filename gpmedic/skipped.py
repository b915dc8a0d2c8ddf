"""Why a recovery was not done, in one word: for counting. The sentence for people is the error's own."""

from enum import StrEnum
from typing import Final

from gpmedic import errors


class Reason(StrEnum):
    OBSERVE_ONLY = "observe_only"
    BRAKE = "brake"
    LOCK_HELD = "lock_held"
    UTILITY_BUSY = "utility_busy"
    PRECHECK = "precheck"
    NOT_APPROVED = "not_approved"  # a no, or silence
    UNSAFE_STATE = "unsafe_state"
    ACCESS_REFUSED = "access_refused"
    UNRECOVERABLE = "unrecoverable"
    OTHER = "other"


# The first kind that fits decides.
REASONS: Final[tuple[tuple[type[errors.GpmedicError], Reason], ...]] = (
    (errors.ObserveOnly, Reason.OBSERVE_ONLY),
    (errors.Braked, Reason.BRAKE),
    (errors.LockHeld, Reason.LOCK_HELD),
    (errors.UtilityBusy, Reason.UTILITY_BUSY),
    (errors.PrecheckFailed, Reason.PRECHECK),
    (errors.NotApproved, Reason.NOT_APPROVED),
    (errors.UnsafeState, Reason.UNSAFE_STATE),
    (errors.AccessRefused, Reason.ACCESS_REFUSED),
    (errors.Unrecoverable, Reason.UNRECOVERABLE),
    (errors.Refused, Reason.OTHER),
)


def reason_of(error: errors.GpmedicError) -> Reason | None:
    """The word for a refusal; None for a failure, which is no refusal."""
    return next((reason for kind, reason in REASONS if isinstance(error, kind)), None)
