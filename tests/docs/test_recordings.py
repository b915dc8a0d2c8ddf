"""What the pages of docs/ show is what gpmedic prints: every scenario is played, and `make docs` keeps what it saw.

Without `make docs` what is played is held against what was kept: the same words in the same order, but for numbers,
times and what depends on them.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.pages import RECORDED, ROOT
from tests.docs.play import as_typed, playing
from tests.docs.scenarios import SCENARIOS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]
KEEP = os.environ.get("GPMEDIC_DOCS") == "keep"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_shows_what_its_page_shows(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    lab = f"docs-{name.replace('.', '')}-{os.getpid()}"
    with playing(lab, scenario.generation, scenario.mirrors, scenario.users, tmp_path) as play:
        scenario.play(play)
    _keep_or_compare(name, play.parts)


def test_the_drill_shows_what_the_readme_shows(tmp_path: Path) -> None:
    cache = os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    subprocess.run(["make", "install"], cwd=ROOT, check=True, capture_output=True)  # which says what it does only once
    run = subprocess.run(
        ["make", "--no-print-directory", "drill"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": cache},  # no earlier drill stands beside it
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert "Rows before / after: equal" in run.stdout, run.stdout
    _keep_or_compare("drill", {"drill.txt": as_typed("make drill", run.stdout, run.returncode)})


def _keep_or_compare(name: str, parts: Mapping[str, str]) -> None:
    folder = RECORDED / name
    if KEEP:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for part, text in parts.items():
            (folder / part).write_text(text, encoding="utf-8")
        return
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert set(parts) == set(kept), "make docs"
    for part, text in parts.items():
        assert words(text) == words(kept[part]), f"{name}/{part}: make docs"


def words(text: str) -> list[str]:
    """The words of an output without what differs from run to run."""
    lasting = _TIME_LINE.sub("", _PROGRESS.sub("", text))
    return _NUMBER.sub("#", _RULE.sub(" ", lasting)).split()


_TIME_LINE = re.compile(r"^Time line\n=+\n.*?(?=^Segments, before)|^## Time line\n.*?(?=^## )", re.M | re.S)
_PROGRESS = re.compile(r"^.*(?:catching up|wait for sync|FTS has noticed|Waiting for the host).*\n", re.M)
_RULE = re.compile(r"[-=─]{3,}")  # as wide as a column, and that as its numbers
_NUMBER = re.compile(r"gp-\w{8}|-?\b[0-9a-f]{16}\b|[\d.,:/-]*\d(?: (?:B|kB|MB|GB|s|min)\b)?")
