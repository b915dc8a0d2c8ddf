"""The files at the end of an incident's thread: the report, and the picture of the cluster before and after."""

from gpmedic.picture import before_and_after, picture
from gpmedic.picture_png import picture_png
from gpmedic.report import RecoveryReport, report_markdown


def attachments(report: RecoveryReport) -> dict[str, bytes]:
    """Name and content of each file."""
    name = f"{report.cluster_name}-{report.started:%Y%m%d-%H%M%S}"
    files = {f"{name}.md": report_markdown(report).encode()}
    if report.before.cluster is not None:
        before = picture(report.before.cluster, report.before.probes)
        shown = (before,) if report.after is None else before_and_after(before, picture(report.after))
        files[f"{name}.png"] = picture_png(*shown)
    return files
