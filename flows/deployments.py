"""The deployments of deployments/prefect.yaml, for who makes them without `prefect deploy`: setup and serve."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from pydantic import BaseModel, ConfigDict, ValidationError

from gpmedic.errors import AccessRefused

_NAME: Final = Path("deployments", "prefect.yaml")
_CHECKED_OUT: Final = Path(__file__).parents[1] / _NAME
FILE: Final = _CHECKED_OUT if _CHECKED_OUT.exists() else _NAME
"""Where gpmedic was installed as a package, the checkout is the folder in which it is started."""


class JobVariables(BaseModel):
    """What a run finds in its environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: dict[str, str] = {}


class PoolRow(BaseModel):
    """The work pool whose workers run it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    work_queue_name: str
    job_variables: JobVariables = JobVariables()


class ScheduleRow(BaseModel):
    """When runs begin; `interval` in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: float
    slug: str
    active: bool


class Row(BaseModel):
    """One deployment as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    entrypoint: str
    description: str
    parameters: dict[str, Any]
    tags: list[str]
    work_pool: PoolRow
    schedules: tuple[ScheduleRow, ...] = ()
    concurrency_limit: ConcurrencyLimitConfig | None = None

    def of_cluster(self, cluster: str, *, by_workers: bool) -> RunnerDeployment:
        """One of its own for this cluster, as what goes by a clock needs it."""
        return self._deployment(f"{self.name}-{cluster}", {**self.parameters, "cluster": cluster}, by_workers)

    def of_all(self, clusters: Sequence[str] = (), *, by_workers: bool) -> RunnerDeployment:
        """One for all clusters: a run names its own, where there is more than one to name. A drill brings its own."""
        parameters = {name: value for name, value in self.parameters.items() if name != "cluster"}
        if len(clusters) == 1 and "cluster" in self.parameters:
            parameters["cluster"] = clusters[0]
        return self._deployment(self.name, parameters, by_workers)

    def _deployment(self, name: str, parameters: dict[str, Any], by_workers: bool) -> RunnerDeployment:
        module, _, flow = self.entrypoint.rpartition(".")
        schedules: list[Schedule] = [Interval(row.interval, slug=row.slug, active=row.active) for row in self.schedules]
        made = cast("Flow[..., Any]", getattr(import_module(module), flow)).to_deployment(
            name,
            parameters=parameters,
            description=self.description,
            tags=self.tags,
            schedules=schedules,
            concurrency_limit=self.concurrency_limit,
            paused=False,  # whoever served it last has paused it at the end
            # An importable name: a worker needs the installed package and no checkout.
            entrypoint_type=EntrypointType.MODULE_PATH,
            work_pool_name=self.work_pool.name if by_workers else None,
            work_queue_name=self.work_pool.work_queue_name if by_workers else None,
            job_variables=self.work_pool.job_variables.model_dump() if by_workers else None,
        )
        deployment = cast(RunnerDeployment, made)
        if not by_workers:
            # Said, and not only left out: else the pool into which setup has put it would keep it.
            deployment.work_pool_name = None
        return deployment


class _File(BaseModel):
    deployments: tuple[Row, ...]


def read_deployments(file: Path = FILE) -> tuple[Row, ...]:
    """The file's rows.

    Raises:
        AccessRefused: there is no such file, or it is not as expected; nothing was changed.
    """
    try:
        return _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).deployments
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else type(error).__name__
        raise AccessRefused(
            f"The deployments cannot be read from {file} ({why}); nothing was changed.",
            "Start it where gpmedic is checked out, or name a file like deployments/prefect.yaml with --file.",
        ) from None


def served(rows: Sequence[Row], clusters: Sequence[str]) -> Iterator[RunnerDeployment]:
    """For a process that runs them itself: what is scheduled, once for each cluster; the others once."""
    for row in rows:
        if row.schedules:
            yield from (row.of_cluster(cluster, by_workers=False) for cluster in clusters)
        else:
            yield row.of_all(clusters, by_workers=False)


def environment(rows: Sequence[Row]) -> dict[str, str]:
    """What their runs must find in their environment, also where no worker puts it there."""
    return {name: value for row in rows for name, value in row.work_pool.job_variables.env.items()}
