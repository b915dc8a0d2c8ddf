"""gpstate -m, -c, -Q, -p, -f and -i: what the catalog says, and the standby."""

from gpmedic.cluster import COORDINATOR_CONTENT, Mode, Role, Status
from gpmedic.practice.facts import Answer, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_view import MODE_LABELS, View, count, place
from gpmedic.practice.utilities.gpstate_words import Words
from gpmedic.practice.utilities.table import Table

RULE = "-" * 61
QUICK_RULE = "-" * 58


def print_mirrors(console: Console, view: View) -> int:
    """-m. Exit code 1 only where a mirror has failed, not where one acts as primary (T18)."""
    mirrors = view.preferred(Role.MIRROR)
    if not mirrors:
        for line in (RULE, "Mirror not used", RULE):
            console.warning(line)
        return 0
    acting = [s for s in mirrors if s.role is Role.PRIMARY]
    failed = [s for s in mirrors if s.role is Role.MIRROR and s.status is Status.DOWN]
    table = Table().info("Mirror", "Datadir", "Port", "Status", "Data Status", "")
    for segment in mirrors:
        if segment in failed:
            table.warning(*place(segment), "Failed", "")
        else:
            table.info(*place(segment), "Acting as Primary" if segment in acting else "Passive", _data_state(segment))
    _mirroring_heading(console, view)
    table.print(console)
    console.info(RULE)
    _warn(console, len(acting), "segment(s) configured as mirror(s) are acting as primaries")
    _warn(console, len(failed), "segment(s) configured as mirror(s) have failed")
    state = "in change tracking" if view.filerep else "not synchronized"
    _warn(console, _lagging(view, acting), f"mirror segment(s) acting as primaries are {state}")
    return 1 if failed else 0


def print_pairs_of_catalog(console: Console, view: View) -> int:
    """-c. Exit code 0 whatever it shows (T18)."""
    if not view.facts.mirrored:
        for line in (RULE, "-Primary list [Mirror not used]", RULE):
            console.info(line)
        table = Table().info("Primary", "Datadir", "Port")
        for segment in view.segments:
            table.info(*place(segment))
        table.print(console)
        console.info(RULE)
        return 0
    table = Table().info("Status", "Data State", "Primary", "Datadir", "Port", "Mirror", "Datadir", "Port")
    for primary, mirror in _preferred_pairs(view):
        switched = primary.role is Role.MIRROR
        active, passive = (mirror, primary) if switched else (primary, mirror)
        roles = "Mirror Active, Primary" if switched else "Primary Active, Mirror"
        status = f"{roles} {'Available' if passive.status is Status.UP else 'Failed'}"
        row = table.warning if _lagging(view, [active]) else table.info
        row(status, _data_state(active), *place(primary), *place(mirror))
    _mirroring_heading(console, view)
    table.print(console)
    console.info(RULE)
    switched_count = sum(1 for s in view.preferred(Role.MIRROR) if s.role is Role.PRIMARY)
    _warn(console, switched_count, "segment(s) configured as mirror(s) are acting as primaries")
    state = "segment(s) are in change tracking" if view.filerep else "primary segment(s) are not synchronized"
    _warn(console, _lagging(view, view.acting(Role.PRIMARY)), state)
    return 0


def print_quick(console: Console, view: View, words: Words) -> int:
    """-Q. Exit code 1 where a row is down; nobody is asked but the catalog."""
    console.info(f"-Quick Greenplum database status from {words.Coordinator} instance only")
    console.info(QUICK_RULE)
    down = [s for s in view.segments if s.status is Status.DOWN]
    console.info(f"# of up segments, from configuration table     = {count(view.segments, Status.UP)}")
    if down:
        console.info(f"# of down segments, from configuration table   = {len(down)}")
        table = Table().info("Down Segment", "Datadir", "Port")
        for segment in down:
            table.info(*place(segment))
        table.print(console)
    console.info(QUICK_RULE)
    return 1 if down else 0


