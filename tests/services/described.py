"""The descriptions of the services, read as Compose and systemd read them."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = ROOT / "deployments"
UNITS = DEPLOYMENTS / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())["services"]
DOCKERFILE = (DEPLOYMENTS / "Dockerfile").read_text()
OURS = ("server", "worker", "deploy", "approvals")


@dataclass(frozen=True)
class Unit:
    """One systemd unit of gpmedic, with the drop-in that all of them share."""

    command: list[str]
    environment: dict[str, str]
    secrets: list[str]


def unit(service: str) -> Unit:
    """The unit gpmedic-SERVICE."""
    lines = [
        line.partition("=")[::2]
        for file in (UNITS / "gpmedic-.service.d" / "confined.conf", UNITS / f"gpmedic-{service}.service")
        for line in file.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    ]
    settings = [word for key, value in lines if key == "Environment" for word in shlex.split(value)]
    return Unit(
        shlex.split(next(value for key, value in lines if key == "ExecStart")),
        dict(setting.split("=", 1) for setting in settings),
        [Path(value).name for key, value in lines if key == "EnvironmentFile"],
    )


def example(name: str) -> dict[str, str]:
    """The variables of an example of a file of secrets."""
    lines = (DEPLOYMENTS / f"{name}.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))
