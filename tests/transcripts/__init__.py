"""Recorded runs of the real utilities: see README.md beside this file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent

Row = Mapping[str, Any]
Recorded = Literal["gp4", "gp6"]


@dataclass(frozen=True)
class Snapshot:
    """What SQL showed beside a run.

    Attributes:
        segments: rows of gp_segment_configuration; 4.3 with `filespaces` as "name=dir,...", 6 with `datadir`.
        replication: rows of gp_stat_replication without connection details; None in 4.3 and where it failed.
        history: the newest rows of gp_configuration_history, newest first; at most eight.
        errors: what could not be read, by its query.
    """

    segments: tuple[Row, ...]
    replication: tuple[Row, ...] | None = None
    history: tuple[Row, ...] = ()
    errors: Any = None


@dataclass(frozen=True)
class Step:
    """One command as an administrator ran it on the coordinator's host, without a terminal.

    Attributes:
        name: unique in its scenario; LAB in it: something was broken on purpose; WATCH: the catalog was polled.
        command: empty where the step is only a snapshot (4.3).
        exit_code: None where there was no command, or where it was ended from outside (see `ended`).
        ended: "timeout" or "client killed" where the command did not end by itself.
        before: catalog right before; in 4.3 the nearest earlier snapshot of the scenario.
        after: catalog right after; in 4.3 the nearest later snapshot of the scenario.
        polls: repeated runs of one command, only those whose output had changed.
        changes: (seconds since the step began, rows of gp_segment_configuration) whenever they had changed.
    """

    scenario: str
    name: str
    command: str
    stdout: str
    stderr: str
    exit_code: int | None
    ended: str = ""
    before: Snapshot | None = None
    after: Snapshot | None = None
    polls: tuple["Step", ...] = ()
    changes: tuple[tuple[float, tuple[Row, ...]], ...] = ()

    def __str__(self) -> str:
        return f"{self.scenario}/{self.name}"


@cache
def recordings(generation: Recorded) -> tuple[Step, ...]:
    """Every step of every scenario of one generation, in the order in which they were run."""
    steps: list[Step] = []
    for file in sorted((FOLDER / generation).glob("*.json")):
        steps += _scenario(json.loads(file.read_text(encoding="utf-8")))
    return tuple(steps)


def runs(generation: Recorded, utility: str) -> tuple[Step, ...]:
    """Every recorded run of one utility, those of polls too, whose command starts with its name."""
    every = [run for step in recordings(generation) for run in (step, *step.polls)]
    return tuple(run for run in every if arguments(run, utility) is not None)


def arguments(run: Step, utility: str) -> list[str] | None:
    """The arguments with which a step runs this utility; None where it runs something else, or several things."""
    words = run.command.removeprefix(". ~/nm.env; ").removeprefix("unset MASTER_DATA_DIRECTORY; ").split()
    return words[1:] if words[:1] == [utility] else None


def _scenario(document: Mapping[str, Any]) -> list[Step]:
    configurations = [tuple(rows) for rows in document["configurations"]]
    raw = document["steps"]
    lone = [_lone(step["snapshot"], configurations) if "snapshot" in step else None for step in raw]
    return [
        _step(document["scenario"], step, configurations, _nearest(lone[: at + 1][::-1]), _nearest(lone[at:]))
        for at, step in enumerate(raw)
    ]


def _step(
    scenario: str,
    raw: Mapping[str, Any],
    configurations: Sequence[tuple[Row, ...]],
    earlier: Snapshot | None,
    later: Snapshot | None,
) -> Step:
    code = raw.get("exit_code")
    return Step(
        scenario=scenario,
        name=raw["step"],
        command=raw.get("command") or "",
        stdout=raw.get("stdout") or "",
        stderr=raw.get("stderr") or "",
        exit_code=code if isinstance(code, int) else None,
        ended=code if isinstance(code, str) else "",
        before=_snapshot(raw["before"], configurations) if "before" in raw else earlier,
        after=_snapshot(raw["after"], configurations) if "after" in raw else later,
        polls=tuple(
            Step(
                scenario=scenario,
                name=f"{raw['step']}#{number}",
                command=poll["meta"]["cmd"],
                stdout=poll["stdout"],
                stderr=poll.get("stderr") or "",
                exit_code=poll["meta"]["rc"],
                after=Snapshot(configurations[poll["meta"]["segs_right_after"]]),
            )
            for number, poll in enumerate(raw.get("polls", ()), start=1)
        ),
        changes=tuple((change["t"], configurations[change["segs"]]) for change in raw.get("changes", ())),
    )


def _snapshot(raw: Mapping[str, Any], configurations: Sequence[tuple[Row, ...]]) -> Snapshot:
    rows = raw.get("gp_segment_configuration")
    replication = raw.get("gp_stat_replication")
    return Snapshot(
        segments=configurations[rows] if isinstance(rows, int) else (),
        replication=None if replication is None else tuple(replication),
        history=tuple(raw.get("gp_configuration_history") or ()),
        errors=raw.get("errors"),
    )


def _lone(raw: object, configurations: Sequence[tuple[Row, ...]]) -> Snapshot:
    return Snapshot(configurations[raw]) if isinstance(raw, int) else Snapshot((), errors=raw)


def _nearest(snapshots: Sequence[Snapshot | None]) -> Snapshot | None:
    return next((snapshot for snapshot in snapshots if snapshot is not None), None)
