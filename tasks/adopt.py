"""Take over what an earlier run has started: wait for its end, so that the next look shows what it has done.

A run that died leaves its utility at work as a detached job. The utility changes the catalog before it copies (T15): no
plan made while it runs is the one under which it was started. So it is found by the name of the cluster in its key.
"""

from collections.abc import Mapping
from types import MappingProxyType

from prefect import task
from prefect.cache_policies import NO_CACHE

from gpmedic.access.job import running_jobs
from gpmedic.access.ssh import Shell
from gpmedic.errors import HostUnreachable
from gpmedic.gprecoverseg import Outcome
from gpmedic.plan import Action
from gpmedic.settings import ClusterSettings
from tasks.notify import Level, Phase, tell
from tasks.recover import advice, await_marked_up, explain, outcome
from tasks.restart import advice_restart, answers_again, explain_restart
from tasks.restore_standby import adopted, explain_standby
from tasks.run_utility import Ended, action_of, follow_job
from tasks.transient import RETRIED

PHASES: Mapping[Action, Phase] = MappingProxyType(
    {
        Action.RECOVER: Phase.RECOVER,
        Action.RECOVER_DIFFERENTIAL: Phase.RECOVER,
        Action.RECOVER_FULL: Phase.RECOVER,
        Action.MOVE_TO_SPARE: Phase.RECOVER,
        Action.REBALANCE: Phase.REBALANCE,
        Action.RESTORE_STANDBY: Phase.RESTORE_STANDBY,
        Action.RESTART: Phase.RESTART,
    },
)
COMMANDS: Mapping[Action, str] = MappingProxyType(
    {
        Action.RECOVER: "gprecoverseg",
        Action.RECOVER_DIFFERENTIAL: "gprecoverseg differentially",
        Action.RECOVER_FULL: "gprecoverseg -F",
        Action.MOVE_TO_SPARE: "gprecoverseg to a spare",
        Action.REBALANCE: "gprecoverseg -r",
        Action.RESTORE_STANDBY: "gpinitstandby -n",
        Action.RESTART: "gpstop; gpstart",
    },
)
"""What messages call them; with which options they were started is in the job's folder."""
_DONE_WELL = frozenset({Outcome.RECOVERED, Outcome.REBALANCED})


def at_work(settings: ClusterSettings) -> tuple[str, ...]:
    """The keys of the jobs at work before the first look at the cluster: one that ends beside the look has changed it.

    Where the host does not answer, the look that follows says so, or that a restart is at work.
    """
    try:
        return _running(settings)
    except HostUnreachable:
        return ()


def adopt_restarts(settings: ClusterSettings, before: tuple[str, ...]) -> bool:
    """Wait for a restart among these jobs, before anything asks the coordinator; whether there was one."""
    keys = [key for key in before if action_of(key, settings.name) is Action.RESTART]
    for key in keys:
        adopt(settings, key)
    return bool(keys)


def adopt_what_runs(settings: ClusterSettings, before: tuple[str, ...]) -> bool:
    """Wait for every command that an earlier run has started on this cluster; whether there was one.

    Args:
        before: the jobs that were at work before the look; restarts among them have been waited for.

    Raises:
        HostUnreachable: contact was lost; what runs goes on.
    """
    waited_for = [key for key in before if action_of(key, settings.name) is not Action.RESTART]
    keys = dict.fromkeys((*waited_for, *find_running(settings)))
    for key in keys:
        adopt(settings, key)
    return bool(keys)


@task(name="find what runs", **RETRIED)
def find_running(settings: ClusterSettings) -> tuple[str, ...]:
    """The keys of the jobs at work for this cluster on the coordinator's host."""
    return _running(settings)


def _running(settings: ClusterSettings) -> tuple[str, ...]:
    with Shell.connect(settings.ssh) as shell:
        return tuple(job.key for job in running_jobs(shell) if action_of(job.key, settings.name) in PHASES)


@task(name="adopt", cache_policy=NO_CACHE)
def adopt(settings: ClusterSettings, key: str) -> None:
    """Wait for this job and tell how it ended; judging is left to the look at the cluster that follows."""
    action = action_of(key, settings.name)
    if action is None or action not in PHASES:
        raise ValueError(f"{key} is no job of {settings.name}")
    phase, command = PHASES[action], COMMANDS[action]
    # Without gpmedic's lock: it only watches, and the dead owner's lock takes its time to go stale.
    tell(phase, f"{command} runs already, started by an earlier run (job {key}): waiting for it.")
    ended = follow_job(settings, Ended(tuple(command.split()), key, ()), phase)
    if action is Action.RESTART:
        tell(phase, f"The restart has ended: {explain_restart(ended)}.")
        if not answers_again(settings, ended):
            tell(phase, advice_restart(ended), Level.WARNING)
        return
    if action is Action.RESTORE_STANDBY:
        tell(phase, f"{command} has ended: {explain_standby(ended)}.", source="gpinitstandby")
        adopted(settings, ended)
        return
    tell(phase, f"{command} has ended: {explain(ended)}.", source="gprecoverseg")
    if outcome(ended) not in _DONE_WELL:
        tell(phase, advice(ended), Level.WARNING)
    elif action is not Action.REBALANCE:
        await_marked_up(settings)
