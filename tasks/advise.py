"""The coordinator does not answer: find out what that means, and write the page for the person who decides."""

import json

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from gpmedic.access.lost_coordinator import try_coordinator
from gpmedic.artifacts import Kind, artifact_key
from gpmedic.lost_coordinator import LastStandby, Verdict, advice_markdown
from gpmedic.report_tables import STANDBY
from gpmedic.settings import ClusterSettings
from tasks.notify import Level, Phase, tell
from tasks.publish import publish_markdown


@task(name="advise on the coordinator", cache_policy=NO_CACHE)
def advise(settings: ClusterSettings) -> str:
    """Try every way to the coordinator and its standby; publish the page and return it, Markdown."""
    lost = try_coordinator(settings, last_standby(settings.name))
    for tried in lost.tried:
        tell(Phase.OBSERVE, f"{tried.what}: {tried.answer}")
    level = Level.INFO if lost.verdict is Verdict.ALIVE else Level.WARNING
    tell(Phase.OBSERVE, f"The coordinator is {lost.verdict.value}; gpmedic never activates a standby.", level)
    page = advice_markdown(lost, settings.language)
    publish_markdown(Kind.COORDINATOR, settings.name, page, f"The coordinator of {settings.name} does not answer")
    return page


def last_standby(cluster_name: str) -> LastStandby | None:
    """The standby of the newest table of segments that was published; the catalog itself is out of reach."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[artifact_key(Kind.SEGMENTS, cluster_name)]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=key, sort=ArtifactSort.CREATED_DESC, limit=1)
    if not found or found[0].created is None or not isinstance(found[0].data, str):
        return None
    for row in json.loads(found[0].data):
        if row.get("role") == STANDBY:
            return LastStandby(str(row["host"]), int(row["port"]), str(row["data directory"]), found[0].created)
    return None
