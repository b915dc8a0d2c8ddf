"""How far gpmedic goes on a cluster; apart from the other settings, for a practice cluster starts without pydantic."""

from enum import StrEnum


class Automation(StrEnum):
    """How far gpmedic goes on a cluster."""

    OBSERVE_ONLY = "observe_only"  # looks, diagnoses, shows the plan
    WITH_APPROVAL = "with_approval"  # runs each disruptive step that a person has approved
