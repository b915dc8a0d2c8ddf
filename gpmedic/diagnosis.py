"""From a snapshot of the catalog and direct probes to what is wrong: a pure judgement, decided by tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gpmedic.cluster import Cluster
from gpmedic.conditions import CONDITIONS, Condition, ConditionFacts, Scenario, Severity

__all__ = [
    "CONDITIONS",
    "Condition",
    "ConditionFacts",
    "Diagnosis",
    "Finding",
    "Probe",
    "ProbeState",
    "Scenario",
    "Severity",
    "coordinator_unreachable",
    "diagnose",
]


class ProbeState(StrEnum):
    """How an instance took a direct connection in utility mode."""

    ANSWERS = "answers"
    STARTING = "starting"  # "the database system is starting up" or "in recovery mode": alive, no queries yet
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    HOST_UNREACHABLE = "host_unreachable"
    FAILED = "failed"

    @property
    def alive(self) -> bool:
        return self in (ProbeState.ANSWERS, ProbeState.STARTING)


@dataclass(frozen=True, slots=True)
class Probe:
    """One direct connection to one instance, made from the coordinator's host.

    Every acting primary needs one; probes of mirrors are welcome where their primary fails, because two dead
    copies of which the catalog says 'u' can be told from a failover that FTS is about to make only by asking both.
    """

    dbid: int
    state: ProbeState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition and where it holds.

    Attributes:
        contents: the contents concerned, in order.
        dbids: the instances concerned: those down, not answering, catching up or switched.
        detail: one line, what was seen.
    """

    condition: Condition
    contents: tuple[int, ...]
    dbids: tuple[int, ...]
    detail: str

    @property
    def facts(self) -> ConditionFacts:
        return CONDITIONS[self.condition]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was seen and what it means.

    Attributes:
        cluster_name: what gpmedic calls the cluster.
        cluster: the snapshot; None only where the coordinator could not be asked.
        findings: the worst first; empty when healthy.
    """

    cluster_name: str
    cluster: Cluster | None
    probes: tuple[Probe, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def healthy(self) -> bool:
        return not self.findings

    @property
    def scenario(self) -> Scenario:
        """The runbook's page of the worst finding."""
        return self.findings[0].facts.scenario if self.findings else Scenario.NONE

    def having(self, condition: Condition) -> Finding | None:
        return next((f for f in self.findings if f.condition is condition), None)


def diagnose(cluster: Cluster, probes: Sequence[Probe]) -> Diagnosis:
    """What is wrong with the cluster, the worst first."""
    raise NotImplementedError


def coordinator_unreachable(name: str, error: Exception) -> Diagnosis:
    """The diagnosis of a cluster whose coordinator cannot be asked."""
    finding = Finding(Condition.COORDINATOR_UNREACHABLE, (-1,), (), str(error))
    return Diagnosis(name, None, (), (finding,))
