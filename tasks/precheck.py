"""Check on the hosts what must hold before anything is changed; changes nothing."""

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


@task(
    name="precheck",
    cache_policy=NO_CACHE,
    retries=len(DELAYS),
    retry_delay_seconds=list(DELAYS),
    retry_condition_fn=only_transient,
)
def precheck(settings: ClusterSettings, seen: Seen) -> tuple[Check, ...]:
    """Every check that the next disruptive step needs, passed or not: `gpmedic.precheck.require` says whether to go on.

    Raises:
        HostUnreachable: the coordinator's host does not answer.
    """
    with Shell.connect(settings.ssh) as shell:
        cluster = seen.observation.cluster
        checks = judge(seen.plan(settings), cluster, gather(settings, shell, cluster), settings.policy)
    failed = [c for c in checks if c.verdict is Verdict.FAIL]
    warned = [c for c in checks if c.verdict is Verdict.WARN]
    tell(Phase.PRECHECK, f"{len(checks)} checks, {len(warned)} warnings, {len(failed)} failed.")
    for check in (*failed, *warned):
        tell(Phase.PRECHECK, f"{check.name.value} ({check.target}): {check.detail} {check.next_action}", Level.WARNING)
    return checks
