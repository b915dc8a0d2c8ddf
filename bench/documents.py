"""Where results are kept: docs/benchmarks.json whole, docs/benchmarks.md as tables between the marks of each part."""

import json
import os
import platform
import re
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.figures import Result, markdown

_DOCS: Final = Path(__file__).parent.parent / "docs"
_PROGRAMS: Final = ("prefect", "paramiko", "ansible-core", "parallel-ssh")


def keep(part: str, result: Result, began: datetime) -> None:
    """Write down what a part has measured, in place of what was there of it.

    Raises:
        ValueError: docs/benchmarks.md has no place for it.
    """
    machine = _machine()
    whole = _DOCS / "benchmarks.json"
    known = json.loads(whole.read_text(encoding="utf-8")) if whole.exists() else {}
    known[part] = {"began": began.isoformat(timespec="seconds"), "machine": machine, **asdict(result)}
    whole.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    page = _DOCS / "benchmarks.md"
    count = max(len(figure.values) for figure in result.figures)
    text = f"Measured {began:%Y-%m-%d %H:%M} UTC on {machine}; medians of {count}.\n\n{markdown(result)}"
    marks = re.compile(rf"(?<=<!-- {part}: begin -->\n).*?(?=<!-- {part}: end -->)", re.DOTALL)
    new, places = marks.subn(lambda _: text, page.read_text(encoding="utf-8"))
    if places != 1:
        raise ValueError(f"{page} has {places} places for the part {part}.")
    page.write_text(new, encoding="utf-8")


def _machine() -> str:
    load = os.getloadavg()[0]
    programs = ", ".join(f"{name} {version(name)}" for name in _PROGRAMS)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, load {load:.1f} when it ended, Python"
        f" {platform.python_version()}, {programs}"
    )
