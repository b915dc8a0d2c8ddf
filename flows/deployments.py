"""The deployments of deployments/prefect.yaml, for a process that serves them itself instead of a worker."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from pydantic import BaseModel, ConfigDict, ValidationError

from gpmedic.errors import AccessRefused


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
    work_pool: dict[str, str]  # a worker's; who serves needs none
    schedules: tuple[ScheduleRow, ...] = ()
    concurrency_limit: ConcurrencyLimitConfig | None = None

    def deployment(self, name: str, parameters: dict[str, Any]) -> RunnerDeployment:
        """To be served under this name."""
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
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        return cast(RunnerDeployment, made)


class _File(BaseModel):
    deployments: tuple[Row, ...]


def read_deployments(file: Path) -> tuple[Row, ...]:
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


def deployments_for(rows: Sequence[Row], clusters: Sequence[str]) -> Iterator[RunnerDeployment]:
    """What is scheduled, once for each cluster; the others once, for whichever cluster a run names."""
    for row in rows:
        if row.schedules:
            for cluster in clusters:
                yield row.deployment(f"{row.name}-{cluster}", {**row.parameters, "cluster": cluster})
            continue
        others = {name: value for name, value in row.parameters.items() if name != "cluster"}
        only = {"cluster": clusters[0]} if len(clusters) == 1 else {}
        yield row.deployment(row.name, only | others)
