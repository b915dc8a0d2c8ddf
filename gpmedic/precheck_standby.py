"""What must hold before the standby coordinator is started again on its data directory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Segment
from gpmedic.host_facts import DirectoryFacts, HostFacts
from gpmedic.precheck_directory import judge_target
from gpmedic.settings import PolicySettings

_MADE_ANEW: Final = (
    "gpinitstandby -a -r takes it out of the catalog and removes its directory, gpinitstandby -a -s HOST copies the"
    " coordinator to it."
)


def judge_standby(cluster: Cluster, facts: Sequence[HostFacts], policy: PolicySettings) -> Iterator[Check]:
    """Directory, mode, space, postmaster, and that it would start as a standby; nothing of a host that is silent."""
    standby = cluster.standby
    host = next((f for f in facts if standby is not None and f.host == standby.hostname), None)
    if standby is None or host is None or not host.reachable:  # the host's own check has failed
        return
    directory = host.directory(standby.datadir)
    for check in judge_target(standby, directory, cluster.version, policy):
        if check.name is CheckName.STANDBY_MARKER:  # what keeps pg_rewind from a mirror is what makes a standby
            continue
        action = f"Mount the file system that is missing; where the data is lost, make the standby anew: {_MADE_ANEW}"
        yield check if check.lost is None else replace(check, next_action=action)
    if directory is not None and directory.exists:
        yield _starts_as_standby(standby, directory)


def _starts_as_standby(standby: Segment, facts: DirectoryFacts) -> Check:
    """Without a marker it would start as a second coordinator, and gpinitstandby -n does not look."""
    target = f"dbid {standby.dbid} on {standby.hostname}"
    if facts.standby_markers:
        detail = f"{', '.join(facts.standby_markers)} lies there"
        return Check(CheckName.STARTS_AS_STANDBY, target, Verdict.PASS, detail)
    detail = f"neither recovery.conf nor standby.signal lies in {standby.datadir}: it would start as a coordinator"
    action = f"Find out whether it was activated, and never start it. To make the standby anew: {_MADE_ANEW}"
    return Check(CheckName.STARTS_AS_STANDBY, target, Verdict.FAIL, detail, action)
