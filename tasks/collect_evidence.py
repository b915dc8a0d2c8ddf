"""Evidence first: what the cluster looked like before anything was changed, kept with the run."""

import json
from dataclasses import asdict
from datetime import datetime

from prefect import task

from gpmedic.access.evidence import read_evidence
from gpmedic.access.ssh import Shell
from gpmedic.settings import ClusterSettings
from tasks.detect import Seen
from tasks.notify import Phase, tell
from tasks.publish import publish_markdown
from tasks.transient import RETRIED

MOST_CHARACTERS = 20_000  # of one segment


@task(name="collect evidence", **RETRIED)
def collect_evidence(settings: ClusterSettings, seen: Seen) -> str:
    """Save catalog, history, pg_controldata of both copies and the ends of their logs as an artifact of the run.

    Returns:
        The page that was saved, Markdown.

    Raises:
        HostUnreachable: the coordinator's host does not answer; without evidence nothing is changed.
    """
    cluster = seen.observation.cluster
    troubled = {content for finding in seen.diagnosis.findings for content in finding.contents}
    copies = [s for s in cluster.segments if s.content in troubled]
    with Shell.connect(settings.ssh) as shell:
        parts = read_evidence(shell, settings.greenplum, cluster.coordinator.port, copies)
    rows = [json.dumps(asdict(segment)) for segment in cluster.segments]
    history = [_history_line(line.time, line.dbid, line.description) for line in seen.observation.history]
    page = "\n\n".join(
        [
            f"# Evidence of {cluster.name} before anything was changed",
            _fenced("gp_segment_configuration", "\n".join(rows)),
            _fenced("gp_configuration_history, the newest first", "\n".join(history)),
            *(_fenced(heading, text[-MOST_CHARACTERS:]) for heading, text in parts),
        ]
    )
    publish_markdown("evidence", cluster.name, page, f"{cluster.name} before anything was changed")
    tell(Phase.EVIDENCE, f"Saved the catalog, its history and the state of {len(copies)} copies on their hosts.")
    return page


def _history_line(time: datetime, dbid: int, description: str) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S.%f} dbid {dbid}: {description}"


def _fenced(heading: str, text: str) -> str:
    fence = "`" * 3
    while fence in text:  # what a cluster printed must not break out
        fence += "`"
    return f"## {heading}\n\n{fence}\n{text}\n{fence}"
