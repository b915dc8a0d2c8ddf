"""gprecoverseg -F of the mirrors whose incremental recovery has failed, after an approval of its own."""

from prefect import task

from gpmedic.access.facts_spare import home_of
from gpmedic.access.ssh import Shell
from gpmedic.full_copy import FullCopy, make_full_plan
from gpmedic.plan import Action, Plan
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.detect import Seen
from tasks.notify import Phase
from tasks.precheck import Checked
from tasks.recover import judge_recovery
from tasks.run_utility import run_approved
from tasks.transient import RETRIED


def full_plan(settings: ClusterSettings, seen: Seen, wanted: FullCopy) -> Plan:
    """The plan of the full copy from this look."""
    return make_full_plan(seen.diagnosis, seen.observation.capabilities, settings.policy, wanted)


def folder_of(settings: ClusterSettings) -> str:
    """Where the recovery configuration file lies on the coordinator's host."""
    with Shell.connect(settings.ssh) as shell:
        return f"{home_of(shell)}/.gpmedic"


@task(name="gprecoverseg -F", **RETRIED)
def recover_full(settings: ClusterSettings, approval: Approval, checked: Checked, wanted: FullCopy) -> None:
    """Run it and judge by the catalog that every mirror of the plan is up.

    Raises:
        UtilityFailed: it ended, and mirrors that it was to copy are still down.
        Other errors: see `run_approved`; nothing was started.
    """
    ended = run_approved(
        settings,
        Action.RECOVER_FULL,
        approval,
        checked,
        Phase.RECOVER,
        plan_of=lambda seen: full_plan(settings, seen, wanted),
    )
    judge_recovery(settings, ended)
