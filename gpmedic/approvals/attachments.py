"""The files at the end of an incident's thread: the report, the cluster before and after, how the mirrors caught up."""

from gpmedic.picture_png import picture_png, scene_png
from gpmedic.recovery_report import RecoveryReport
from gpmedic.report import report_html, report_markdown
from gpmedic.report_sections import pictures_of
from gpmedic.resync_chart import resync_chart


def attachments(report: RecoveryReport) -> dict[str, bytes]:
    """Name and content of each file."""
    name = f"{report.cluster_name}-{report.started:%Y%m%d-%H%M%S}"
    files = {f"{name}.md": report_markdown(report).encode(), f"{name}.html": report_html(report).encode()}
    if shown := pictures_of(report):
        files[f"{name}.png"] = picture_png(*shown)
    if (chart := resync_chart(report.samples)) is not None:
        files[f"{name}-resync.png"] = scene_png(chart)
    return files
