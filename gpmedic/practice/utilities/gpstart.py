"""Stand-in for gpstart: starts a practice cluster, in the words of the real one.

4.3.99 and 6.24.3 as recorded, the unreachable standby (T13) from the sources of 6; 7 is derived, not recorded.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from gpmedic.cluster import Status
from gpmedic.practice.facts import Facts, Release, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_targets import reachable
from gpmedic.practice.utilities.gprecoverseg_text import Declined, ask, say_unreachable
from gpmedic.practice.utilities.gpstart_report import described, lost_contents, say_failures, say_result
from gpmedic.practice.utilities.gpstop_hands import (
    ClusterHands,
    ClusterOptions,
    Refused,
    coordinator_word,
    data_segments,
    standby,
)
from gpmedic.practice.utilities.gpstop_main import Utility, run_program, run_utility

STARS = "*" * 76
CATALOG_VERSIONS = {Release.V4_3: "201310150", Release.V6: "301908232", Release.V7: "302307241"}


def program(options: ClusterOptions, hands: ClusterHands, console: Console) -> int:
    """One run: what it prints goes to `console`; returns the exit code."""
    return run_program("gpstart", _run, options, hands, console)


def _run(options: ClusterOptions, hands: ClusterHands, console: Console) -> int:
    console.info("Gathering information and validating the environment...")
    facts = hands.facts()
    word = coordinator_word(facts.release)
    if options.coordinator_only:
        _say_coordinator_only(options, hands, console, word)
    console.info(f"Greenplum Binary Version: '{facts.utility_version}'")
    console.info(f"Greenplum Catalog Version: '{CATALOG_VERSIONS[facts.release]}'")
    _check_not_running(console, facts)
    console.info(f"Starting {word} instance in admin mode")
    console.info(f"Obtaining Greenplum {word} catalog information")
    console.info(f"Obtaining Segment details from {word.lower()}...")
    console.info(f"Setting new {word.lower()} era")
    console.info(f"{word} Started...")
    if options.coordinator_only:
        hands.start_coordinator()
        return 0
    skipped = _look_at_hosts(options, hands, console, facts)
    segments = [s for s in data_segments(facts) if s not in skipped]
    if not options.yes:
        ask(console, "Continue with Greenplum instance startup", hands.reply)
    if Path(hands.data_directory, "gpexpand.status").exists():
        raise Refused("Found a System Expansion Setup in progress. Please run 'gpexpand --rollback'")
    kind = "primary and mirror " if facts.mirrored else ""
    console.info(f"Commencing parallel {kind}segment instance startup, please wait...")
    if facts.release is Release.V4_3 and _away(facts):
        hands.stall(console.say)
    second = standby(facts)
    left = [second] if second is not None and options.without_standby else []
    dbids = {s.dbid for s in hands.start([*skipped, *left])}
    failed = [s for s in facts.segments if s.dbid in dbids]  # as they were when they were named
    console.info("Process results...")
    lost = lost_contents(segments, failed)
    for content in lost:
        console.error(f"No segment started for content: {content}.")
        console.info(f"dumping success segments: {[described(s) for s in segments if s not in failed]}")
    say_failures(hands, console, facts, [s for s in failed if s in segments])
    say_result(console, facts, segments, failed, skipped, stopping=bool(lost))
    if lost:
        console.info("Commencing parallel segment instance shutdown, please wait...")
        hands.stop()
        raise Refused("Do not have enough valid segments to start the array.")
    return _finish(options, console, facts, failed, skipped)


def _say_coordinator_only(options: ClusterOptions, hands: ClusterHands, console: Console, word: str) -> None:
    console.warning(STARS)
    console.warning(f"{word}-only start requested. If a standby {word.lower()} is configured, this command")
    console.warning("may lead to a split-brain condition and possible unrecoverable data loss.")
    console.warning("Maintenance mode should only be used with direction from Greenplum Support.")
    console.warning(STARS)
    if not options.yes:
        ask(console, f"Continue with {word.lower()}-only startup", hands.reply)


def _check_not_running(console: Console, facts: Facts) -> None:
    word, port = coordinator_word(facts.release), facts.coordinator.port
    running = facts.coordinator.pid is not None
    if not running and not facts.coordinator.stale_pid_file:
        return
    console.warning(f"postmaster.pid file exists on {word}, checking if recovery startup required")
    console.info("Commencing recovery startup checks")
    if running:
        console.info(f"Have lock file /tmp/.s.PGSQL.{port} and a process running on port {port}")
        raise Refused(f"{word} instance process running")
    console.info(f"No socket connection or lock file in /tmp found for port={port}")
    console.info(f"No {word} instance process, entering recovery startup mode")
    console.info(f"Clearing {word} instance pid file")


def _away(facts: Facts) -> list[SegmentFacts]:
    return [s for s in data_segments(facts) if not reachable(facts, s.hostname)]


def _look_at_hosts(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> list[SegmentFacts]:
    """The segments that are not going to be started; the coordinator is stopped again meanwhile."""
    word = coordinator_word(facts.release)
    down = [s for s in data_segments(facts) if s.status is Status.DOWN]
    away = _away(facts)
    if facts.release is Release.V4_3:
        console.info("Shutting down master")
        for host in sorted({s.hostname for s in away}):
            for _ in range(3):
                console.warning(f"Ping to host: '{host}' FAILED")
        for segment in away:
            console.warning(
                f"Skipping startup of segdb on {segment.hostname} directory {segment.datadir} Ping Failed <<<<<<"
            )
        return [*away, *(s for s in down if s not in away)]
    say_unreachable(console, facts, [s.hostname for s in data_segments(facts)])
    for segment in away:
        console.warning(f"Marking segment {segment.dbid} down because {segment.hostname} is unreachable")
    _check_standby(options, hands, console, facts)
    console.info(f"Shutting down {word.lower()}")
    skipped = [s for s in data_segments(facts) if s in down or s in away]
    for segment in skipped:
        console.warning(
            "Skipping startup of segment marked down in configuration: "
            f"on {segment.hostname} directory {segment.datadir} <<<<<"
        )
    return skipped


def _check_standby(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> None:
    """T13: with a standby that cannot be asked a person has to decide."""
    second = standby(facts)
    if options.unread_standby:
        console.info("Skipping Standby activation status checking.")
        return
    if second is None or reachable(facts, second.hostname):
        return
    word = coordinator_word(facts.release).lower()
    problem = f"ssh: connect to host {second.hostname} port 22: No route to host"
    console.warning(
        f"Standby host is unreachable, cannot determine whether the standby is currently acting as the {word}. "
        f"Received error: {problem}"
    )
    console.warning(f"Continue only if you are certain that the standby is not acting as the {word}.")
    if options.yes:
        console.warning(
            "Non interactive mode detected. Not starting the cluster. Start the cluster in interactive mode."
        )
        raise Declined
    ask(console, "Continue with startup", hands.reply)


def _finish(
    options: ClusterOptions,
    console: Console,
    facts: Facts,
    failed: Sequence[SegmentFacts],
    skipped: Sequence[SegmentFacts],
) -> int:
    word = coordinator_word(facts.release)
    host = facts.coordinator.hostname
    console.info(f"Starting {word} instance {host} directory {facts.coordinator.datadir} ")
    console.info(f"Command pg_ctl reports {word} {host} instance active")
    console.info("Connecting to dbname='template1' connect_timeout=15")
    second = standby(facts)
    if second is None:
        console.info(f"No standby {word.lower()} configured.  skipping...")
    elif options.without_standby:
        console.info(f"Skipping standby {word.lower()} startup")
    else:
        console.info(f"Starting standby {word.lower()}")
        console.info(
            f"Checking if standby {word.lower()} is running on host: {second.hostname}  in directory: {second.datadir}"
        )
    bad = [s for s in failed if s.dbid != getattr(second, "dbid", None)]
    if second in failed:
        console.warning(f"Standby {word} could not be started")
    if bad:
        console.warning(f"Number of segments which failed to start:  {len(bad)}")
    if failed:
        return 1
    if skipped:
        console.warning(f"Number of segments not attempted to start: {len(skipped)}")
        console.info("Check status of database with gpstate utility")
    else:
        console.info("Database successfully started")
    return 0


if __name__ == "__main__":
    sys.exit(run_utility(Utility.GPSTART, program))
