"""Where the policy wants it, a deployed health check starts the recovery as a person would: it asks before it changes.

Once for each incident: what has ended without success, or was declined, or met silence, is a person's to start again.
"""

from typing import Final

from prefect.client.schemas.objects import FlowRun

from flows.health_note import last_well
from flows.journal import known_journal
from gpmedic.conditions import Scenario
from gpmedic.diagnosis import Diagnosis
from gpmedic.errors import UnsafeState
from gpmedic.limits import Limits
from gpmedic.report import Outcome
from gpmedic.settings import Automation, ClusterSettings, RecoveryStarts
from gpmedic.skipped import REASONS, Reason
from tasks.find_recovery import Recovery, find_recovery
from tasks.notify import Phase, announce, tell
from tasks.start_recovery import schedule_recovery

BEGINS: Final = frozenset(
    {Scenario.RECOVER_SEGMENTS, Scenario.REBALANCE, Scenario.DOUBLE_FAULT, Scenario.MIRRORLESS, Scenario.STANDBY}
)
"""What recover has a page for that asks; what passes by itself, or is not understood, is looked at again."""


def why_not_begun(settings: ClusterSettings, diagnosis: Diagnosis, limits: Limits) -> Reason | None:
    """Why a deployed health check starts no recovery for what it has found; None where it should start one."""
    policy = settings.policy
    if policy.automation is not Automation.WITH_APPROVAL:
        return Reason.OBSERVE_ONLY
    if limits.brake is not None or limits.unknown:
        return Reason.BRAKE
    if diagnosis.scenario not in BEGINS:
        return Reason.NO_PAGE
    newest = find_recovery(settings.name)
    if newest is not None and not _is_of_another_incident(newest, last_well(settings.name)):
        return Reason.ALREADY_STARTED
    return None if policy.recovery_starts is RecoveryStarts.BY_HEALTH_CHECK else Reason.START_IS_A_PERSONS


def begin_recovery(settings: ClusterSettings, diagnosis: Diagnosis, newest: Recovery | None) -> None:
    """Start the deployed recovery for what this look has found; once for an incident, however many looks want it.

    Args:
        newest: recovery of this cluster; None where there has been none.
    """
    well = last_well(settings.name)
    incident = f"{newest.run if newest else 'first'}-{well.id if well else 'never'}"
    try:
        run = schedule_recovery(settings.name, f"begins-{incident}")
    except UnsafeState:
        tell_not_begun(Reason.NOT_DEPLOYED)
        return
    tell(Phase.OBSERVE, f"Recovery run {run.name} is started by the policy; it asks before its first disruptive step.")
    announce(settings.name, "recovery.begun", {"run": str(run.id), "scenario": diagnosis.scenario.value})


def tell_not_begun(reason: Reason) -> None:
    """Say in the run's log why no recovery is started."""
    why = REASONS[reason]
    tell(Phase.OBSERVE, f"No recovery is started ({reason}). {why.meaning} Next: {why.next_action}")


def _is_of_another_incident(recovery: Recovery, well: FlowRun | None) -> bool:
    """It is over, and the cluster was well since then, or was brought back by it."""
    if recovery.ended_at is None:
        return False
    if well is not None and well.start_time is not None and well.start_time > recovery.ended_at:
        return True
    journal = known_journal(recovery.run)
    return journal is not None and journal.outcome in (Outcome.RECOVERED, Outcome.HEALTHY)
