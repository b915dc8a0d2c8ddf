"""From a diagnosis to the steps of the runbook, and the fingerprint that binds an approval to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster
from gpmedic.conditions import Scenario
from gpmedic.diagnosis import Diagnosis
from gpmedic.settings import PolicySettings


class Action(StrEnum):
    RECOVER = "recover"
    WAIT_FOR_SYNC = "wait_for_sync"
    REBALANCE = "rebalance"
    VERIFY = "verify"


class Disruption(StrEnum):
    """What a step does to a running database."""

    NONE = "none"  # reads only
    CHANGES = "changes"  # starts instances and copies data; sessions go on
    INTERRUPTS = "interrupts"  # stops primaries: running queries are cancelled

    @property
    def needs_approval(self) -> bool:
        return self is not Disruption.NONE


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        argv: the command on the coordinator's host; empty for steps that only look.
        dbids: the instances that it changes or watches.
        contents: the contents concerned.
        effect: what it does to the cluster and its users, for the person who approves it.
    """

    action: Action
    argv: tuple[str, ...]
    dbids: tuple[int, ...]
    contents: tuple[int, ...]
    effect: str
    disruption: Disruption


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps from the state that was seen to a healthy cluster.

    The fingerprint covers dbids, commands and every row of the state that the plan was made from, never a time. It
    is that of the whole plan: after a step the state is another one, and so is the plan made from it.
    """

    cluster_name: str
    scenario: Scenario
    steps: tuple[Step, ...]
    fingerprint: str

    @property
    def disruptive_steps(self) -> tuple[Step, ...]:
        """The steps that need an approval each."""
        return tuple(s for s in self.steps if s.disruption.needs_approval)

    def step(self, action: Action) -> Step | None:
        return next((s for s in self.steps if s.action is action), None)


@dataclass(frozen=True, slots=True)
class RunningQuery:
    """A query that a rebalance would cancel; `seconds` since it began."""

    pid: int
    user: str
    seconds: int
    query: str


def make_plan(
    diagnosis: Diagnosis,
    capabilities: Capabilities,
    policy: PolicySettings,
    running_queries: Sequence[RunningQuery] = (),
) -> Plan:
    """The runbook's steps for this diagnosis; a healthy cluster gets a plan without steps.

    Args:
        running_queries: named in the effect of a rebalance; they are no part of the fingerprint.

    Raises:
        UnsafeState: the state is not understood, too large a share of the primaries is down, or FTS has yet to decide.
        Refused: a scenario that gpmedic does not act on.
    """
    raise NotImplementedError


def fingerprint(scenario: Scenario, steps: Sequence[Step], cluster: Cluster) -> str:
    """A short hex digest of what an approval covers: dbids, commands, and every row of the cluster."""
    raise NotImplementedError
