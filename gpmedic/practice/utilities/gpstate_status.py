"""gpstate -s: the coordinator, and every primary and mirror in detail."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gpmedic.cluster import Role, Status
from gpmedic.practice.facts import CopyKind, ReplicationFacts, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_filerep import change_tracking_info, mirror_status, resynchronization_info
from gpmedic.practice.utilities.gpstate_view import MODE_LABELS, Reading, View
from gpmedic.practice.utilities.gpstate_words import Words, initsystem_version, postgres_version
from gpmedic.practice.utilities.table import SEPARATOR, Table
from gpmedic.wal import lsn_bytes

STARS = "*" * 53
Section = tuple[str, Sequence[tuple[str, Reading]]]
UNKNOWN = Reading("Unknown", warning=True)


def print_status(console: Console, view: View, words: Words) -> int:
    """Exit code 1 where anything printed is a warning."""
    master, segments = coordinator_table(view, words), segment_table(view)
    console.info(SEPARATOR)
    console.info(f"-{words.Coordinator} Configuration & Status")
    console.info(SEPARATOR)
    warn_if_unavailable(console, view)
    master.print(console)
    console.info(SEPARATOR)
    console.info("Segment Instance Status Report")
    segments.print(console)
    warn_if_unavailable(console, view)
    if not (master.has_warnings or segments.has_warnings):
        return 0
    console.warning(STARS)
    console.warning("Warnings have been generated during status processing")
    console.warning("Check log file or review screen output")
    console.warning(STARS)
    return 1


def warn_if_unavailable(console: Console, view: View) -> None:
    if view.database_probably_unavailable:
        console.warning(STARS)
        console.warning("DATABASE IS PROBABLY UNAVAILABLE")
        console.warning("Review Instance Status in log file or screen output for more information")
        console.warning(STARS)


def coordinator_table(view: View, words: Words) -> Table:
    facts, name = view.facts, words.Coordinator
    coordinator = facts.coordinator
    table = Table()
    table.info(f"{name} host", f"= {coordinator.hostname}")
    table.info(f"{name} postgres process ID", f"= {coordinator.pid or 0}")
    table.info(f"{name} data directory", f"= {coordinator.datadir}")
    table.info(f"{name} port", f"= {coordinator.port}")
    table.info(f"{name} current role", f"= {_role(view)}")
    table.info("Greenplum initsystem version", f"= {initsystem_version(facts)}")
    table.info("Greenplum current version", f"= {facts.server_version}")
    table.info("Postgres version", f"= {postgres_version(facts)}")
    append_standby(table, view, words)
    return table


def append_standby(table: Table, view: View, words: Words) -> None:
    """The standby's two lines, which the summary has too."""
    standby = view.facts.standby
    if standby is None:
        table.info(f"{words.Coordinator} standby", f"= No {words.coordinator} standby configured")
        return
    table.info(f"{words.Coordinator} standby", f"= {standby.hostname}")
    instance = view.instance(standby)
    label = f"Standby {words.coordinator} state"
    if instance.failure:
        table.warning(label, f"= Status could not be determined: {instance.failure}")
    elif instance.runs:
        table.info(label, "= Standby host passive")
    else:
        table.warning(label, "= Standby host DOWN")


def _role(view: View) -> str:
    """6 and 7 open a session that wants every primary; in 4.3 it does not reach them."""
    reached = view.filerep or all(view.accepts(primary) for primary in view.acting(Role.PRIMARY))
    return "dispatch" if reached else "utility"


def segment_table(view: View) -> Table:
    table = Table()
    for segment in view.segments:
        table.separator()
        for title, lines in sections(view, segment):
            if lines:
                table.info(title)
            for label, (text, warning) in lines:
                (table.warning if warning else table.info)(f"   {label}", f"= {text}")
    return table


def sections(view: View, segment: SegmentFacts) -> Iterator[Section]:
    """The blocks of one instance; an empty one is not printed."""
    yield (
        "Segment Info",
        [
            ("Hostname", Reading(segment.hostname)),
            ("Address", Reading(segment.address)),
            ("Datadir", Reading(segment.datadir)),
            ("Port", Reading(str(segment.port))),
        ],
    )
    mirrored = view.facts.mirrored
    if mirrored:
        yield "Mirroring Info", list(_mirroring(view, segment))
    if view.filerep:
        yield "Change Tracking Info", change_tracking_info(view, segment)
        yield "Resynchronization Info", resynchronization_info(view, segment)
    failure = view.instance(segment).failure
    title = "Error Getting Segment Status"
    yield title, [(title, Reading(failure))] if failure else []
    if mirrored and not view.filerep:
        yield "Replication Info", list(_replication(view, segment))
    yield "Status", list(_status(view, segment))


