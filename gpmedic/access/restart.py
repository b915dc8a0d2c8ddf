"""What a detached job of a step runs; a restart is one job, so that no dead worker leaves the database stopped."""

import re
import shlex
from typing import Final

from gpmedic.access.job import jobs_on, status
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster
from gpmedic.errors import GpmedicError, UnsafeState
from gpmedic.masking import fit_to_keep
from gpmedic.restart import must_end, needed_hosts
from gpmedic.restart_job import RestartAtWork
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
    hosts = [word for host in cluster.hosts for word in _asked(host, cluster, host in needed, ended)]
    commands = (shlex.join(step.argv), shlex.join(step.afterwards))
    text = script("within", "restart")
    return ("/bin/sh", "-c", text, "gpmedic-restart", *commands, str(PATIENCE), str(SPARED), str(DEADLINE), *hosts)


def restart_at_work(settings: ClusterSettings, shell: Shell) -> RestartAtWork | None:
    """The job that restarts this coordinator, under whatever name of the cluster.

    To be asked before its postmaster is looked for: what is found stopped after that, no restart has stopped that ended
    meanwhile.

    Raises:
        HostUnreachable: the connection was lost.
    """
    for job in jobs_on(shell, settings.greenplum.coordinator_data_directory):
        if job.key.startswith(f"{Action.RESTART.value}-"):
            return RestartAtWork(shell.host, job.key, job.age, _last_line(shell, job.key))
    return None


def _last_line(shell: Shell, key: str) -> str:
    try:
        lines = fit_to_keep(status(shell, key).output).split("\n")
    except GpmedicError:  # what was found counts, whatever becomes of the connection now
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]


def _asked(host: str, cluster: Cluster, needed: bool, ended: frozenset[int]) -> tuple[str, str, str]:
    if not _NAME.fullmatch(host):  # it comes from the catalog and becomes an argument of ssh
        raise UnsafeState(f"{host!r} is no host name; nothing was stopped.", "Correct gp_segment_configuration.")
    here = [s for s in cluster.segments if s.hostname == host]
    must = [f"must:{s.datadir}" for s in here if s.dbid in ended]
    may = [f"may:{s.datadir}" for s in here if s.dbid not in ended]
    words = shlex.join((*must, "seen", *may))
    # A function, so that a host to which only half of it comes runs nothing; see ssh.py.
    text = f"gpmedic_look() {{\n{script('runs', 'postmasters')}\n}}\ngpmedic_look {words} </dev/null"
    return host, "must" if needed else "may", text
