"""Check on the hosts what must hold before anything is changed; changes nothing."""

import time
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from gpmedic.access.facts import gather
from gpmedic.access.ssh import Shell
from gpmedic.check import Check, Verdict
from gpmedic.precheck import judge
from gpmedic.settings import ClusterSettings
from tasks.detect import Seen
from tasks.notify import Level, Phase, tell
from tasks.transient import DELAYS, only_transient


@dataclass(frozen=True, slots=True)
class Checked:
    """Checks of one plan, and when they were made, by the monotonic clock of this process."""

    checks: tuple[Check, ...]
    fingerprint: str
    at: float

    @property
    def age(self) -> float:
        """Seconds since they were made."""
        return time.monotonic() - self.at


@task(
    name="precheck",
    cache_policy=NO_CACHE,
    retries=len(DELAYS),
    retry_delay_seconds=list(DELAYS),
    retry_condition_fn=only_transient,
)
def precheck(settings: ClusterSettings, seen: Seen) -> Checked:
    """Every check that the next disruptive step needs, passed or not: `gpmedic.precheck.require` says whether to go on.

    Raises:
        HostUnreachable: the coordinator's host does not answer.
    """
    with Shell.connect(settings.ssh) as shell:
        checked = check(settings, shell, seen)
    failed = [c for c in checked.checks if c.verdict is Verdict.FAIL]
    warned = [c for c in checked.checks if c.verdict is Verdict.WARN]
    tell(Phase.PRECHECK, f"{len(checked.checks)} checks, {len(warned)} warnings, {len(failed)} failed.")
    for one in (*failed, *warned):
        tell(Phase.PRECHECK, f"{one.name.value} ({one.target}): {one.detail} {one.next_action}", Level.WARNING)
    return checked


def check(settings: ClusterSettings, shell: Shell, seen: Seen) -> Checked:
    """The same without a task run, for the moment before a command."""
    at = time.monotonic()
    cluster = seen.observation.cluster
    plan = seen.plan(settings)
    return Checked(judge(plan, cluster, gather(settings, shell, cluster), settings.policy), plan.fingerprint, at)
