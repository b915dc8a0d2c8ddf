"""What a detached job of a step runs; a restart is one job, so that no dead worker leaves the database stopped."""

import re
import shlex
from typing import Final

from gpmedic.access.job import jobs_on
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster
from gpmedic.errors import BeingRestarted, UnsafeState
from gpmedic.restart import must_end, needed_hosts
from gpmedic.settings import ClusterSettings
from gpmedic.steps import Action, Step

PATIENCE: Final = 600
"""Seconds in which the postmasters that must end have to after gpstop has: nobody else starts the database again."""
SPARED: Final = 60
"""Seconds that any other gets before the start goes on beside it."""
DEADLINE: Final = 20
"""Seconds that a host gets for its answer."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,253}")


def job_argv(step: Step, cluster: Cluster) -> tuple[str, ...]:
    """What a job of this step runs: the step's own command, for a restart the script around both of its commands.

    Raises:
        UnsafeState: the catalog has a host name that cannot be one; nothing was started.
    """
    if step.action is not Action.RESTART:
        return step.argv
    needed, ended = needed_hosts(cluster, step), must_end(cluster)
    hosts = [word for host in cluster.hosts for word in _asked(host, cluster, _need(host in needed), ended)]
    commands = (shlex.join(step.argv), shlex.join(step.afterwards))
    text = script("within", "restart")
    return ("/bin/sh", "-c", text, "gpmedic-restart", *commands, str(PATIENCE), str(SPARED), str(DEADLINE), *hosts)


def restart_at_work(settings: ClusterSettings, shell: Shell) -> BeingRestarted | None:
    """Why this coordinator does not answer, where a job restarts it, under whatever name of the cluster.

    To be asked before its postmaster is looked for: what is found stopped after that, no restart has stopped that ended
    meanwhile.

    Raises:
        HostUnreachable: the connection was lost.
    """
    for key in jobs_on(shell, settings.greenplum.coordinator_data_directory):
        if key.startswith(f"{Action.RESTART.value}-"):
            return BeingRestarted(
                f"gpmedic's restart (job {key}) is at work on {shell.host}.",
                f"Start and activate nothing; wait until it has ended. Its output: ~/.gpmedic/jobs/{key}/out on"
                f" {shell.host}.",
            )
    return None


def _need(needed: bool) -> str:
    return "must" if needed else "may"


def _asked(host: str, cluster: Cluster, need: str, ended: frozenset[int]) -> tuple[str, str, str]:
    if not _NAME.fullmatch(host):  # it comes from the catalog and becomes an argument of ssh
        raise UnsafeState(f"{host!r} is no host name; nothing was stopped.", "Correct gp_segment_configuration.")
    words = shlex.join(f"{_need(s.dbid in ended)}:{s.datadir}" for s in cluster.segments if s.hostname == host)
    # A function, so that a host to which only half of it comes runs nothing; see ssh.py.
    text = f"gpmedic_look() {{\n{script('runs', 'postmasters')}\n}}\ngpmedic_look {words} </dev/null"
    return host, need, text
