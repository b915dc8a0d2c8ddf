"""gprecoverseg of mirrors for which less is ruled out, differentially or in full, after an approval of its own."""

from prefect import task

from gpmedic.access.facts_spare import home_of
from gpmedic.access.ssh import Shell
from gpmedic.full_copy import CopyOver, make_copy_plan, require_same_targets
from gpmedic.plan import Plan
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.compare_copies import compare_now
from tasks.detect import Seen
from tasks.notify import Phase
from tasks.precheck import Checked, check
from tasks.recover import judge_recovery
from tasks.run_utility import run_approved
from tasks.transient import RETRIED


def copy_plan(settings: ClusterSettings, seen: Seen, wanted: CopyOver) -> Plan:
    """The plan of the copy from this look."""
    return make_copy_plan(seen.diagnosis, seen.observation.capabilities, settings.policy, wanted)


def folder_of(settings: ClusterSettings) -> str:
    """Where the recovery configuration file lies on the coordinator's host."""
    with Shell.connect(settings.ssh) as shell:
        return f"{home_of(shell)}/.gpmedic"


@task(name="gprecoverseg over the copy", **RETRIED)
def recover_full(settings: ClusterSettings, approval: Approval, checked: Checked, wanted: CopyOver) -> None:
    """Run it and judge by the catalog that every mirror of the plan is up.

    Raises:
        IncrementalFailed: it was differential and has failed: only a full copy is left.
        UtilityFailed: it ended, and mirrors that it was to copy are still down.
        Other errors: see `run_approved`; nothing was started.
    """

    def plan_of(seen: Seen) -> Plan:
        return copy_plan(settings, seen, wanted)

    def check_of(shell: Shell, seen: Seen) -> Checked:
        contents = [c.content for c in wanted.comparisons]
        require_same_targets(wanted, compare_now(settings, shell, seen, contents))
        return check(settings, shell, seen, plan_of(seen))

    ended = run_approved(settings, wanted.action, approval, checked, Phase.RECOVER, plan_of=plan_of, check_of=check_of)
    judge_recovery(settings, ended, wanted.kind)
