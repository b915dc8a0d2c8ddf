"""Look at the cluster: catalog, replication, direct probes, and what they mean together."""

from dataclasses import dataclass

from prefect import task

from gpmedic.access.freshness import Freshness
from gpmedic.access.observe import Observation, observe
from gpmedic.diagnosis import Diagnosis
from gpmedic.plan import Plan, RunningQuery, make_plan
from gpmedic.restart import RestartNotes
from gpmedic.settings import ClusterSettings
from tasks.transient import RETRIED


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a cluster and what it means."""

    observation: Observation
    diagnosis: Diagnosis

    def plan(
        self,
        settings: ClusterSettings,
        running_queries: tuple[RunningQuery, ...] | None = None,
        restart: RestartNotes | None = None,
    ) -> Plan:
        """What the runbook does about it; see `make_plan` for the refusals."""
        return make_plan(self.diagnosis, self.observation.capabilities, settings.policy, running_queries, restart)


@task(name="detect", **RETRIED)
def detect(settings: ClusterSettings, freshness: Freshness = Freshness.ASK_FTS) -> Seen:
    """Observe and diagnose.

    Raises:
        HostUnreachable: the coordinator, or its host, does not answer.
        BeingRestarted: it does not because gpmedic's own restart is at work.
        AccessRefused: what answers is not the cluster of the settings.
    """
    return look(settings, freshness)


def look(settings: ClusterSettings, freshness: Freshness = Freshness.ASK_FTS) -> Seen:
    """The same without a task run, for the checks immediately before and after a command."""
    observation = observe(settings, freshness)
    if observation.unreachable is not None:
        raise observation.unreachable
    return Seen(observation, observation.diagnosis)
