"""How gprecoverseg of 4.3 recovers its targets, with the commands on their hosts that can fail."""

from collections.abc import Sequence

from gpmedic.cluster import Status
from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_hands import FilerepHands
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Failed,
    Refused,
    Target,
    reachable,
)

MARK_DOWN_DEADLINE = 1800  # seconds that the real one gives FTS


class CommandFailed(Exception):
    """A command on a segment's host failed: `Error occurred: ...`, code 2."""


def recover(hands: FilerepHands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
    """Recover the targets; CommandFailed or Refused where a host or a directory is missing."""
    console.info(f"{len(targets)} segment(s) to recover")
    _make_down(hands, console, facts, targets)
    full = [t for t in targets if t.full]
    in_place_again = [t for t in full if t.failover is None]
    if in_place_again:
        console.info(f"Cleaning files from {len(in_place_again)} segment(s)")
    if full:
        _prepare_directories(hands, console, facts, full)
    console.say("updating flat files\n")
    console.info("Updating configuration with new mirrors")
    hands.mark(targets)
    console.info("Updating mirrors")
    _write_identity(hands, facts, targets)
    console.info("Starting mirrors")
    console.info("Commencing parallel primary and mirror segment instance startup, please wait...")
    console.info("Process results...")
    console.info("Updating configuration to mark mirrors up")
    console.info("Updating primaries")
    console.info(f"Commencing parallel primary conversion of {len(targets)} segments, please wait...")
    hands.start_resynchronization(targets)
    console.info("Process results...")
    console.info("Done updating primaries")


def _make_down(hands: FilerepHands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
    failed = [t.failed for t in targets]
    away = [s for s in failed if not reachable(facts, s.hostname)]
    console.info(f"Ensuring {len(failed)} failed segment(s) are stopped")
    for segment in failed:
        if segment in away:
            console.warning(f"Unable to determine if {segment.datadir} is symlink. Assuming it is not symlink")
        elif segment.pid is not None:
            console.info(f"{segment.pid}: {segment.datadir}")
    hands.stop([s for s in failed if s not in away])
    console.info("Ensuring that shared memory is cleaned up for stopped segments")
    for host in sorted({s.hostname for s in away}):
        console.error(_execution_error(hands, host))
        console.warning(f"Unable to clean up shared memory for stopped segments on host ({host})")
    up = [s for s in failed if s.status is Status.UP]
    if not up:
        return
    console.info("Waiting for segments to be marked down.")
    console.info(f"This may take up to {MARK_DOWN_DEADLINE} seconds on large clusters.")
    await_down(hands, up)
    console.say("\n")
    console.info(f"{len(up)} of {len(up)} segments have been marked down.")


def await_down(hands: FilerepHands, segments: Sequence[SegmentFacts]) -> None:
    """Wait until FTS has marked these segments down."""
    dbids = {s.dbid for s in segments}
    for _ in range(MARK_DOWN_DEADLINE):
        hands.probe()
        if all(s.status is Status.DOWN for s in hands.facts().segments if s.dbid in dbids):
            return
        hands.pause(1)
    raise Failed(f"{len(dbids)} segments were not marked down by FTS")


def _ssh(hands: FilerepHands, host: str, command: str) -> str:
    return f"ssh -o 'StrictHostKeyChecking no' {host} \". {hands.home}/greenplum_path.sh; {command}\""


def _execution_error(hands: FilerepHands, host: str) -> str:
    """What a host that does not answer makes of a remote operation, traceback and all."""
    details = (
        f"ExecutionError: 'non-zero rc: 255' occured.  Details: '{_ssh(hands, host, '$GPHOME/sbin/gpoperation.py')}'"
        "  cmd had rc=255 completed=True halted=False\n"
        "  stdout=''\n"
        f"  stderr='ssh: connect to host {host} port 22: No route to host\n"
        "'"
    )
    return f"{details}\nTraceback (most recent call last):\nExecutionError: {details}"


def _prepare_directories(hands: FilerepHands, console: Console, facts: Facts, full: Sequence[Target]) -> None:
    console.info("Building template directory")
    console.info("Validating remote directories")
    for target in full:
        place = target.place
        if not hands.parent_exists(place):
            raise Refused(
                f"\nValidation failure on host {place.hostname} Parent directory for system data directory "
                f"'{place.datadir}' does not exist"
            )
    console.info("Copying template directory file")
    console.info("Configuring new segments")
    console.info("Cleaning files")
    for target in full:
        place = target.place
        mode = facts.segment(place.dbid).mode
        console.info(
            f"Starting file move procedure for {place.hostname}:{place.datadir}:content={place.content}:"
            f"dbid={place.dbid}:mode={mode}:status=d"
        )


def _write_identity(hands: FilerepHands, facts: Facts, targets: Sequence[Target]) -> None:
    """gpconfigurenewsegment on every host; where a host or a directory is missing it fails, the catalog changed."""
    by_host: dict[str, list[SegmentFacts]] = {}
    for target in targets:
        by_host.setdefault(target.place.hostname, []).append(target.place)
    full = {t.place.dbid for t in targets if t.full}
    for host, segments in by_host.items():
        described = ",".join(f"{s.datadir}:{s.port}:false:false:{s.dbid}" for s in segments)
        tail = "-B 16 --write-gpid-file-only"
        command = _ssh(hands, host, f'$GPHOME/bin/lib/gpconfigurenewsegment -c \\"{described}\\" {tail}')
        heading = f"Error Executing Command: \n Command was: '{command}'\n"
        if not reachable(facts, host):
            problem = f"ssh: connect to host {host} port 22: No route to host"
            raise CommandFailed(f"{heading}rc=255, stdout='', stderr='{problem}\n'")
        missing = [s for s in segments if s.dbid not in full and not s.datadir_exists]
        if missing:
            raise CommandFailed(heading + _no_directory(hands, host, described, len(segments), missing[0]))


def _no_directory(hands: FilerepHands, host: str, described: str, count: int, segment: SegmentFacts) -> str:
    arguments = f"-c {described} -B 16 --write-gpid-file-only"
    lines: list[str] = []
    remote = Console(lines.append, "gpconfigurenewsegment", host, hands.facts().user)
    details = (
        f"ExecutionError: 'Error Executing Command: ' occured.  Details: "
        f"'{hands.home}/bin/lib/gpconfigurenewsegment {arguments}'  cmd had rc=1 completed=True halted=False\n"
        "  stdout=''\n"
        f"  stderr='[Errno 2] No such file or directory: '{segment.datadir}/gp_dbid''\n"
    )
    remote.info(f"Starting gpconfigurenewsegment with args: {arguments}")
    for _ in range(count):
        remote.info("create gp_dbid file for segment")
    remote.error(details.rstrip("\n"))
    return f"rc=1, stdout='{''.join(lines)}', stderr='{details}'"
