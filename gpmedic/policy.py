"""The choices of a cluster's policy; apart from the settings, so that a command line can name them at once."""

from enum import StrEnum


class Automation(StrEnum):
    """How far gpmedic goes on a cluster."""

    OBSERVE_ONLY = "observe_only"  # looks, diagnoses, shows the plan
    WITH_APPROVAL = "with_approval"  # runs each disruptive step that a person has approved


class RecoveryStarts(StrEnum):
    """Who starts a recovery; whoever it is, it asks before its first disruptive step."""

    BY_A_PERSON = "by_a_person"
    BY_HEALTH_CHECK = "by_health_check"  # of those that are deployed, once for each incident


class RepeatedFailure(StrEnum):
    """What a segment that fails again within `repeat_window` means."""

    STOP = "stop"  # nobody is asked: the cause must be found first
    ASK = "ask"  # the approval says so, and a person decides
