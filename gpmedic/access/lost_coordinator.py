"""Tries every way to a coordinator that does not answer, and from its host to the standby's. Changes nothing."""

import re
import socket

from gpmedic.access.environment import prelude
from gpmedic.access.facts import HOST_NAME
from gpmedic.access.restart import restart_at_work
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.errors import GpmedicError
from gpmedic.lost_coordinator import LastStandby, LostCoordinator, Tried, judge
from gpmedic.masking import fit_to_keep
from gpmedic.settings import ClusterSettings


def try_coordinator(settings: ClusterSettings, standby: LastStandby | None) -> LostCoordinator:
    """What answers and what does not; no failure is an error here."""
    listens, port = _port(settings)
    tried, restart, asked, lives = [port], None, False, False
    ssh = f"ssh to {settings.ssh.host}:{settings.ssh.port}"
    try:
        with Shell.connect(settings.ssh) as shell:
            tried.append(Tried(ssh, "answers"))
            restart = restart_at_work(settings, shell)
            if restart is not None:
                tried.append(Tried("gpmedic's jobs on that host", str(restart)))
            said = _postmaster(settings, shell)
            # A directory that is missing or cannot be read proves nothing: the settings may name another one.
            asked, lives = said.startswith("the coordinator "), said.startswith("pid ")
            what = f"postmaster.pid in {settings.greenplum.coordinator_data_directory}, and its process"
            tried.append(Tried(what, said or "nothing was said"))
            if standby is not None:
                tried.append(_standby(shell, standby))
    except GpmedicError as error:
        tried.append(Tried(ssh, error.message))
        if standby is not None:
            tried.append(
                Tried(f"standby on {standby.hostname}", "not asked: it is reached from the coordinator's host")
            )
    verdict = judge(restart, listens=listens, asked=asked, postmaster_lives=lives)
    datadir = settings.greenplum.coordinator_data_directory
    return LostCoordinator(settings.name, settings.ssh.host, datadir, verdict, tuple(tried), standby)


def _port(settings: ClusterSettings) -> tuple[bool, Tried]:
    database = settings.database
    what = f"TCP connection to {database.host}:{database.port}"
    try:
        socket.create_connection((database.host, database.port), database.connect_timeout).close()
    except OSError as error:
        return False, Tried(what, str(error) or type(error).__name__)
    return True, Tried(what, "something listens there and takes it")


def _postmaster(settings: ClusterSettings, shell: Shell) -> str:
    """What the data directory says of its postmaster; "" where it could not be looked at."""
    done = shell.run(prelude(settings.greenplum, settings.database.port) + script("within", "runs", "observe"), "")
    found = re.search(r"^postmaster (.*)$", done.stdout, re.MULTILINE)
    return found[1] if found else ""


def _standby(shell: Shell, standby: LastStandby) -> Tried:
    what = f"standby on {standby.hostname}, data directory {standby.datadir}"
    if not HOST_NAME.fullmatch(standby.hostname):  # it becomes an argument of ssh
        return Tried(what, "not asked: this is not a host name")
    done = shell.run(script("within", "lost_standby"), standby.hostname, standby.datadir)
    found = re.search(r"^gpmedic: (.*)$", done.stdout, re.MULTILINE)
    if found:
        return Tried(what, found[1])
    return Tried(what, f"could not be asked: {' '.join(fit_to_keep(done.stdout).split())[-300:] or 'no answer'}")
