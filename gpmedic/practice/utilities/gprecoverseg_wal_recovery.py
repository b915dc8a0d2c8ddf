"""How gprecoverseg of 6 and 7 recovers its targets, from the look at their control files to the last FTS probe."""

from collections.abc import Sequence

from gpmedic.cluster import Status
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_hands import Ending, Hands, Result
from gpmedic.practice.utilities.gprecoverseg_options import Options
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Copy,
    Failed,
    Target,
    reachable,
    unreachable_hosts,
)
from gpmedic.practice.utilities.gprecoverseg_text import (
    LONG_RULER,
    coordinator,
)

MARK_DOWN_DEADLINE = 1800  # seconds that the real one gives FTS


def compare_checksums(hands: Hands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
    """pg_controldata of both halves of every pair, between the log lines (T27); it must be readable once."""
    unread = []
    for segment in (*(t.live for t in targets), *(t.failed for t in targets)):
        dump = hands.control_data(segment) if reachable(facts, segment.hostname) else None
        if dump is None:
            unread.append(segment)
            continue
        console.info(f"Successfully finished pg_controldata {segment.datadir} for dbid {segment.dbid}:")
        console.say(f"stdout: {dump.rstrip()}\n\nstderr: \n")
    for segment in unread:
        console.warning(f"cannot access pg_controldata for dbid {segment.dbid} on host {segment.hostname}")
    if len(unread) == 2 * len(targets):
        raise Failed("No segments responded to ssh query for heap checksum validation.")
    console.info(
        f"Heap checksum setting is consistent between {coordinator(facts.release)} and the segments that are "
        "candidates for recoverseg"
    )


def allow_replication(hands: Hands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
    """pg_hba.conf of the acting primaries; Failed where a target's host does not answer."""
    if {t.place.hostname for t in targets} - {s.hostname for s in facts.segments}:
        console.info("Syncing Greenplum Database extensions")
    console.info("Starting to create new pg_hba.conf on primary segments")
    for host in unreachable_hosts(facts, (t.place.hostname for t in targets)):
        command = ["ssh", "-n", host, f'echo "START_CMD_OUTPUT";{hands.home}/libexec/ifaddrs --no-loopback']
        raise Failed(f"Command '{command}' returned non-zero exit status 255")
    console.info("Successfully modified pg_hba.conf on primary segments to allow replication connections")


def recover(options: Options, hands: Hands, console: Console, facts: Facts, targets: Sequence[Target]) -> bool:
    """Whether every target was recovered."""
    console.info(f"{len(targets)} segment(s) to recover")
    _make_down(hands, console, facts, targets)
    console.info("Setting up the required segments for recovery")
    console.info("Updating configuration for mirrors")
    hands.mark(targets)
    console.info("Initiating segment recovery. Upon completion, will start the successfully recovered segments")
    console.info(f"era is {hands.era()}")
    signal_file = "standby.signal" if facts.release is Release.V7 else "recovery.conf"

    def show(messages: Sequence[tuple[Target, str]]) -> None:
        if options.no_progress:
            return
        for target, message in messages:
            text = message or f"skipping pg_rewind on mirror as {signal_file} is present"
            console.say(f"{target.place.hostname} (dbid {target.failed.dbid}): {text}\n")

    results = hands.recover(targets, show)
    _say_failures(console, results)
    hands.unmark([r.target for r in results if r.ending is Ending.COPY_FAILED and r.target.full])
    console.info("Triggering FTS probe")
    hands.probe()
    return all(r.ending is Ending.RECOVERED for r in results)


def _make_down(hands: Hands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
    """Stop what still runs of the failed instances, and wait until FTS has seen it."""
    here = [t.failed for t in targets if reachable(facts, t.failed.hostname)]
    for target in targets:
        if target.failed not in here:
            console.info(
                "Skipping shared memory cleanup and gpsegstop on unreachable host: "
                f"{target.failed.hostname} segment: {target.failed.content}"
            )
    if here:
        console.info(f"Ensuring {len(here)} failed segment(s) are stopped")
        for segment in here:
            if segment.pid is not None:
                console.info(f"{segment.pid}: {segment.datadir}")
        hands.stop(here)
        console.info("Ensuring that shared memory is cleaned up for stopped segments")
    up = {t.failed.dbid for t in targets if t.failed.status is Status.UP}
    if not up:
        return
    console.info("Waiting for segments to be marked down.")
    console.info(f"This may take up to {MARK_DOWN_DEADLINE} seconds on large clusters.")
    for _ in range(MARK_DOWN_DEADLINE):
        hands.probe()
        if all(s.status is Status.DOWN for s in hands.facts().segments if s.dbid in up):
            break
        console.say(".")
        hands.pause(1)
    else:
        raise Failed(f"{len(up)} segments were not marked down by FTS")
    console.say("\n")
    console.info(f"{len(up)} of {len(up)} segments have been marked down.")


def _say_failures(console: Console, results: Sequence[Result]) -> None:
    rewinds = [r for r in results if r.ending is Ending.COPY_FAILED and r.target.copy is Copy.INCREMENTAL]
    copies = [r for r in results if r.ending is Ending.COPY_FAILED and r not in rewinds]
    if rewinds or copies:
        console.info(LONG_RULER)
        advice = ". You must run gprecoverseg -F for all incremental failures" if rewinds else ""
        console.info(f"Failed to recover the following segments{advice}")
    for result in (*rewinds, *copies):
        place, kind = result.target.place, result.target.copy
        console.info(f" hostname: {place.hostname}; port: {place.port}; logfile: {result.log}; recoverytype: {kind}")
    starts = [r.target.place for r in results if r.ending is Ending.START_FAILED]
    if starts:
        console.info(LONG_RULER)
        console.info(
            "Failed to start the following segments. Please check the latest logs located in segment's data directory"
        )
    for place in starts:
        console.info(f" hostname: {place.hostname}; port: {place.port}; datadir: {place.datadir}")
