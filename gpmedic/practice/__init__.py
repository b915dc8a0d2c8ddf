"""The practice cluster: real PostgreSQL servers, real replication, real ssh; Greenplum's programs are stood in for.

The names below are imported when they are used: a stand-in starts several times a second and needs none of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpmedic.practice.control import Control, PracticeError
    from gpmedic.practice.facts import Facts, Release
    from gpmedic.practice.fault import Fault
    from gpmedic.practice.layout import Kept, Mirrors
    from gpmedic.practice.practice_cluster import PracticeCluster, folder_of

_PLACES = {
    "Control": "control",
    "Facts": "facts",
    "Fault": "fault",
    "Kept": "layout",
    "Mirrors": "layout",
    "PracticeCluster": "practice_cluster",
    "PracticeError": "control",
    "Release": "facts",
    "folder_of": "practice_cluster",
}

__all__ = [
    "Control",
    "Facts",
    "Fault",
    "Kept",
    "Mirrors",
    "PracticeCluster",
    "PracticeError",
    "Release",
    "folder_of",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
