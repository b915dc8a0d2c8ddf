"""The POSIX sh scripts of this package, which are files beside it: text to send, never to be run from there."""

from functools import cache
from importlib.resources import files


@cache
def script(*names: str) -> str:
    """The text of one or several scripts NAME.sh, one after the other."""
    folder = files(__package__ or "gpmedic.access")
    return "".join((folder / f"{name}.sh").read_text(encoding="utf-8") for name in names)
