"""gpstate -e: only what needs attention."""

import re
from collections.abc import Callable, Iterable, Sequence

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Release, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_filerep import change_tracking_size, resync
from gpmedic.practice.utilities.gpstate_status import warn_if_unavailable, warn_not_queried
from gpmedic.practice.utilities.gpstate_view import View
from gpmedic.practice.utilities.table import SEPARATOR, Table
from gpmedic.wal import lsn_bytes

Column = tuple[str, Callable[[SegmentFacts], str]]

# A line of gprecoverseg's progress file: "full:9: 98798/159706 kB (61%)".
PROGRESS = re.compile(r"(?P<type>\w+):(?P<dbid>\d+):\s*(?P<done>\d+)/(?P<total>\d+) kB \((?P<percent>\d+%)\)")

CHANGE_TRACKING_SIZE: Column = ("Change tracking size", change_tracking_size)
DOWNED = ("Downed Segments (may include segments where status could not be retrieved)",)
DOWNED_FILEREP = (
    "Downed Segments (this excludes mirrors whose primaries are in change tracking",
    "                  -- these, if any, are reported separately above",
    "                  also, this may include segments where status could not be retrieved)",
)


def print_errors(console: Console, view: View, progress: str) -> int:
    """Exit code 1 where anything needs attention.

    Args:
        progress: the text of gprecoverseg's progress file. It stays behind when gprecoverseg is killed; 6 goes on
            showing it, 7 asks first whether gprecoverseg runs.
    """
    console.info(SEPARATOR)
    console.info("Segment Mirroring Status Report")
    switched = [s for s in view.acting(Role.PRIMARY) if not s.in_preferred_role]
    found = [print_pairs(console, view, "Segments with Primary and Mirror Roles Switched", switched)]
    if view.filerep:
        found += [_change_tracking(console, view), _resynchronizing(console, view), _downed(console, view)]
    else:
        found += [_unsynchronized(console, view), _downed(console, view)]
    warn_if_unavailable(console, view)
    lock = view.facts.lock
    if view.facts.release is not Release.V7 or (lock is not None and lock.alive):
        found.append(_recovering(console, view, progress))
    if any(found):
        return 1
    console.info(SEPARATOR)
    console.info("All segments are running normally")
    return 0


def print_pairs(
    console: Console, view: View, title: str, primaries: Iterable[SegmentFacts], columns: Sequence[Column] = ()
) -> bool:
    """A section with a line for each acting primary and its mirror; nothing where there is none."""
    table = Table().info("Current Primary", "Port", *(name for name, _ in columns), "Mirror", "Port")
    primaries = list(primaries)
    for primary in primaries:
        mirror = view.mirror_of(primary)
        values = (value(primary) for _, value in columns)
        table.info(primary.address, str(primary.port), *values, mirror.address, str(mirror.port))
    return _print_section(console, (title,), table, primaries)


def print_segments(
    console: Console, titles: Sequence[str], segments: Sequence[SegmentFacts], columns: Sequence[Column]
) -> bool:
    """A section with a line for each segment; nothing where there is none."""
    table = Table().info("Segment", "Port", *(name for name, _ in columns))
    for segment in segments:
        table.info(segment.address, str(segment.port), *(value(segment) for _, value in columns))
    return _print_section(console, titles, table, segments)


def _print_section(console: Console, titles: Sequence[str], table: Table, rows: Sequence[SegmentFacts]) -> bool:
    if rows:
        console.info(SEPARATOR)
        for title in titles:
            console.info(title)
        table.print(console)
    return bool(rows)


def _unsynchronized(console: Console, view: View) -> bool:
    """Primaries that nobody streams from, or whose first stream is a mirror that catches up or a copy."""
    found = {}
    for primary in view.acting(Role.PRIMARY):
        if not view.accepts(primary):
            warn_not_queried(console, primary)
            continue
        streams = view.streams(primary)
        if not streams:
            found[primary] = "Unknown"
        elif streams[0].sync_state != "sync" and primary.write_location:
            # A base backup has sent no WAL: the whole position counts, as in the real one.
            found[primary] = str(lsn_bytes(primary.write_location) - lsn_bytes(streams[0].sent or "0/0"))
    column = ("WAL sync remaining bytes", lambda primary: found[primary])
    return print_pairs(console, view, "Unsynchronized Segment Pairs", found, [column])


def _change_tracking(console: Console, view: View) -> bool:
    primaries = [s for s in view.acting(Role.PRIMARY) if s.mode is Mode.CHANGE_TRACKING]
    return print_pairs(console, view, "Primaries in Change Tracking", primaries, [CHANGE_TRACKING_SIZE])


def _resynchronizing(console: Console, view: View) -> bool:
    states = {s: resync(view, s) for s in view.acting(Role.PRIMARY) if s.mode is Mode.RESYNCHRONIZING}
    columns: list[Column] = [
        ("Resync mode", lambda s: states[s].mode),
        ("Est. resync progress", lambda s: states[s].progress),
        ("Total resync objects", lambda s: states[s].objects),
        ("Objects to resync", lambda s: states[s].objects_left),
        ("Data synced", lambda s: states[s].synchronized),
        ("Est. total to sync", lambda s: states[s].total),
        ("Est. resync end time", lambda s: states[s].end),
        CHANGE_TRACKING_SIZE,
    ]
    return print_pairs(console, view, "Segment Pairs in Resynchronization", states, columns)


def _downed(console: Console, view: View) -> bool:
    columns: list[Column] = [
        ("Config status", lambda s: "Down" if s.status is Status.DOWN else "Up"),
        ("Status", lambda s: view.database_status(s).text),
    ]
    if not view.filerep:
        return print_segments(console, DOWNED, view.probably_down, columns)
    tracked = {s.content for s in view.acting(Role.PRIMARY) if s.mode is Mode.CHANGE_TRACKING}
    downed = [s for s in view.probably_down if s.role is Role.PRIMARY or s.content not in tracked]
    return print_segments(console, DOWNED_FILEREP, downed, columns)


def _recovering(console: Console, view: View, progress: str) -> bool:
    found = {int(match["dbid"]): match for match in PROGRESS.finditer(progress)}
    columns: list[Column] = [
        ("Recovery type", lambda s: found[s.dbid]["type"]),
        ("Completed bytes (kB)", lambda s: found[s.dbid]["done"]),
        ("Total bytes (kB)", lambda s: found[s.dbid]["total"]),
        ("Percentage completed", lambda s: found[s.dbid]["percent"]),
    ]
    recovering = [s for s in view.segments if s.dbid in found]
    return print_segments(console, ["Segments in recovery"], recovering, columns)
