"""Check on the hosts what must hold before anything is changed; changes nothing."""

import sys
import time
from dataclasses import dataclass
from datetime import datetime

from prefect import task

from gpmedic.access.facts import gather, who_works
from gpmedic.access.room import room_for
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.check import Check, Verdict
from gpmedic.cluster import Cluster, Generation
from gpmedic.host_facts import HostFacts
from gpmedic.plan import Action, Plan
from gpmedic.precheck import judge, judge_utilities, require
from gpmedic.precheck_copies import judge_copies
from gpmedic.repeated_failures import COUNTED, SINCE_SQL, failures, judge_repeated
from gpmedic.room import judge_room
from gpmedic.settings import ClusterSettings
from tasks.compare_copies import compare_now
from tasks.detect import Seen
from tasks.notify import Level, Phase, tell
from tasks.transient import RETRIED


def clock() -> float:
    """Seconds that also count while this machine sleeps, where its kernel tells: what was seen before is old then."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


@dataclass(frozen=True, slots=True)
class Checked:
    """Checks of one plan, and when they were made, by `clock`."""

    checks: tuple[Check, ...]
    fingerprint: str
    at: float

    @property
    def age(self) -> float:
        """Seconds since they were made."""
        return clock() - self.at


@task(name="precheck", **RETRIED)
def precheck(settings: ClusterSettings, seen: Seen, plan: Plan | None = None) -> Checked:
    """Every check that the next disruptive step needs, passed or not: `gpmedic.precheck.require` says whether to go on.

    Args:
        plan: by default the runbook's own.

    Raises:
        HostUnreachable: the coordinator's host does not answer.
    """
    with Shell.connect(settings.ssh) as shell:
        checked = check(settings, shell, seen, plan)
    tell_checks(checked)
    return checked


def tell_checks(checked: Checked) -> None:
    """Tell how many passed, and each that did not."""
    failed = [c for c in checked.checks if c.verdict is Verdict.FAIL]
    warned = [c for c in checked.checks if c.verdict is Verdict.WARN]
    tell(Phase.PRECHECK, f"{len(checked.checks)} checks, {len(warned)} warnings, {len(failed)} failed.")
    for one in (*failed, *warned):
        tell(
            Phase.PRECHECK,
            f"{one.name.value} ({one.target}): {one.detail.rstrip('.')}. {one.next_action}",
            Level.WARNING,
        )


def check(settings: ClusterSettings, shell: Shell, seen: Seen, plan: Plan | None = None) -> Checked:
    """The same without a task run, for the moment before a command."""
    at = clock()
    cluster = seen.observation.cluster
    plan = plan or seen.plan(settings)
    facts = gather(settings, shell, cluster)
    checks = judge(plan, cluster, facts, settings.policy)
    checks += (
        *_not_newer(settings, shell, seen, plan, facts),
        *room(settings, shell, plan, cluster),
        *repeated(settings, plan, cluster),
    )
    return Checked(checks, plan.fingerprint, at)


def _not_newer(
    settings: ClusterSettings, shell: Shell, seen: Seen, plan: Plan, facts: tuple[HostFacts, ...]
) -> tuple[Check, ...]:
    """Whether a recovery may rewind or overwrite what it would; the page of a copy over it compares by itself."""
    step = next(iter(plan.disruptive_steps), None)
    wal = seen.observation.cluster.version.generation is Generation.WAL
    if step is None or step.action is not Action.RECOVER or not wal:
        return ()
    comparisons = compare_now(settings, shell, seen, step.contents, facts)
    return tuple(judge_copies(comparisons, settings.policy.recovery_type))


def room(settings: ClusterSettings, shell: Shell, plan: Plan, cluster: Cluster) -> tuple[Check, ...]:
    """Whether the full copies of the next disruptive step fit; no other step needs more than the share that is free."""
    step = next(iter(plan.disruptive_steps), None)
    if step is None or step.action is not Action.RECOVER_FULL:
        return ()
    targets = [cluster.segment(dbid) for dbid in step.dbids]
    return tuple(judge_room(targets, room_for(settings, shell, cluster, targets), settings.policy))


def require_nobody_works(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> None:
    """A look at the coordinator's host alone: no utility at work there, no lock held or left over (T1, T22).

    Raises:
        UtilityBusy, PrecheckFailed: there is one.
    """
    coordinator = cluster.coordinator.hostname
    require(tuple(judge_utilities(coordinator, who_works(settings, shell, coordinator))))


def repeated(settings: ClusterSettings, plan: Plan, cluster: Cluster) -> tuple[Check, ...]:
    """A check for each instance that the next disruptive step is for and that failed before within the window."""
    step = next(iter(plan.disruptive_steps), None)
    if step is None or step.action not in COUNTED or settings.policy.repeat_window == 0:
        return ()
    with Database.connect(settings.database) as database:
        lines = database.rows(SINCE_SQL, [settings.policy.repeat_window])
    when = failures(
        (line["time"], line["dbid"], str(line["description"]))
        for line in lines
        if isinstance(line["time"], datetime) and isinstance(line["dbid"], int)
    )
    return tuple(judge_repeated(step, cluster, when, settings.policy))
