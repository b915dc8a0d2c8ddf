"""gprecoverseg of 4.3: what it does and says, in its order, as recorded from 4.3.99.

It neither looks which hosts answer nor asks pg_controldata; its success means that resynchronization goes on (T33).
"""

from collections.abc import Sequence

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Answer, Facts, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_config import read, sample
from gpmedic.practice.utilities.gprecoverseg_hands import FilerepHands
from gpmedic.practice.utilities.gprecoverseg_options import Options
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Copy,
    Failed,
    Refused,
    Target,
    UsageFault,
    check_conflicts,
    from_lines,
    in_place,
    reachable,
    to_new_hosts,
)
from gpmedic.practice.utilities.gprecoverseg_text import (
    STARS,
    ask,
    chosen_copy,
    pool_hosts,
    refused_connection,
    same_host_warnings,
    say_parameters,
    say_rebalance_parameters,
    unbalanced,
)

ATTEMPTS = 5
ATTEMPT_SECONDS = 20.5  # how long a dead acting primary keeps the connection attempt waiting
RETRY_SECONDS = 5
MARK_DOWN_DEADLINE = 1800  # seconds that the real one gives FTS


class CommandFailed(Exception):
    """A command on a segment's host failed: `Error occurred: ...`, code 2."""


def run(options: Options, hands: FilerepHands, console: Console) -> int:
    """The exit code of one run whose lock is already held.

    Raises:
        Failed, Refused, UsageFault, CommandFailed, Declined: what the caller words and turns into an exit code.
    """
    facts = _connect(options, hands, console)
    if options.rebalance:
        return _rebalance(options, hands, console, facts)
    targets = _targets(options, hands, console, facts)
    if options.output_file is not None:
        hands.write(options.output_file, sample(targets, facts.release))
        console.info(f"Configuration file output to {options.output_file} successfully.")
        return 0
    if not targets:
        console.info("No segments to recover")
        return 0
    check_conflicts(facts, targets)
    say_parameters(console, options, targets)
    for warning in (*same_host_warnings(targets), *_lookup_warnings(options, targets)):
        console.warning(warning)
    if not options.yes:
        ask(console, "Continue with segment recovery procedure", hands.reply)
    if {t.place.hostname for t in targets} - {s.hostname for s in facts.segments}:
        console.info("Syncing Greenplum Database extensions")
    _recover(hands, console, facts, targets)
    console.info(STARS)
    console.info("Updating segments for resynchronization is completed.")
    console.info("For segments updated successfully, resynchronization will continue in the background.")
    console.info("")
    console.info("Use  gpstate -s  to check the resynchronization progress.")
    console.info(STARS)
    return 0


def _connect(options: Options, hands: FilerepHands, console: Console) -> Facts:
    """The catalog, once every acting primary answers; it hangs for minutes where one does not (T29)."""
    if not hands.has_file(f"{hands.data_directory}/postgresql.conf"):
        raise Failed(f"[Errno 2] No such file or directory: '{hands.data_directory}/postgresql.conf'")
    facts = hands.facts()
    console.info(f"local Greenplum Version: '{facts.utility_version}'")
    if not facts.database_up:
        raise Failed(refused_connection('"localhost" (127.0.0.1)', facts.coordinator.port))
    console.info(f"master Greenplum Version: '{facts.server_version}'")
    if sum((options.new_hosts is not None, options.config_file is not None, options.rebalance)) > 1:
        raise UsageFault("Only one of -i, -p, -s, -r, and -S may be specified")
    for attempt in range(1, ATTEMPTS + 1):
        console.info("Checking if segments are ready")
        console.info("Obtaining Segment details from master...")
        facts = hands.facts()
        if all(s.answer is Answer.ACCEPTS for s in facts.data_segments if s.role is Role.PRIMARY):
            console.info("Obtaining Segment details from master...")
            return facts
        hands.probe()  # as the coordinator does when a primary does not answer
        hands.pause(ATTEMPT_SECONDS)
        console.info(f"Unable to connect to database. Retrying {attempt}")
        hands.pause(RETRY_SECONDS)
    raise Failed("Unable to connect to database and start transaction")


