"""gpstate of 4.3 where it differs: change tracking and resynchronization instead of streaming replication.

How a finished resynchronization reads is recorded; a running one is derived from the sources of 4.3's successor.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gpmedic.cluster import Mode, Role
from gpmedic.practice.facts import Copying, CopyKind, SegmentFacts
from gpmedic.practice.utilities.gpstate_view import MODE_LABELS, Reading, View

Lines = Sequence[tuple[str, Reading]]
BYTES_OF_AN_OBJECT = 209_000  # as recorded: 749 objects in 153 MB
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class Resync(NamedTuple):
    """How a resynchronization stands, in gpstate's words."""

    mode: str
    synchronized: str
    total: str
    progress: str
    objects: str
    objects_left: str
    end: str


def abbreviate(size: int) -> str:
    """Bytes with three significant digits: "1 byte", "656 bytes", "1.27 kB", "153 MB"."""
    if size < 1024:
        return "1 byte" if size == 1 else f"{size} bytes"
    power = min(int(math.log(size, 1024)), len(UNITS) - 1)
    value = size / 1024**power
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {UNITS[power]}"


def mirror_status(view: View, segment: SegmentFacts) -> Reading:
    if segment.role is Role.MIRROR and view.primary_of(segment).mode is Mode.CHANGE_TRACKING:
        return Reading("Out of Sync", warning=True)
    return Reading(MODE_LABELS[segment.mode])


def change_tracking_size(primary: SegmentFacts) -> str:
    return abbreviate(primary.change_tracking_bytes or 0)


def change_tracking_info(view: View, segment: SegmentFacts) -> Lines:
    """Only of an acting primary: its mirror has no change log."""
    logs = segment.mode in (Mode.CHANGE_TRACKING, Mode.RESYNCHRONIZING)
    if segment.role is Role.MIRROR or not logs or view.instance(segment).failure:
        return []
    return [("Change tracking data size", Reading(change_tracking_size(segment)))]


def resynchronization_info(view: View, segment: SegmentFacts) -> Lines:
    if segment.role is Role.MIRROR or segment.mode is not Mode.RESYNCHRONIZING or view.instance(segment).failure:
        return []
    state = resync(view, segment)
    return [
        ("Resynchronization mode", Reading(state.mode)),
        ("Data synchronized", Reading(state.synchronized)),
        ("Estimated total data to synchronize", Reading(state.total)),
        ("Estimated resync progress with mirror", Reading(state.progress)),
        ("Total resync objects", Reading(state.objects)),
        ("Objects to resync", Reading(state.objects_left)),
        ("Estimated resync end time", Reading(state.end)),
    ]


def resync(view: View, primary: SegmentFacts) -> Resync:
    copying = view.mirror_of(primary).copying or Copying(CopyKind.INCREMENTAL, 0, 0, view.facts.now)
    full = copying.kind is CopyKind.FULL
    mode, done = "Full" if full else "Incremental", abbreviate(copying.done)
    objects = math.ceil(copying.total / BYTES_OF_AN_OBJECT) if full else 0
    left = objects - objects * copying.percent // 100
    counts = str(objects), str(left)
    if copying.done >= copying.total:
        return Resync(mode, done, "Sync complete; awaiting config change", "100%", *counts, "")
    elapsed = view.facts.now - copying.started
    if not copying.done or elapsed <= 0:
        return Resync(mode, done, "Not Available", "Not Available", *counts, "Not Available")
    end = datetime.fromtimestamp(copying.started + elapsed * copying.total / copying.done, UTC)
    progress = f"{100 * copying.done / copying.total:.2f}%"
    return Resync(mode, done, abbreviate(copying.total), progress, *counts, end.strftime("%Y-%m-%d %H:%M:%S"))
