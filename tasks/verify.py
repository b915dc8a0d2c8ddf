"""Prove that the cluster is healthy: by its state, never by an exit code."""

from dataclasses import replace

from prefect import task

from gpmedic.access.environment import prelude
from gpmedic.access.facts import gather
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.access.standby import look_at_standby
from gpmedic.access.watch import Watch
from gpmedic.catalog import LIVENESS_SQL
from gpmedic.cluster import Cluster, Generation
from gpmedic.errors import GpmedicError, Transient, UnreadableOutput
from gpmedic.gpstate import ErrorReport, Report, StatusReport, argv, parse_errors, parse_status
from gpmedic.settings import ClusterSettings
from gpmedic.verify import Proof, gpstate_report, prove
from tasks.notify import Level, Phase, tell
from tasks.transient import RETRIED


@task(name="verify", **RETRIED)
def verify(settings: ClusterSettings) -> tuple[Cluster, tuple[Proof, ...]]:
    """The snapshot and its proof set: rows, roles, pairs, replication, standby, gpstate, one query over all."""
    watch = Watch(settings)
    try:
        cluster = watch.look()
    finally:
        watch.close()
    with Shell.connect(settings.ssh) as shell:
        report = _gpstate(settings, shell, cluster)
        cluster = replace(cluster, standby_look=look_at_standby(shell, settings.greenplum, cluster))
        hosts = gather(settings, shell, cluster) if cluster.version.generation is Generation.FILEREP else ()
    proofs = prove(cluster, report, _liveness(settings), hosts)
    for proof in proofs:
        level = Level.INFO if proof.holds else Level.WARNING
        tell(Phase.VERIFY, f"{proof.name.value}: {proof.answer} ({proof.detail})", level)
    return cluster, proofs


def _gpstate(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> ErrorReport | StatusReport | None:
    report = gpstate_report(cluster)
    try:
        script = f'{prelude(settings.greenplum, cluster.coordinator.port)}\nexec "$@"'
        said = shell.run(script, *argv(report)).stdout
        return parse_errors(said) if report is Report.ERRORS else parse_status(said)
    except UnreadableOutput as error:
        tell(Phase.VERIFY, error.message, Level.WARNING)
        return None


def _liveness(settings: ClusterSettings) -> list[dict[str, object]]:
    """The answer of every content to one query; none where it failed, which proves nothing."""
    try:
        with Database.connect(settings.database) as database:
            return database.rows(LIVENESS_SQL)
    except Transient:
        raise
    except GpmedicError as error:
        tell(Phase.VERIFY, error.message, Level.WARNING)
        return []
