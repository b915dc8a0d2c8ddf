"""What gpstart says about the segments that it tried to start."""

from collections.abc import Sequence

from gpmedic.cluster import Mode, Role
from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstop_hands import (
    ClusterHands,
)
from gpmedic.practice.utilities.table import SEPARATOR, Table

STARS = "*" * 76


def lost_contents(segments: Sequence[SegmentFacts], failed: Sequence[SegmentFacts]) -> list[int]:
    """Contents of which neither the acting primary nor a mirror in sync has started."""
    good = {s.content for s in segments if s not in failed and (s.role is Role.PRIMARY or s.mode is Mode.SYNCHRONIZED)}
    return sorted({s.content for s in segments} - good)


def described(segment: SegmentFacts) -> str:
    """An instance as the real one prints its objects."""
    return (
        f"{segment.hostname}:{segment.datadir}:content={segment.content}:dbid={segment.dbid}:role={segment.role}:"
        f"preferred_role={segment.preferred_role}:mode={segment.mode}:status={segment.status}"
    )


def say_failures(hands: ClusterHands, console: Console, facts: Facts, failed: Sequence[SegmentFacts]) -> None:
    """Each instance that did not start, with what its host said."""
    if not failed:
        return
    console.info(SEPARATOR)
    for segment in failed:
        console.info(
            f"DBID:{segment.dbid}  FAILED  host:'{segment.hostname}' datadir:'{segment.datadir}' "
            f"with reason:'{_reason(hands, facts, segment)}'"
        )
    console.info(f"{SEPARATOR}\n\n")


def _reason(hands: ClusterHands, facts: Facts, segment: SegmentFacts) -> str:
    """What gpsegstart.py said on the segment's host, its log within ours."""
    lines: list[str] = []
    host, directory = segment.hostname, segment.datadir
    mirroring = "quiescent" if facts.mirrored else "mirrorless"
    remote = Console(lines.append, f"gpsegstart.py_{host}:{facts.user}", host, facts.user)
    row = "|".join(
        str(value)
        for value in (
            segment.dbid,
            segment.content,
            segment.role,
            segment.preferred_role,
            segment.mode,
            segment.status,
            segment.hostname,
            segment.address,
            segment.port,
            directory,
        )
    )
    contents = len({s.content for s in facts.data_segments})
    remote.info(
        f"Starting gpsegstart.py with args: -M {mirroring} -V {facts.utility_version} -n {contents} "
        f"--era {hands.era()} -t 600 --master-checksum-version 1 -D {row} -b 64"
    )
    remote.info("Validating directories...")
    remote.info(f"Validating directory: {directory}")
    if segment.stale_pid_file:
        remote.warning("postmaster.pid file exists, checking if recovery startup required")
        remote.info("No db instance process, entering recovery startup mode")
        remote.info("Clearing db instance pid file")
    remote.info(f"Starting segments... (mirroringMode {mirroring})")
    remote.critical(
        "Error occurred: non-zero rc: 2\n"
        f" Command was: '$GPHOME/bin/pg_controldata {directory}'\n"
        f"rc=2, stdout='', stderr='pg_controldata: could not open file \"{directory}/global/pg_control\" "
        "for reading: No such file or directory\n'"
    )
    return f"cmd had rc=2 completed=True halted=False\n  stdout='{''.join(lines)}'\n  stderr=''"


def say_result(
    console: Console,
    facts: Facts,
    segments: Sequence[SegmentFacts],
    failed: Sequence[SegmentFacts],
    skipped: Sequence[SegmentFacts],
    *,
    stopping: bool,
) -> None:
    """The table of how many were started, failed or were skipped, and what follows from it."""
    bad = [s for s in segments if s in failed]
    started = len(segments) - len(bad)
    table = Table().separator().info("Successful segment starts", f"= {started}")
    counts = (
        ("Failed segment starts", bad),
        ("Skipped segment starts (segments are marked down in configuration)", skipped),
    )
    for label, found in counts:
        if found:
            table.warning(label, f"= {len(found)}")
        else:
            table.info(label, f"= {len(found)}")
    table.separator().print(console)
    arrows = "<<<<<<<<" if bad else ""
    also = f", skipped {len(skipped)} other segments" if skipped else ""
    console.info(f"Successfully started {started} of {len(segments)} segment instances{also} {arrows}")
    console.info(SEPARATOR)
    if bad:
        console.warning("Segment instance startup failures reported")
        console.warning(f"Failed start {len(bad)} of {len(segments)} segment instances {arrows}")
        console.warning(f"Review /home/{facts.user}/gpAdminLogs/gpstart.log")
        if not stopping:
            console.warning("For more details on segment startup failure(s)")
            console.warning("Run  gpstate -s  to review current segment instance status")
        console.info(SEPARATOR)
    if skipped:
        console.warning(STARS)
        console.warning(f"There are {len(skipped)} segment(s) marked down in the database")
        console.warning("To recover from this current state, review usage of the gprecoverseg")
        console.warning("management utility which will recover failed segment instance databases.")
        console.warning(STARS)
