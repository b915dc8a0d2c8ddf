"""Keep what was seen and done with the run, as artifacts: Markdown reports, tables of segments, progress of waits.

What is only shown is for people: a Prefect server that is away for long must not end a recovery, and gets it no later
either. What a later step relies on must be there before that step.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from gpmedic.artifacts import Kind, artifact_key
from gpmedic.cluster import Cluster
from gpmedic.errors import Refused
from gpmedic.report_tables import segments_table
from tasks.notify import Level, Phase, tell


def publish_markdown(kind: Kind, cluster_name: str, markdown: str, description: str) -> None:
    """Store a page; the newest of its kind is what the cluster's page in Prefect shows.

    Args:
        description: one line that says what matters of it, for the lists in which only that line is seen.
    """
    with _forgiving(description):
        create_markdown_artifact(markdown, key=artifact_key(kind, cluster_name), description=description)


def keep_markdown(kind: Kind, cluster_name: str, markdown: str, description: str) -> None:
    """Store a page without which the step that follows must not be run.

    Raises:
        Refused: the Prefect server did not take it.
    """
    try:
        create_markdown_artifact(markdown, key=artifact_key(kind, cluster_name), description=description)
    except (httpx.TransportError, PrefectHTTPStatusError) as error:
        raise Refused(
            f"The Prefect server did not take the page {description!r} ({_reason(error)}), and the next step is not run"
            " before that page is kept.",
            "See in the log of the server, and of a proxy before it, why; then run the flow again.",
        ) from error


def publish_segments(cluster: Cluster) -> None:
    """Store the table of segments as the catalog shows it, in words; what is down or switched stands first."""
    description = f"Every segment of {cluster.name} ({cluster.version})"
    with _forgiving(description):
        create_table_artifact(
            segment_rows(cluster), key=artifact_key(Kind.SEGMENTS, cluster.name), description=description
        )


@contextmanager
def _forgiving(what: str) -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, PrefectHTTPStatusError) as error:
        told = f"{what}: the Prefect server did not take it ({_reason(error)}); the run goes on without it."
        tell(Phase.REPORT, told, Level.WARNING)


def _reason(error: httpx.TransportError | PrefectHTTPStatusError) -> str:
    if isinstance(error, PrefectHTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__


def segment_rows(cluster: Cluster) -> list[dict[str, str]]:
    """The table's rows, in words; what is searched for first stands first."""
    wrong = {s.content for s in cluster.segments if not (s.is_up and s.in_preferred_role)}
    table = segments_table(cluster, first=wrong)
    directories = {str(s.dbid): s.datadir for s in cluster.segments}
    named = [dict(zip(table.headings, row, strict=True)) for row in table.rows]
    return [{**row, "data directory": directories[row["dbid"]]} for row in named]


class SyncBar:
    """The progress of one wait, drawn in place."""

    def __init__(self, cluster_name: str, contents: Sequence[int]) -> None:
        self._shown = 0.0
        self._id: UUID | None = None
        if FlowRunContext.get() is not None:
            description = f"Contents {', '.join(map(str, contents))} of {cluster_name} are catching up."
            with _forgiving(description), _at_once():
                key = artifact_key(Kind.SYNC, cluster_name)
                made = create_progress_artifact(0.0, key=key, description=description)
                self._id = made if isinstance(made, UUID) else None

    def show(self, percent: float | None) -> None:
        """Draw 0 to 100; what moved less than a point is not sent."""
        if self._id is None or percent is None or abs(percent - self._shown) < 1:
            return
        self._shown = percent
        with suppress(httpx.TransportError, PrefectHTTPStatusError), _at_once():
            update_progress_artifact(self._id, progress=min(100.0, max(0.0, percent)))


def _at_once() -> AbstractContextManager[object]:
    """Without Prefect's own attempts over a minute: meanwhile nobody would watch the mirrors."""
    return temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0})
