"""What gpmedic needs on a Prefect server: a work pool, the pages as deployments, an automation. Checked, and made.

Everything goes by name and is made at most once: making it again changes what differs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

import httpx
import prefect
from prefect import Flow
from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import DeploymentStatus, StateType, WorkerStatus
from prefect.deployments.runner import DeploymentApplyError
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import Automation as Made
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectException, PrefectHTTPStatusError
from prefect.settings import get_current_settings

from flows.deployments import Row, read_deployments
from flows.health_check import health_check
from flows.rebalance import rebalance
from flows.recover import recover
from flows.recover_double_fault import recover_double_fault
from flows.recover_mirrorless import recover_mirrorless
from flows.recover_segment import recover_segment
from flows.recover_to_spare import recover_to_spare
from flows.restore_standby import restore_standby
from gpmedic.check import Verdict
from gpmedic.doctor import Access, Check, Seen
from gpmedic.errors import HostUnreachable
from gpmedic.masking import masked
from tasks.claim import NO_SIGN_OF_LIFE
from tasks.find_runs import TAG

T = TypeVar("T")

POOL: Final = "gpmedic"
HEARTBEAT_TAG: Final = "gpmedic-heartbeat"
"""Of runs that give a sign of life as often as deployments/prefect.yaml says; others on this server may do so less."""
ZOMBIES: Final = "gpmedic: runs without a sign of life are crashed"
DEAD_AFTER: Final = timedelta(minutes=10)
"""Without a sign of life: longer than a run waits for a server that is away (deployments/prefect.yaml), so that it has
ended itself, or is heard again, before it counts as dead. Where nothing is lost but its process, health checks on its
own host find that at once."""

PAGES: Final[tuple[Flow[..., Any], ...]] = (
    recover,
    recover_segment,
    recover_double_fault,
    recover_mirrorless,
    rebalance,
    restore_standby,
    recover_to_spare,
)
"""One deployment each, for all clusters: who starts a run names the cluster. Health checks go by a clock instead, and
so each cluster has a deployment of its own of them. The drill is none of them: no cluster lacks anything without it."""

_DEPLOY: Final = "Run: gpmedic setup {cluster} --deploy"


class PrefectVisit:
    """The checks of the Prefect server for one cluster."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._deploy = _DEPLOY.format(cluster=cluster)

    @property
    def checks(self) -> Mapping[Access, Check]:
        """What to give to `gpmedic.doctor.examine`, in this order."""
        checks: dict[Access, Check] = {
            Access.PREFECT: self._check_server,
            Access.PREFECT_LOGIN: self._check_login,
            Access.PREFECT_VERSION: self._check_version,
            Access.WORK_POOL: self._check_pool,
            Access.WORKER: self._check_worker,
            Access.DEPLOYMENTS: self._check_deployments,
            Access.ZOMBIES: self._check_zombies,
        }
        return {access: partial(answered, check) for access, check in checks.items()}

    def _check_server(self) -> Seen:
        url = get_current_settings().api.url
        if url is None:
            action = "For health checks by the clock, Slack and deployed recoveries set PREFECT_API_URL."
            return Seen("not used: PREFECT_API_URL names none; gpmedic recover brings its own.", None, action)
        with _client() as client:
            failure = client.api_healthcheck()
        if failure is not None and not isinstance(failure, PrefectHTTPStatusError):
            action = "Start it (prefect server start), or correct PREFECT_API_URL."
            return Seen(f"{masked(url)} does not answer ({masked(str(failure))}).", Verdict.FAIL, action)
        return Seen(f"{masked(url)} answers.")

    def _check_login(self) -> Seen:
        try:
            with _client() as client:
                client.read_flows(limit=1)
        except PrefectHTTPStatusError as error:
            status = error.response.status_code
            if status in (401, 403):
                action = "Set PREFECT_API_AUTH_STRING (or PREFECT_API_KEY) to what that server wants."
                return Seen(f"It refuses us ({status}).", Verdict.FAIL, action)
            action = "See its log, and whether PREFECT_API_URL ends with /api."
            return Seen(f"It answers {status} to the API.", Verdict.FAIL, action)
        except ValueError:  # a page that is no JSON
            return Seen("What answers is no Prefect server.", Verdict.FAIL, "Correct PREFECT_API_URL.")
        return Seen("Its API may be used.")

    def _check_version(self) -> Seen:
        with _client() as client:
            theirs = client.api_version()
        ours = prefect.__version__
        if theirs.split(".")[:2] == ours.split(".")[:2]:
            return Seen(f"{theirs}, this client {ours}.")
        action = "Run server, workers and gpmedic with one version of Prefect."
        return Seen(f"It is {theirs}, this client {ours}.", Verdict.WARN, action)

    def _check_pool(self) -> Seen:
        try:
            with _client() as client:
                if _served(client) is not None:
                    return Seen("gpmedic serve needs none.")
                pool = client.read_work_pool(POOL)
        except ObjectNotFound:
            return Seen(f"There is no work pool {POOL}.", Verdict.FAIL, self._deploy)
        if pool.is_paused:
            return Seen(f"{POOL} is paused.", Verdict.FAIL, f"Run: prefect work-pool resume {POOL}")
        return Seen(f"{POOL} is there.")

    def _check_worker(self) -> Seen:
        with _client() as client:
            if (served := _served(client)) is not None:
                if served is DeploymentStatus.READY:
                    return Seen("gpmedic serve takes its place.")
                return Seen("gpmedic serve takes its place, and does not run.", Verdict.FAIL, "Run: gpmedic serve")
            workers = client.read_workers_for_work_pool(POOL)
        online = [worker.name for worker in workers if worker.status == WorkerStatus.ONLINE]
        if not online:
            action = f"Where the clusters can be reached, run: prefect worker start --pool {POOL}"
            return Seen(f"No worker of {POOL} is online.", Verdict.FAIL, action)
        return Seen(f"{len(online)} online.")

    def _check_deployments(self) -> Seen:
        missing = []
        with _client() as client:
            for page in PAGES:
                try:
                    client.read_deployment_by_name(f"{page.name}/{page.name}")
                except ObjectNotFound:
                    missing.append(page.name)
            if not _is_watched(client, self._cluster):
                missing.append(f"{health_check.name} of {self._cluster}, by the clock")
        if missing:
            return Seen(f"Not deployed: {', '.join(missing)}.", Verdict.FAIL, self._deploy)
        return Seen(f"All {len(PAGES)} pages, and a health check of {self._cluster} by the clock.")

    def _check_zombies(self) -> Seen:
        with _client() as client:
            found = client.read_automations_by_name(ZOMBIES)
        if not any(one.enabled for one in found):
            return Seen("A run whose process died would count as running for ever.", Verdict.WARN, self._deploy)
        if any(map(_is_hasty, found)):
            return Seen("It would crash a run that lives, where the server is away.", Verdict.WARN, self._deploy)
        return Seen("A run without a sign of life is crashed, and frees its cluster.")


