"""The pages that runs have left in Prefect."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from gpmedic.artifacts import Kind, artifact_key


def newest_page(kind: str, cluster_name: str) -> str:
    """The Markdown of the newest page of this kind."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[artifact_key(Kind(kind), cluster_name)]))
    with get_client(sync_client=True) as client:
        (newest,) = client.read_artifacts(artifact_filter=key, sort=ArtifactSort.CREATED_DESC, limit=1)
    return str(newest.data)
