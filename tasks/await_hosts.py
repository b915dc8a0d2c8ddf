"""Wait until the hosts of dead primaries answer the coordinator; nothing else can bring an only copy back."""

import time

from prefect import task
from prefect.cache_policies import NO_CACHE

from gpmedic.access.facts import gather
from gpmedic.access.ssh import Shell
from gpmedic.amounts import duration
from gpmedic.errors import PrecheckFailed, Transient
from gpmedic.plan import silent_contents
from gpmedic.settings import ClusterSettings
from tasks.detect import Seen
from tasks.notify import Level, Phase, announce, tell

PRACTICE_INTERVAL, INTERVAL = 0.3, 10.0
"""Seconds between two looks: on a practice cluster, and elsewhere."""
REMIND_EVERY = 300.0


@task(name="wait for hosts", cache_policy=NO_CACHE)
def await_hosts(settings: ClusterSettings, seen: Seen) -> bool:
    """Wait for every host of an acting primary that does not answer; whether any of them was away.

    Raises:
        PrecheckFailed: a host has not answered within `policy.host_deadline`; nothing was touched.
    """
    silent = silent_contents(seen.diagnosis)
    wanted = {p.primary.hostname for p in seen.observation.cluster.pairs if p.content in silent}
    began = time.monotonic()
    reminded = 0.0
    deadline = began + settings.policy.host_deadline
    while away := _away(settings, seen, wanted):
        now = time.monotonic()
        what = "; ".join(f"{host}: {why}" for host, why in away.items())
        if now > deadline:
            raise PrecheckFailed(
                f"After {duration(now - began)} there is still no answer from {what}. Nothing was touched.",
                "Bring the host back: its segments have no other copy. Then run the flow again.",
            )
        if not reminded or now - reminded > REMIND_EVERY:
            reminded = now
            text = f"Waiting for {what}; for {duration(deadline - now)} more. Its primaries have no other copy."
            tell(Phase.PRECHECK, text, Level.WARNING)
            announce(settings.name, "host.awaited", {"hosts": sorted(away)})
        time.sleep(PRACTICE_INTERVAL if settings.practice else INTERVAL)
    if reminded:
        tell(Phase.PRECHECK, f"{', '.join(sorted(wanted))}: every host answers again.")
    return bool(reminded)


def _away(settings: ClusterSettings, seen: Seen, wanted: set[str]) -> dict[str, str]:
    try:
        with Shell.connect(settings.ssh) as shell:
            facts = gather(settings, shell, seen.observation.cluster)
    except Transient as error:
        return {settings.ssh.host: error.message}
    return {f.host: f.detail for f in facts if f.host in wanted and not f.reachable}
