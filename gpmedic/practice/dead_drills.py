"""What a drill that was killed has left: its registration, its cluster's folder, its temporary folder.

Its processes end by themselves, because each watches the drill; nobody was left to delete its files.
"""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gpmedic.practice.choose import is_up
from gpmedic.practice.control import PracticeError
from gpmedic.practice.layout import DRILL_PREFIX, MARK
from gpmedic.practice.postgres import base_folder
from gpmedic.practice.practice_cluster import registration
from gpmedic.practice.processes import alive, of_cluster
from gpmedic.settings import clusters_folder

_NAME = re.compile(rf"{DRILL_PREFIX}(?P<pid>\d{{1,10}})")
_FOLDER = "gpmedic-drill-"
_FOLDER_NAME = re.compile(rf"{_FOLDER}(?P<pid>\d{{1,10}})-\w+")


def temporary_folder(pid: int) -> str:
    """How the name of a drill's folder for its Prefect server, or its clusters, begins; its end is random."""
    return f"{_FOLDER}{pid}-"


def forget_dead_drills() -> None:
    """Delete what lies about of drills whose process is gone and whose cluster is down; anything else stays."""
    for path in clusters_folder().glob(f"{DRILL_PREFIX}*.toml"):
        if _is_dead(path.stem):
            with contextlib.suppress(PracticeError):  # somebody's real cluster has such a name
                registration(path.stem).unlink(missing_ok=True)
    for folder in _cluster_folders():
        if _is_dead(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        name = _FOLDER_NAME.fullmatch(folder.name)
        if name is not None and not alive(int(name["pid"])):
            shutil.rmtree(folder, ignore_errors=True)


def _cluster_folders() -> Iterator[Path]:
    return (mark.parent for mark in (base_folder() / "clusters").glob(f"{DRILL_PREFIX}*/{MARK}"))


def _is_dead(name: str) -> bool:
    drill = _NAME.fullmatch(name)
    if drill is None or alive(int(drill["pid"])):
        return False
    return not is_up(name) and not of_cluster(base_folder() / "clusters" / name)
