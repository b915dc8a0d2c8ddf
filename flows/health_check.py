"""The runbook's first page: is the cluster healthy? Reads only; has a recovery go on, or begin where policy says so."""

from prefect import flow
from pydantic.dataclasses import dataclass

from blocks.greenplum import load_cluster
from flows.begin_recovery import begin_recovery, tell_not_begun, why_not_begun
from flows.health_note import keep_note
from flows.program import run_as_program
from flows.run_name import after_its_cluster
from flows.silence import report_silence
from gpmedic.access.freshness import Freshness
from gpmedic.access.limits import look_at_limits
from gpmedic.artifacts import Kind
from gpmedic.diagnosis import Diagnosis, coordinator_unreachable
from gpmedic.errors import HostUnreachable
from gpmedic.report import diagnosis_line, diagnosis_markdown, diagnosis_text
from gpmedic.settings import ClusterName, ClusterSettings
from tasks.continue_recovery import continue_recovery
from tasks.detect import detect
from tasks.notify import Level, Phase, announce, tell
from tasks.publish import publish_markdown, publish_segments
from tasks.question import current_run


@dataclass(frozen=True)
class HealthReport:
    """What one look at a cluster has shown."""

    cluster_name: str
    diagnosis: Diagnosis

    @property
    def healthy(self) -> bool:
        return self.diagnosis.healthy


@flow(name="health-check", flow_run_name=after_its_cluster)
def health_check(cluster: ClusterName) -> HealthReport:
    """Look at the catalog, probe every acting primary, diagnose, report; one event for each condition found."""
    settings = load_cluster(cluster)
    diagnosis, limits = look(settings), look_at_limits(settings)
    page = diagnosis_markdown(diagnosis, limits, settings.language)
    publish_markdown(Kind.HEALTH, settings.name, page, diagnosis_line(diagnosis))
    if diagnosis.cluster is not None:
        publish_segments(diagnosis.cluster)
    if diagnosis.healthy:
        tell(Phase.OBSERVE, "All segments are up, synchronized and in their preferred roles.")
    for finding in diagnosis.findings:
        tell(Phase.OBSERVE, f"{finding.sentence} {finding.facts.meaning}", Level.WARNING)
    for sentence in limits.sentences:
        tell(Phase.OBSERVE, sentence)
    announce_conditions(diagnosis)
    deployed = current_run().deployment_id is not None  # a look that a person runs by hand starts nothing
    not_begun = None
    try:
        if deployed and not diagnosis.healthy:
            not_begun = why_not_begun(settings, diagnosis, limits)
    finally:
        keep_note(diagnosis, not_begun)  # whoever watches sees what was found, even where nobody can tell what follows
    report_silence(settings)
    continued = continue_recovery(settings.name) if deployed else None
    if not_begun is not None:
        tell_not_begun(not_begun)
    elif deployed and not diagnosis.healthy:
        begin_recovery(settings, diagnosis, continued)
    return HealthReport(settings.name, diagnosis)


def look(settings: ClusterSettings) -> Diagnosis:
    """The diagnosis, also of a cluster whose coordinator does not answer."""
    try:
        return detect(settings, Freshness.AS_IT_IS).diagnosis
    except HostUnreachable as error:
        return coordinator_unreachable(settings.name, error)


def announce_conditions(diagnosis: Diagnosis) -> None:
    """Emit each finding as an event that an automation can act on."""
    for finding in diagnosis.findings:
        facts = finding.facts
        announce(
            diagnosis.cluster_name,
            f"condition.{finding.condition.value}",
            {
                "severity": facts.severity.value,
                "scenario": facts.scenario.value,
                "contents": list(finding.contents),
                "dbids": list(finding.dbids),
                "detail": finding.detail,
                "next_action": facts.next_action,
            },
        )


if __name__ == "__main__":
    run_as_program(health_check, lambda report: diagnosis_text(report.diagnosis))
