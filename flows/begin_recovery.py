"""Where the policy wants it, a deployed health check starts the recovery as a person would: it asks before it changes.

Once for each incident: what has ended without success, or was declined, or met silence, is a person's to start again.
"""

from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from flows.health_note import last_well
from flows.journal import read_journal
from gpmedic.automation import Automation
from gpmedic.conditions import Scenario
from gpmedic.diagnosis import Diagnosis
from gpmedic.limits import Limits
from gpmedic.report import Outcome
from gpmedic.settings import ClusterSettings, RecoveryStarts
from tasks.find_recovery import Recovery, find_recovery
from tasks.notify import Level, Phase, announce, tell
from tasks.start_recovery import DEPLOYMENT

BEGINS: Final = frozenset(
    {Scenario.RECOVER_SEGMENTS, Scenario.REBALANCE, Scenario.DOUBLE_FAULT, Scenario.MIRRORLESS, Scenario.STANDBY}
)
"""What recover has a page for that asks; what passes by itself, or is not understood, is looked at again."""


def begin_recovery(settings: ClusterSettings, diagnosis: Diagnosis, limits: Limits) -> None:
    """Start the deployed recovery for what this look has found, where policy and brake let it, and nobody has yet."""
    policy = settings.policy
    wanted = policy.recovery_starts is RecoveryStarts.BY_HEALTH_CHECK and policy.automation is Automation.WITH_APPROVAL
    if not wanted or diagnosis.scenario not in BEGINS or limits.brake is not None or limits.unknown:
        return
    newest, well = find_recovery(settings.name), last_well(settings.name)
    if newest is not None and not _is_of_another_incident(newest, well):
        return
    incident = f"{newest.run if newest else 'first'}-{well.id if well else 'never'}"
    try:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(
                client.read_deployment_by_name(DEPLOYMENT).id,
                parameters={"cluster": settings.name},
                idempotency_key=f"gpmedic-begins-{settings.name}-{incident}",
            )
    except ObjectNotFound:
        told = f"There is no deployment {DEPLOYMENT}, so no recovery was started. Next: gpmedic setup --deploy."
        tell(Phase.OBSERVE, told, Level.WARNING)
        return
    tell(Phase.OBSERVE, f"Recovery run {run.name} is started by the policy; it asks before its first disruptive step.")
    announce(settings.name, "recovery.begun", {"run": str(run.id), "scenario": diagnosis.scenario.value})


def _is_of_another_incident(recovery: Recovery, well: FlowRun | None) -> bool:
    """It is over, and the cluster was well since then, or was brought back by it."""
    if recovery.ended_at is None:
        return False
    if well is not None and well.start_time is not None and well.start_time > recovery.ended_at:
        return True
    journal = read_journal(recovery.run)
    return journal is not None and journal.outcome in (Outcome.RECOVERED, Outcome.HEALTHY)
