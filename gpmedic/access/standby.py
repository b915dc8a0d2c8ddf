"""How the standby coordinator is seen where no view shows its stream: 4.3 and 5 tell it by gpstate -f alone (T24)."""

from gpmedic.access.environment import prelude
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Generation, StandbyLook
from gpmedic.errors import UnreadableOutput
from gpmedic.gpstate import Report, StandbyReport, argv, parse_standby
from gpmedic.settings import GreenplumSettings


def look_at_standby(shell: Shell, settings: GreenplumSettings, cluster: Cluster) -> StandbyLook | None:
    """What gpstate -f says; None where it is not needed, or said something that is not understood.

    Args:
        shell: on the coordinator's host.

    Raises:
        HostUnreachable: the connection was lost.
    """
    if cluster.standby is None or cluster.version.generation is not Generation.FILEREP:
        return None
    script = f'{prelude(settings, cluster.coordinator.port)}\nexec "$@"'
    try:
        report = parse_standby(shell.run(script, *argv(Report.STANDBY)).stdout)
    except UnreadableOutput:  # what is not known is no fault, and no proof either
        return None
    return None if report.failure is not None or report.standby is None else _look(report)


def _look(report: StandbyReport) -> StandbyLook:
    status = report.standby.status if report.standby is not None else ""
    stream = report.replication.state if report.replication is not None else "no entry in pg_stat_replication"
    return StandbyLook(report.works, f"gpstate -f says: {status}; {stream}")
