"""Which practice cluster a command means where none is named."""

import contextlib

from gpmedic.practice.control import Control, PracticeError
from gpmedic.practice.layout import DRILL_PREFIX
from gpmedic.practice.postgres import base_folder


def running() -> tuple[str, ...]:
    """The names of the practice clusters that are up, those of drills left out: they end by themselves."""
    names = sorted(folder.name for folder in (base_folder() / "clusters").glob("*") if folder.is_dir())
    return tuple(name for name in names if not name.startswith(DRILL_PREFIX) and is_up(name))


def choose(name: str | None) -> str:
    """The name that was given, or that of the only practice cluster that is up.

    Raises:
        PracticeError: none was given, and none or several are up.
    """
    if name is not None:
        return name
    known = running()
    if len(known) == 1:
        return known[0]
    if known:
        raise PracticeError(f"Several practice clusters are up: {', '.join(known)}.", "Name the one that you mean.")
    raise PracticeError("No practice cluster is up.", "Start one: gpmedic practice up.")


def is_up(name: str) -> bool:
    """Whether the practice cluster of this name answers."""
    with contextlib.suppress(PracticeError), Control.connect(base_folder() / "clusters" / name):
        return True
    return False
