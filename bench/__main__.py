"""`python -m bench [PART ...]`: measure and write down; `--quick` tries everything once, small, and writes nothing."""

import os
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from bench.documents import keep
from bench.figures import markdown
from bench.part import FULL, QUICK, Effort


class Part(StrEnum):
    """What can be measured by itself; each is a module of this folder with a function `measure`."""

    START = "start"
    HEALTH = "health"
    HOSTS = "hosts"
    OVERHEAD = "overhead"
    NOTICING = "noticing"
    PREFECT = "prefect_share"


def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="Default: all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Once, small, and nothing is written.")] = False,
) -> None:
    """Measure on a machine on which nothing else runs: docs/benchmarks.md and docs/benchmarks.json."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # before Prefect is imported
    effort: Effort = QUICK if quick else FULL
    for part in parts or list(Part):
        began = datetime.now(UTC)
        print(f"{part.value}: {effort.repetitions} repetitions ...", flush=True)
        result = import_module(f"bench.{part.value}").measure(effort)
        print(markdown(result), flush=True)
        if not quick:
            keep(part.value, result, began)


if __name__ == "__main__":
    typer.run(main)
