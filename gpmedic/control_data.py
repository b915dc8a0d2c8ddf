"""What pg_controldata says of an instance, on disk, whether it runs or not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from gpmedic.wal import lsn_bytes


@dataclass(frozen=True, slots=True)
class ControlData:
    """What pg_controldata says of an instance.

    Attributes:
        state: such as "in production", "in archive recovery", "shut down".
        timeline: of the latest checkpoint, or of the end of its recovery where that is later: a promotion writes its
            first checkpoint later than its new timeline, and a mirror its restart points later than what it receives.
            Of a mirror that of its newest WAL file counts too: after a promotion of the other copy, as each rebalance
            has one, a restart point of the new timeline takes minutes.
        checkpoint, prior: locations of the latest checkpoint and of the one before, as printed.
    """

    system: str
    state: str
    timeline: int
    checkpoint: str
    prior: str = ""

    @property
    def position(self) -> int:
        """The latest checkpoint as a number of bytes."""
        return lsn_bytes(self.checkpoint)

    @property
    def is_a_mirrors(self) -> bool:
        """Whether it was a mirror when this was written, and was not promoted."""
        return self.state in {"in archive recovery", "shut down in recovery"}

    @property
    def is_a_primarys(self) -> bool:
        return self.state in {"in production", "shut down"}


_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Database system identifier": "system",
        "Database cluster state": "state",
        "Latest checkpoint location": "checkpoint",
        "Prior checkpoint location": "prior",  # 4.3 and 6; 7 keeps none
        "Latest checkpoint's TimeLineID": "timeline",
        "Min recovery ending loc's timeline": "recovery_timeline",  # 6 and 7
        "Database block size": "after all of these",
        "Newest WAL file": "wal",  # a line of evidence.sh
    }
)
_TIMELINE: Final = re.compile(r"[0-9]{1,10}")
_LOCATION: Final = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
_WARNING: Final = re.compile(r"^(?:\S*pg_controldata: )?warning:", re.IGNORECASE | re.MULTILINE)
_WAL_FILE: Final = re.compile(r"[0-9A-F]{24}")
_WHOLE: Final = frozenset(_LABELS.values()) - {"prior", "recovery_timeline", "wal"}


def read_control_data(text: str) -> ControlData | None:
    """What evidence.sh tells of pg_controldata; None where it is not whole, or it warns that nothing in it counts.

    It warns of a wrong checksum, of the bytes of another architecture and of sizes that cannot be, and prints on.
    """
    if _WARNING.search(text):
        return None
    found: dict[str, str] = {}
    for line in text.splitlines():
        label, separator, value = line.partition(":")
        if separator and label.strip() in _LABELS:
            found.setdefault(_LABELS[label.strip()], value.strip())
    timelines = (found.get("timeline", ""), found.get("recovery_timeline", "0"))
    if not all(found.get(name) for name in _WHOLE) or not all(map(_TIMELINE.fullmatch, timelines)):
        return None
    if not found["system"].isdecimal() or not _LOCATION.fullmatch(found["checkpoint"]):
        return None
    timeline = max(map(int, timelines))
    data = ControlData(found["system"], found["state"], timeline, found["checkpoint"].upper(), found.get("prior", ""))
    wal = found.get("wal", "")
    if not (data.is_a_mirrors and _WAL_FILE.fullmatch(wal)):
        return data
    return replace(data, timeline=max(timeline, int(wal[:8], 16)))
