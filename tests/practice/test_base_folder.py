"""Where practice clusters lie: in memory where it has room, and always where one lies already."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpmedic.practice.memory import MEMORY, memory_has_room

NAME = f"gpmedic-practice-{os.getuid()}"
OURS = MEMORY / NAME


def chosen(temporary: Path) -> Path:
    variables = {name: value for name, value in os.environ.items() if name != "GPMEDIC_PRACTICE"}
    asked = [sys.executable, "-c", "from gpmedic.practice.postgres import base_folder; print(base_folder())"]
    done = subprocess.run(
        asked, env={**variables, "TMPDIR": str(temporary)}, capture_output=True, text=True, check=True
    )
    return Path(done.stdout.strip())


@pytest.mark.skipif(any((OURS / "clusters").glob("*")), reason="practice clusters of this user lie in memory")
def test_a_cluster_is_looked_for_where_it_was_started_and_a_new_one_lies_in_memory_if_that_has_room(
    tmp_path: Path,
) -> None:
    was_there = OURS.exists()
    try:
        assert chosen(tmp_path) == (OURS if memory_has_room(4 << 30) else tmp_path / NAME)
    finally:
        if not was_there and OURS.exists():
            OURS.rmdir()
    (tmp_path / NAME / "clusters" / "sales").mkdir(parents=True)
    assert chosen(tmp_path) == tmp_path / NAME


def test_no_memory_has_room_for_everything() -> None:
    assert not memory_has_room(1 << 60)
