"""Why nothing, or nothing more, was done: one table, a row a reason, for Slack, command line, report and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic import errors


class Reason(StrEnum):
    # Where several kinds of error fit, the first one decides.
    OBSERVE_ONLY = "observe_only"
    BRAKE = "brake"
    LOCK_HELD = "lock_held"
    UTILITY_BUSY = "utility_busy"
    REPEATED_FAILURE = "repeated_failure"
    PRECHECK = "precheck"
    NOT_APPROVED = "not_approved"  # a no, or silence
    UNKNOWN_VERSION = "unknown_version"
    TOO_MANY_DOWN = "too_many_down"
    UNSAFE_STATE = "unsafe_state"
    ACCESS_REFUSED = "access_refused"
    UNRECOVERABLE = "unrecoverable"
    OTHER = "other"
    # Of health checks, which may start a recovery by themselves.
    START_IS_A_PERSONS = "start_is_a_persons"
    ALREADY_STARTED = "already_started"
    NO_PAGE = "no_page"
    NOT_DEPLOYED = "not_deployed"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row of the table.

    Attributes:
        meaning: one sentence.
        next_action: what to do, whatever the cluster; that of an error is more particular.
        kind: the errors that it stands for; None where there is no error.
    """

    meaning: str
    next_action: str
    kind: type[errors.GpmedicError] | None = None


REASONS: Final[Mapping[Reason, Explanation]] = MappingProxyType(
    {
        Reason.OBSERVE_ONLY: Explanation(
            "The policy of this cluster lets gpmedic look, and nothing else.",
            "Recover it by hand, or set policy.automation = 'with_approval' in the cluster's file or block.",
            errors.ObserveOnly,
        ),
        Reason.BRAKE: Explanation(
            "The brake of this cluster is on: nothing more is started, whoever approves it.",
            "Read who has pulled it and why (gpmedic brake show); when that is over: gpmedic brake off.",
            errors.Braked,
        ),
        Reason.LOCK_HELD: Explanation(
            "Another recovery owns this cluster, and two at once would harm it.",
            "Answer that one or await its end (gpmedic history shows it); then run the recovery again.",
            errors.LockHeld,
        ),
        Reason.UTILITY_BUSY: Explanation(
            "One of Greenplum's utilities is at work on this cluster, or what it has started still runs.",
            "Wait until it has ended, then run the recovery again: it begins by observing.",
            errors.UtilityBusy,
        ),
        Reason.REPEATED_FAILURE: Explanation(
            "The same segment has failed again within a short time: a recovery does not mend the cause.",
            "Find the cause in its log and on its host; then: gpmedic recover --repeated-failure ask.",
            errors.FailedAgain,
        ),
        Reason.PRECHECK: Explanation(
            "Something that must hold before the step does not.",
            "Put right what the failed prechecks name, then run the recovery again.",
            errors.PrecheckFailed,
        ),
        Reason.NOT_APPROVED: Explanation(
            "A person said no, or nobody answered in time, which is a no.",
            "Run the recovery again when the plan is acceptable and somebody is there to approve it.",
            errors.NotApproved,
        ),
        Reason.UNKNOWN_VERSION: Explanation(
            "gpmedic has not been proven with the utilities of this Greenplum, so it only observes it.",
            "Follow the vendor's recovery procedure for this version by hand.",
            errors.UnknownVersion,
        ),
        Reason.TOO_MANY_DOWN: Explanation(
            "More primaries have failed than policy.max_down_percent allows for: that looks like the network.",
            "Check the network between the coordinator and the segment hosts first; then look again.",
            errors.TooManyDown,
        ),
        Reason.UNSAFE_STATE: Explanation(
            "The cluster is in a state in which the step could lose data, or that gpmedic does not understand.",
            "Let a person look at what was found, and follow its next action before anything is run.",
            errors.UnsafeState,
        ),
        Reason.ACCESS_REFUSED: Explanation(
            "A login, a key, a password or a setting was not accepted; trying again does not help.",
            "Run gpmedic doctor on this cluster: it names what is refused, and what to do about it.",
            errors.AccessRefused,
        ),
        Reason.UNRECOVERABLE: Explanation(
            "Every copy of a content is lost, and no recovery of Greenplum can help: it copies from a living copy.",
            "Read the hand-off page; only a restore from a backup brings the data back.",
            errors.Unrecoverable,
        ),
        Reason.OTHER: Explanation(
            "gpmedic has refused, and the cluster is as it was.",
            "Read what the run has reported, and follow that.",
            errors.Refused,
        ),
        Reason.START_IS_A_PERSONS: Explanation(
            "The policy of this cluster leaves the start of a recovery to a person.",
            "Start it: the button in Slack, Prefect's page, or gpmedic recover.",
        ),
        Reason.ALREADY_STARTED: Explanation(
            "A recovery was started for this incident already; a health check starts only one.",
            "Read how it stands or why it ended (gpmedic report last); another one is a person's to start.",
        ),
        Reason.NO_PAGE: Explanation(
            "What was found passes by itself, or gpmedic does not act on it.",
            "Follow the next action of what was found; the next health check looks again.",
        ),
        Reason.NOT_DEPLOYED: Explanation(
            "The flow recover is not deployed on this Prefect server.",
            "Deploy it: gpmedic setup --deploy.",
        ),
    }
)


def reason_of(error: errors.GpmedicError) -> Reason | None:
    """The word for a refusal; None for a failure, which is no refusal."""
    kinds = ((reason, told.kind) for reason, told in REASONS.items() if told.kind is not None)
    return next((reason for reason, kind in kinds if isinstance(error, kind)), None)


def explained(word: str) -> Explanation | None:
    """The row of a reason as a journal keeps it; None where nothing was refused, or by a word of another version."""
    return REASONS.get(Reason(word)) if word in set(Reason) else None
