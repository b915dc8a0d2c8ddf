"""Who may decide a step in Slack: one table of risks, and the rules for two people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.settings import SlackSettings
from gpmedic.steps import Action


class Risk(StrEnum):
    """What is lost if a step was the wrong one."""

    LOW = "low"  # it can be undone, or done again
    HIGH = "high"  # data that nobody else holds, or the service of everybody


RISKS: Final[Mapping[Action, Risk]] = MappingProxyType(
    {
        Action.RECOVER: Risk.LOW,
        Action.REBALANCE: Risk.LOW,
        Action.RESTORE_STANDBY: Risk.LOW,
        Action.RECOVER_DIFFERENTIAL: Risk.HIGH,  # it writes over a copy
        Action.RECOVER_FULL: Risk.HIGH,
        Action.MOVE_TO_SPARE: Risk.HIGH,
        Action.RESTART: Risk.HIGH,  # double faults and primaries without mirror end here
    }
)


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody in Slack who wants to decide.

    Attributes:
        user: Slack's id, such as U012AB3CD.
        groups: the ids of the user groups, of those that the settings name, to which they belong.
        name: for people; never what a rule goes by.
    """

    user: str
    groups: frozenset[str] = frozenset()
    name: str = ""

    @property
    def operator(self) -> str:
        """How the record calls them: the id tells two people of one name apart."""
        return f"{self.name or 'somebody'} (Slack {self.user})"


def refusal(
    decider: Decider, action: Action, settings: SlackSettings, asked_by: str | None, approved_by: str | None
) -> str:
    """Why this person may not approve this step, for them to read; empty where they may.

    Args:
        asked_by: the Slack id of who started the recovery there; None where it was started elsewhere.
        approved_by: the operator who has approved the step already, where two people must.
    """
    if not _is_among(decider, settings.named_for(RISKS[action] is Risk.HIGH)):
        return f"You are not among those who decide a step of {RISKS[action].value} risk on this cluster."
    if approved_by is not None and _same(decider, approved_by):
        return "You have approved this step already; a second, different person must."
    if RISKS[action] is Risk.HIGH and asked_by == decider.user and approved_by is None:
        return "You have started this recovery; a step of high risk must be approved by somebody else."
    return ""


def may_start(decider: Decider, settings: SlackSettings) -> str:
    """Why this person may not start a recovery; empty where they may."""
    if _is_among(decider, settings.approvers) or _is_among(decider, settings.named_for(high_risk=True)):
        return ""
    return "You are not among those who decide on this cluster; ask one of them to start the recovery."


def _is_among(decider: Decider, named: frozenset[str]) -> bool:
    return decider.user in named or bool(decider.groups & named)


def _same(decider: Decider, operator: str) -> bool:
    return operator.endswith(f"(Slack {decider.user})") or operator.casefold() == decider.name.casefold()
