"""Recorded runs and the catalog beside them, in the shape in which the tests of the parsers ask for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.transcripts import Recorded, Row, Step, runs

GENERATIONS: tuple[Recorded, ...] = ("gp4", "gp6")


@dataclass(frozen=True)
class CatalogRow:
    """One row of gp_segment_configuration in one shape for every generation."""

    dbid: int
    content: int
    role: str
    preferred_role: str
    mode: str
    status: str
    host: str
    port: int
    datadir: str

    @property
    def place(self) -> tuple[str, int]:
        return self.host, self.port


def catalog(rows: tuple[Row, ...]) -> tuple[CatalogRow, ...]:
    """The segments of a snapshot, coordinator and standby left out."""
    return tuple(
        CatalogRow(
            row["dbid"],
            row["content"],
            row["role"],
            row["preferred_role"],
            row["mode"],
            row["status"],
            row["address"],
            row["port"],
            row["datadir"] if "datadir" in row else row["filespaces"].split("=", 1)[1].split(",")[0],
        )
        for row in rows
        if row["content"] != -1
    )


def plain_runs(utility: str, *arguments: str) -> list[Step]:
    """Runs of exactly this command, with nothing piped in or printed after it, of every generation."""
    wanted = " ".join((utility, *arguments))
    return [
        run
        for generation in GENERATIONS
        for run in runs(generation, utility)
        if run.command.split("\n")[0].removeprefix(". ~/nm.env; ").strip() == wanted
    ]


def unchanged(run: Step) -> tuple[CatalogRow, ...] | None:
    """The catalog during a run; None where it was not recorded right before and after, or changed meanwhile."""
    before = catalog(run.before.segments) if run.before else ()
    after = catalog(run.after.segments) if run.after else ()
    return before if before and before == after else None


@dataclass(frozen=True)
class ControlDataRun:
    """A run of the real gprecoverseg of 6 that printed pg_controldata of its sources and targets, by dbid."""

    said: Mapping[int, str]
    before: tuple[CatalogRow, ...]


def control_data() -> list[ControlDataRun]:
    found = [(run, dict(_CONTROL_DATA.findall(run.stdout))) for run in runs("gp6", "gprecoverseg")]
    return [
        ControlDataRun(
            {int(dbid): text for dbid, text in said.items()}, catalog(run.before.segments if run.before else ())
        )
        for run, said in found
        if said
    ]


_CONTROL_DATA = re.compile(r"Successfully finished pg_controldata \S+ for dbid (\d+):\nstdout: (.*?)\n\nstderr:", re.S)