def _targets(options: Options, hands: FilerepHands, console: Console, facts: Facts) -> list[Target]:
    if options.config_file is not None:
        try:
            text = hands.read(options.config_file)
        except FileNotFoundError:
            raise Failed(f"[Errno 2] No such file or directory: '{options.config_file}'") from None
        lines = read(text, options.config_file, facts.release)
        for line in lines:
            if line.new and not _known(facts, line.new[0]):
                console.warning(f"Failed to resolve hostname for {line.new[0]}")
                raise Failed(f"Unable to find host name for address {line.new[0]} from line:{line.text}")
        return from_lines(facts, lines, chosen_copy(options))
    if options.new_hosts is not None:
        targets = to_new_hosts(facts, pool_hosts(options.new_hosts), hands)
        for host, _ in _interfaces(targets):
            console.warning(f"Failed to resolve hostname for {host}")
        for target in targets:
            if not reachable(facts, target.place.hostname):
                raise Failed(f"Ping of host {target.place.hostname} failed.")
        return targets
    return in_place(facts, chosen_copy(options))


def _known(facts: Facts, host: str) -> bool:
    return any(h.name == host for h in facts.hosts)


def _interfaces(targets: Sequence[Target]) -> list[tuple[str, str]]:
    """What -p makes of addresses that end in -N: the same ending at the new host, which hardly ever resolves."""
    return [
        (f"{t.place.hostname}-{t.failed.address.rpartition('-')[2]}", t.place.hostname)
        for t in targets
        if "-" in t.failed.address
    ]


def _lookup_warnings(options: Options, targets: Sequence[Target]) -> list[str]:
    if options.new_hosts is None:
        return []
    return [
        f"Lookup of {interface} failed.  Using {host} for both hostname and address."
        for interface, host in _interfaces(targets)
    ]


def _recover(hands: FilerepHands, console: Console, facts: Facts, targets: Sequence[Target]) -> None:
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
    _await_down(hands, up)
    console.say("\n")
    console.info(f"{len(up)} of {len(up)} segments have been marked down.")


def _await_down(hands: FilerepHands, segments: Sequence[SegmentFacts]) -> None:
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


def _rebalance(options: Options, hands: FilerepHands, console: Console, facts: Facts) -> int:
    """T30: refused while anything is down or out of step; it puts the pairs through a resynchronization again."""
    if any(s.status is Status.DOWN for s in facts.data_segments):
        raise Failed("Down segments still exist.  All segments must be up to rebalance.")
    if any(s.mode is not Mode.SYNCHRONIZED for s in facts.data_segments):
        raise Failed("Some segments are not yet synchronized.  All segments must be synchronized to rebalance.")
    if not unbalanced(facts):
        console.info("No segments are running in their non-preferred role and need to be rebalanced.")
        return 0
    say_rebalance_parameters(console, facts)
    if not options.yes:
        console.warning("This operation will cancel queries that are currently executing.")
        console.warning("Connections to the database however will not be interrupted.")
        ask(console, "Continue with segment rebalance procedure", hands.reply)
    console.info("Getting unbalanced segments")
    console.info("Stopping unbalanced primary segments...")
    primaries = [s for s in unbalanced(facts) if s.role is Role.PRIMARY]
    hands.stop(primaries)
    console.info("Triggering segment reconfiguration")
    _await_down(hands, primaries)
    console.info("Starting segment synchronization")
    hands.start_resynchronization(in_place(hands.facts(), Copy.INCREMENTAL))
    console.info(STARS)
    console.info("The rebalance operation has completed successfully.")
    console.info("There is a resynchronization running in the background to bring all")
    console.info("segments in sync.")
    console.info("")
    console.info("Use gpstate -e to check the resynchronization progress.")
    console.info(STARS)
    return 0