def deploy(cluster: str) -> tuple[str, ...]:
    """Make the work pool, the pages, this cluster's health check and the automation; what was made, or brought up to
    date, one line each.

    Raises:
        AccessRefused: there is no deployments/prefect.yaml beside the flows; nothing was made.
        HostUnreachable: the server refuses, or was lost; what was made stays, and making it again goes on from there.
    """
    rows = read_deployments()
    return answered(lambda: _deploy(cluster, rows))


def _deploy(cluster: str, rows: Sequence[Row]) -> tuple[str, ...]:
    made = []
    with _client() as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
            made.append(f"work pool {POOL}")
        except ObjectAlreadyExists:
            pass
        watched = _is_watched(client, cluster)
    for row in rows:
        if not row.schedules:
            row.of_all(by_workers=True).apply()
            made.append(f"deployment {row.name}/{row.name}")
        elif not watched:  # one that a person made, or has changed, is left as it is
            row.of_cluster(cluster, by_workers=True).apply()
            made.append(f"deployment {row.name}/{row.name}-{cluster}, by its schedule")
    if crash_zombies():
        made.append(f"automation {ZOMBIES!r}")
    return tuple(made)


def crash_zombies() -> bool:
    """Make the automation by which a run that gives no sign of life any more counts as crashed, also in the place of
    one that does not wait as long as is needed; False: it is there."""
    with _client() as client:
        found = client.read_automations_by_name(ZOMBIES)
        hasty = [one for one in found if _is_hasty(one)]
        if found and not hasty:
            return False
        for one in hasty:
            client.delete_automation(one.id)
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.*"},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        match_related=ResourceSpecification({"prefect.resource.id": [f"prefect.tag.{HEARTBEAT_TAG}"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=DEAD_AFTER,
    )
    crash = ChangeFlowRunState(state=StateType.CRASHED, message=NO_SIGN_OF_LIFE)
    Automation(name=ZOMBIES, trigger=trigger, actions=[crash]).create()
    return True


def _is_hasty(automation: Made) -> bool:
    return isinstance(automation.trigger, EventTrigger) and automation.trigger.within < DEAD_AFTER


def answered(ask: Callable[[], T]) -> T:
    """What the server answers; its failures as ours."""
    try:
        return ask()
    except (PrefectException, DeploymentApplyError, httpx.HTTPError) as error:
        said = masked(str(error)) or type(error).__name__
        raise HostUnreachable(
            f"The Prefect server does not do what it should ({said[:300]}).", "See its log."
        ) from None


def _served(client: SyncPrefectClient) -> DeploymentStatus | None:
    """Whether `gpmedic serve`, which took recover out of its work pool, fetches its runs; None: workers are to."""
    try:
        page = client.read_deployment_by_name(f"{recover.name}/{recover.name}")
    except ObjectNotFound:
        return None
    return page.status if page.work_pool_name is None else None


def _is_watched(client: SyncPrefectClient, cluster: str) -> bool:
    flows = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return any(
        one.entrypoint == _entrypoint(health_check)
        and one.parameters.get("cluster") == cluster
        and not one.paused
        and any(schedule.active for schedule in one.schedules)
        for one in client.read_deployments(deployment_filter=flows)
    )


def _entrypoint(page: Flow[..., Any]) -> str:
    return f"{page.fn.__module__}.{page.fn.__name__}"


def _client() -> SyncPrefectClient:
    return get_client(sync_client=True)
