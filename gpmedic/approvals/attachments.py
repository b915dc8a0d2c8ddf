"""The files at the end of an incident's thread: the report, and the cluster before and after."""

from gpmedic.report import RecoveryReport, report_markdown


def attachments(report: RecoveryReport) -> dict[str, bytes]:
    """Name and content of each file."""
    name = f"{report.cluster_name}-{report.started:%Y%m%d-%H%M%S}"
    return {f"{name}.md": report_markdown(report).encode()}