def _mirroring(view: View, segment: SegmentFacts) -> Iterator[tuple[str, Reading]]:
    yield "Current role", Reading("Primary" if segment.role is Role.PRIMARY else "Mirror")
    yield "Preferred role", Reading("Primary" if segment.preferred_role is Role.PRIMARY else "Mirror")
    if view.filerep:
        yield "Mirror status", mirror_status(view, segment)
        return
    if segment.role is Role.MIRROR:
        stream = _stream(view, view.primary_of(segment))
        yield "Mirror status", Reading(stream.state.capitalize() if stream else MODE_LABELS[segment.mode])
        return
    copying, started = _copying(view, segment)
    yield "Mirror status", Reading(copying or MODE_LABELS[segment.mode])
    if started:
        yield "Mirror recovery start", Reading(started)


def _copying(view: View, primary: SegmentFacts) -> tuple[str, str]:
    """What a recovery at work makes of the primary's mirror status, and since when; empty where there is none."""
    if not view.accepts(primary):
        return "", ""
    backup = next((row for row in view.streams(primary) if row.state == "backup"), None)
    if backup:
        return "Copying files from primary", backup.backend_start
    mirror = view.mirror_of(primary)
    if mirror.status is Status.DOWN and mirror.copying and mirror.copying.kind is CopyKind.INCREMENTAL:
        started = datetime.fromtimestamp(mirror.copying.started, UTC)
        return "Rewinding history to match primary timeline", f"{started:%Y-%m-%d %H:%M:%S.%f}+00"
    return "", ""


def _stream(view: View, primary: SegmentFacts) -> ReplicationFacts | None:
    """The one stream of its mirror; None where there is none, or more than one."""
    if primary.status is not Status.UP or not view.accepts(primary):
        return None
    streams = [row for row in view.streams(primary) if row.application_name == "gp_walreceiver"]
    return streams[0] if len(streams) == 1 else None


def _replication(view: View, segment: SegmentFacts) -> Iterator[tuple[str, Reading]]:
    if segment.role is Role.PRIMARY:
        if segment.status is Status.UP and view.accepts(segment):
            stream = _stream(view, segment)
            written = segment.write_location
            yield "Current write location", Reading(written) if written else UNKNOWN
            yield "Bytes remaining to send to mirror", _left(written, stream.sent if stream else None)
        return
    stream = _stream(view, view.primary_of(segment))
    sent, flushed, replayed = (stream.sent, stream.flushed, stream.replayed) if stream else (None, None, None)
    yield "WAL Sent Location", Reading(sent) if sent else UNKNOWN
    yield "WAL Flush Location", Reading(flushed) if flushed else UNKNOWN
    yield "WAL Replay Location", Reading(replayed) if replayed else UNKNOWN
    yield "Bytes received but remain to flush", _left(sent, flushed)
    yield "Bytes received but remain to replay", _left(sent, replayed)


def _left(ahead: str | None, behind: str | None) -> Reading:
    return Reading(str(lsn_bytes(ahead) - lsn_bytes(behind))) if ahead and behind else UNKNOWN


def _status(view: View, segment: SegmentFacts) -> Iterator[tuple[str, Reading]]:
    instance = view.instance(segment)
    if not instance.failure:
        yield "PID", Reading("Not found", warning=True) if instance.process_error else Reading(str(instance.pid))
    down = segment.status is Status.DOWN
    yield "Configuration reports status as", Reading("Down" if down else "Up", down)
    label = "Database status" if segment.role is Role.PRIMARY else "Segment status"
    yield label, view.database_status(segment)


def replication_warnings(console: Console, view: View) -> None:
    """6 and 7 say while they gather that a primary does not answer, or that nobody streams from it."""
    for primary, _ in view.pairs:
        if primary.status is not Status.UP:
            continue
        if not view.accepts(primary):
            warn_not_queried(console, primary)
            continue
        streams = [row for row in view.streams(primary) if row.application_name == "gp_walreceiver"]
        if not streams:
            console.warning("pg_stat_replication shows no standby connections")
        elif len(streams) > 1:
            console.warning("pg_stat_replication shows more than one standby connection")


def warn_not_queried(console: Console, primary: SegmentFacts) -> None:
    console.warning(f"could not query segment {primary.dbid} ({primary.hostname}:{primary.port})")