def print_ports(console: Console, view: View, words: Words) -> int:
    """-p."""
    coordinator = view.facts.coordinator
    console.info(f"-{words.Coordinator} segment instance  {coordinator.datadir}  port = {coordinator.port}")
    console.info("-Segment instance port assignments")
    console.info("-" * 34)
    table = Table().info("Host", "Datadir", "Port")
    for segment in view.segments:
        table.info(*place(segment))
    table.print(console)
    return 0


def print_standby(console: Console, view: View, words: Words) -> int:
    """-f. Exit code 0 even with the standby down (T18)."""
    standby = view.facts.standby
    if standby is None:
        console.info(f"Standby {words.coordinator} instance not configured")
    else:
        console.info(f"Standby {words.coordinator} details")
        console.info("-" * 22)
        _standby_table(view, standby).print(console)
    for line in (RULE, "-pg_stat_replication", RULE):
        console.info(line)
    streams = [row for row in view.facts.replication if row.content == COORDINATOR_CONTENT]
    if len(streams) == 1:
        stream = streams[0]
        console.info(f"-WAL Sender State: {stream.state}")
        console.info(f"-Sync state: {stream.sync_state}")
        console.info(f"-Sent Location: {stream.sent}")
        console.info(f"-Flush Location: {stream.flushed}")
        console.info(f"-Replay Location: {stream.replayed}")
    elif streams:
        console.warning("pg_stat_replication shows more than 1 row.")
    else:
        console.info("No entries found.")
    console.info(RULE)
    return 0


def _standby_table(view: View, standby: SegmentFacts) -> Table:
    instance = view.instance(standby)
    table = Table()
    table.info("Standby address", f"= {standby.address}")
    table.info("Standby data directory", f"= {standby.datadir}")
    table.info("Standby port", f"= {standby.port}")
    if instance.failure:
        table.warning("Standby PID", f"= {instance.failure}")
        table.warning("Standby status", "= Status could not be determined")
    elif instance.pid == 0:
        table.warning("Standby PID", "= 0")
        table.warning("Standby status", "= Standby process not running")
    elif instance.process_error:
        table.warning("Standby PID", f"= {instance.pid}", instance.process_error)
        table.warning("Standby status", "= Status could not be determined")
    else:
        table.info("Standby PID", f"= {instance.pid}")
        table.info("Standby status", "= Standby host passive")
    return table


def print_versions(console: Console, view: View) -> int:
    """-i, after "Loading version information"."""
    facts = view.facts
    every = (facts.coordinator, *([facts.standby] if facts.standby else []), *view.segments)
    known = [s for s in every if s.status is Status.UP and view.instance(s).runs and s.answer is not Answer.STRANGER]
    table = Table().info("Host", "Datadir", "Port", "Version", "")
    for segment in every:
        if segment in known:
            table.info(*place(segment), facts.server_version)
        else:
            table.warning(*place(segment), "unable to retrieve version")
    table.print(console)
    if len(known) == len(every):
        console.info("All segments are running the same software version")
    else:
        console.warning("Unable to retrieve version data from all segments.  Review table above for details.")
    return 0


def _preferred_pairs(view: View) -> list[tuple[SegmentFacts, SegmentFacts]]:
    mirrors = {s.content: s for s in view.preferred(Role.MIRROR)}
    return [(s, mirrors[s.content]) for s in view.preferred(Role.PRIMARY)]


def _mirroring_heading(console: Console, view: View) -> None:
    for line in (RULE, "-Current GPDB mirror list and status", f"-Type = {view.mirroring_type}", RULE):
        console.info(line)


def _data_state(segment: SegmentFacts) -> str:
    return MODE_LABELS[segment.mode]


def _lagging(view: View, primaries: list[SegmentFacts] | tuple[SegmentFacts, ...]) -> int:
    """How many primaries count as a warning: 4.3 does not mind a resynchronization."""
    if view.filerep:
        return sum(1 for s in primaries if s.mode is Mode.CHANGE_TRACKING)
    return sum(1 for s in primaries if s.mode is not Mode.SYNCHRONIZED)


def _warn(console: Console, number: int, text: str) -> None:
    if number:
        console.warning(f"{number} {text}")
