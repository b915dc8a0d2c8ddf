"""Find out which ways of recovery earlier runs have ruled out for the mirrors that are down."""

from typing import Final

from prefect import task

from gpmedic.access.job import ended_jobs, status
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.plan import Action
from gpmedic.repeated_failures import SINCE_SQL
from gpmedic.ruled_out import RuledOut, by_run, merged, uncleared
from gpmedic.settings import ClusterSettings
from tasks.detect import Seen
from tasks.run_utility import action_of
from tasks.transient import RETRIED

_RECOVERING: Final = frozenset(
    {Action.RECOVER, Action.RECOVER_DIFFERENTIAL, Action.RECOVER_FULL, Action.REBALANCE}  # -r recovers too (T4)
)
NEWEST = 10
"""So many runs are read; what failed before them has been up or been asked for since."""


@task(name="rule out", **RETRIED)
def rule_out(settings: ClusterSettings, seen: Seen) -> tuple[RuledOut, ...]:
    """What must not be proposed for a mirror that has not been up since it failed there, as the jobs' folders tell.

    A run that is resumed begins again from the top, and another run knows nothing of the first: both learn it here.

    Raises:
        HostUnreachable: the coordinator or its host does not answer.
    """
    cluster = seen.observation.cluster
    with Shell.connect(settings.ssh) as shell:
        ended = [job for job in ended_jobs(shell) if action_of(job.key, settings.name) in _RECOVERING]
        runs = [(job.age, by_run(status(shell, job.key).output, cluster)) for job in ended[:NEWEST]]
    runs = [(age, found) for age, found in runs if found]
    if not runs:
        return ()
    ruled_out = list[RuledOut]()
    with Database.connect(settings.database) as database:
        for age, found in runs:
            # A second less: the age is in whole seconds, and what FTS marked before the end belongs to the run.
            lines = database.rows(SINCE_SQL, [max(0, age - 1)])
            since = [(int(str(line["dbid"])), str(line["description"])) for line in lines]
            ruled_out += uncleared(found, since, cluster.version.generation)
    return merged(ruled_out)
