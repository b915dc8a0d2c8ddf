"""The times of earlier drills, kept in a small file, and a drill beside them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

from gpmedic.cli.bug import STATE_FOLDER
from gpmedic.table import Table
from gpmedic.times import Times

FILE: Final = STATE_FOLDER / "drills.jsonl"
_PARTS: Final = tuple(field.name for field in fields(Times))


@dataclass(frozen=True, slots=True)
class Compared:
    """One drill beside the earlier ones of the same scenario and generation that went well."""

    now: Times
    earlier: tuple[Times, ...]

    @property
    def best(self) -> Times | None:
        """The shortest of each part; None where there is none on record."""
        return _each(self.earlier, min)

    @property
    def median(self) -> Times | None:
        return _each(self.earlier, median)

    def table(self) -> Table:
        """In seconds; - where nothing is on record."""
        rows = [
            (part, *("-" if of is None else _seconds(getattr(of, part)) for of in (self.now, self.best, self.median)))
            for part in _PARTS
        ]
        return Table(("seconds", "this drill", "best", f"median of {len(self.earlier)}"), tuple(rows))


def compare(scenario: str, generation: str, now: Times, recovered_at: datetime | None) -> Compared:
    """Set a drill beside the earlier ones, and note it for later ones where it went well.

    Args:
        recovered_at: None where it did not go well. A file that cannot be written costs the note and not the drill.
    """
    path = FILE.expanduser()
    compared = Compared(now, tuple(_read(path, scenario, generation)))
    if recovered_at is not None:
        _note(path, {"at": recovered_at.isoformat(), "scenario": scenario, "generation": generation, **asdict(now)})
    return compared


def _note(path: Path, drill: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(drill) + "\n")
    except OSError as error:
        print(f"The times of this drill could not be kept in {path} ({error.strerror}).")


def _read(path: Path, scenario: str, generation: str) -> list[Times]:
    """A line that is not understood, as of another version, is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        try:
            values = json.loads(line)
            if (values["scenario"], values["generation"]) == (scenario, generation):
                detect = values["detect"]
                parts = {part: float(values[part]) for part in _PARTS if part != "detect"}
                found.append(Times(detect=None if detect is None else float(detect), **parts))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _each(of: Sequence[Times], choose: Callable[[Sequence[float]], float]) -> Times | None:
    if not of:
        return None
    detects = [t.detect for t in of if t.detect is not None]
    parts = {part: float(choose([getattr(t, part) for t in of])) for part in _PARTS if part != "detect"}
    return Times(detect=float(choose(detects)) if detects else None, **parts)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
