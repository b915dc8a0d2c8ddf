"""What the newest health check of a cluster has found, kept with its run for those who watch: small and typed."""

from datetime import UTC, datetime
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic import BaseModel, Field

from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.picture_states import segments_by_state
from gpmedic.skipped import Reason
from tasks.question import current_run

HEALTH_TAG: Final = "gpmedic-health:"
WELL_TAG: Final = "gpmedic-well:"
KEY: Final = "gpmedic-health"


class HealthNote(BaseModel):
    """One look at a cluster, without its rows; the time in UTC.

    Attributes:
        segments: how many are in each state, by the state's word; empty where the coordinator could not be asked.
        not_begun: why the check has started no recovery, in a word of `gpmedic.skipped`; "" where it has, or nothing
            is wrong, or a person has run it by hand.
    """

    cluster_name: str
    healthy: bool
    findings: tuple[Finding, ...] = ()
    segments: dict[str, int] = Field(default_factory=dict)
    not_begun: str = ""
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def keep_note(diagnosis: Diagnosis, not_begun: Reason | None = None) -> None:
    """Store what was found with the current run, and mark the run so that it is found."""
    run = current_run().id
    note = HealthNote(
        cluster_name=diagnosis.cluster_name,
        healthy=diagnosis.healthy,
        findings=tuple(diagnosis.findings),
        segments=segments_by_state(diagnosis),
        not_begun=not_begun or "",
    )
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(run, KEY, note.model_dump_json())
        tags = set(client.read_flow_run(run).tags)
        found = {f"{HEALTH_TAG}{diagnosis.cluster_name}"}
        if diagnosis.healthy:
            found.add(f"{WELL_TAG}{diagnosis.cluster_name}")
        client.update_flow_run(run, tags=tags | found)


def last_well(cluster: str) -> FlowRun | None:
    """The newest health check that has found nothing wrong; None where there is none."""
    well = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{WELL_TAG}{cluster}"]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=well, sort=FlowRunSort.START_TIME_DESC, limit=1)
    return runs[0] if runs else None


def newest_note(cluster: str) -> HealthNote | None:
    """What the newest health check that got as far has found; None where there is none."""
    of_cluster = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{HEALTH_TAG}{cluster}"]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=of_cluster, sort=FlowRunSort.START_TIME_DESC, limit=1)
        try:
            return HealthNote.model_validate_json(client.read_flow_run_input(runs[0].id, KEY)) if runs else None
        except (ObjectNotFound, PrefectHTTPStatusError):
            return None
