"""gprecoverseg of 6 and 7: what it does and says, in its order.

6.24.3 as recorded; 7 is derived from 6 (the coordinator's new name, standby.signal, --differential), not recorded.
"""

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Answer, Facts, Release, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_config import read, sample
from gpmedic.practice.utilities.gprecoverseg_hands import Hands
from gpmedic.practice.utilities.gprecoverseg_options import Options
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Failed,
    Refused,
    Target,
    UsageFault,
    check_conflicts,
    from_lines,
    in_place,
    reachable,
    to_new_hosts,
    unreachable_hosts,
)
from gpmedic.practice.utilities.gprecoverseg_text import (
    STARS,
    ask,
    chosen_copy,
    coordinator,
    pool_hosts,
    refused_connection,
    same_host_warnings,
    say_left_out,
    say_parameters,
    say_rebalance_parameters,
    say_unreachable,
    unbalanced,
)
from gpmedic.practice.utilities.gprecoverseg_wal_recovery import allow_replication, compare_checksums, recover

SHORT_STARS = "*" * 32
PROMOTION_DEADLINE = 600  # seconds


def run(options: Options, hands: Hands, console: Console) -> int:
    """The exit code of one run whose lock is already held.

    Raises:
        Failed, Refused, Declined: what the caller words and turns into 2, 2 and 4.
    """
    facts = _connect(options, hands, console)
    if not facts.mirrored:
        raise Refused("GPDB Mirroring replication is not configured for this Greenplum Database instance.")
    say_unreachable(console, facts, [s.hostname for s in facts.segments if s.dbid != facts.coordinator.dbid])
    say_left_out(console, facts)
    if options.rebalance and options.output_file is None:
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
    compare_checksums(hands, console, facts, targets)
    say_parameters(console, options, targets)
    for warning in same_host_warnings(targets):
        console.warning(warning)
    if not options.yes:
        ask(console, "Continue with segment recovery procedure", hands.reply)
    allow_replication(hands, console, facts, targets)
    if not recover(options, hands, console, facts, targets):
        console.error("gprecoverseg failed. Please check the output for more details.")
        return 1
    console.info(SHORT_STARS)
    console.info("Segments successfully recovered.")
    console.info(SHORT_STARS)
    console.info("Recovered mirror segments need to sync WAL with primary segments.")
    console.info("Use 'gpstate -e' to check progress of WAL sync remaining bytes")
    return 0


def _connect(options: Options, hands: Hands, console: Console) -> Facts:
    """The catalog, through a session that the coordinator opens to every acting primary."""
    if not hands.has_file(f"{hands.data_directory}/postgresql.conf"):
        raise Failed(f"[Errno 2] No such file or directory: '{hands.data_directory}/postgresql.conf'")
    facts = hands.facts()
    name = coordinator(facts.release)
    console.info(f"local Greenplum Version: '{facts.utility_version}'")
    if not facts.database_up:
        raise Failed(refused_connection('"localhost" (127.0.0.1)', facts.coordinator.port))
    console.info(f"{name} Greenplum Version: '{facts.server_version}'")
    _check_arguments(options, facts.release)
    console.info(f"Obtaining Segment details from {name}...")
    if _silent_primary(facts) is not None:
        hands.probe()  # as the coordinator does when a primary does not answer: FTS may have a mirror to promote
        facts = hands.facts()
    silent = _silent_primary(facts)
    if silent is not None:
        where = refused_connection(f'"{silent.address}"', silent.port)
        raise Failed(
            "error 'ERROR:  failed to acquire resources on one or more segments\n"
            f"DETAIL:  {where} (seg{silent.content} {silent.address}:{silent.port})\n"
            "' in 'SET CLIENT_MIN_MESSAGES='ERROR''"
        )
    return facts


def _check_arguments(options: Options, release: Release) -> None:
    places = (options.new_hosts is not None, options.config_file is not None, options.rebalance, options.differential)
    if sum(places) > 1:
        which = "-i, -p, -r and --differential" if release is Release.V7 else "-i, -p, and -r"
        raise UsageFault(f"Only one of {which} may be specified")
    if options.full and options.differential:
        raise UsageFault("Only one of -F and --differential may be specified")


def _silent_primary(facts: Facts) -> SegmentFacts | None:
    """An acting primary that accepts no session (T5): then nothing at all can be done."""
    return next((s for s in facts.data_segments if s.role is Role.PRIMARY and s.answer is not Answer.ACCEPTS), None)


def _targets(options: Options, hands: Hands, console: Console, facts: Facts) -> list[Target]:
    if options.config_file is not None:
        try:
            text = hands.read(options.config_file)
        except FileNotFoundError:
            raise Failed(f"[Errno 2] No such file or directory: '{options.config_file}'") from None
        targets = from_lines(facts, read(text, options.config_file, facts.release), chosen_copy(options))
    elif options.new_hosts is not None:
        hosts = pool_hosts(options.new_hosts)
        targets = to_new_hosts(facts, hosts, hands)
        wanted = hosts[: len({t.failed.hostname for t in targets})]
        say_unreachable(console, facts, wanted)
        away = unreachable_hosts(facts, wanted)
        if away:
            raise Refused(f"Cannot recover. The following recovery target hosts are unreachable: {away}")
    else:
        targets = in_place(facts, chosen_copy(options))
    return _without_running_copies(console, facts, targets)


def _without_running_copies(console: Console, facts: Facts, targets: list[Target]) -> list[Target]:
    copying = {row.content for row in facts.replication if row.application_name == "pg_basebackup"}
    busy = [t.failed.content for t in targets if t.failed.content in copying]
    if busy:
        console.warning(
            f"Found pg_basebackup running for segments with contentIds {busy}, skipping recovery of these segments"
        )
    return [t for t in targets if t.failed.content not in busy]


def _rebalance(options: Options, hands: Hands, console: Console, facts: Facts) -> int:
    if not unbalanced(facts):
        console.info("No segments are running in their non-preferred role and need to be rebalanced.")
        return 0
    say_rebalance_parameters(console, facts)
    if not options.yes:
        console.warning("This operation will cancel queries that are currently executing.")
        console.warning("Connections to the database however will not be interrupted.")
        ask(console, "Continue with segment rebalance procedure", hands.reply)
    console.info("Determining primary and mirror segment pairs to rebalance")
    primaries = _primaries_to_stop(console, facts)
    if primaries:
        console.info("Stopping unbalanced primary segments...")
        hands.stop(primaries)
        console.info("Triggering segment reconfiguration")
        _await_promotion(hands)
        console.info("Starting segment synchronization")
        _recover_after_rebalance(options, hands, console)
    else:
        console.info("No segments to rebalance")
    console.info(STARS)
    console.info("The rebalance operation has completed successfully.")
    console.info(STARS)
    return 0


def _primaries_to_stop(console: Console, facts: Facts) -> list[SegmentFacts]:
    """The acting primaries of the pairs that can be turned round; the others are only warned of (T3)."""
    primaries = []
    for primary in (s for s in unbalanced(facts) if s.role is Role.PRIMARY):
        mirror = facts.peer(primary)
        if mirror is None:
            continue
        pair = (primary, mirror)
        fit = all(s.status is Status.UP and s.mode is Mode.SYNCHRONIZED for s in pair)
        if fit and all(reachable(facts, s.hostname) for s in pair):
            primaries.append(primary)
        else:
            console.warning(
                f"Not rebalancing primary segment dbid {primary.dbid} with its mirror dbid {mirror.dbid} "
                "because one is either down, unreachable, or not synchronized"
            )
    return primaries


def _await_promotion(hands: Hands) -> None:
    for _ in range(PROMOTION_DEADLINE * 5):
        hands.probe()
        if _silent_primary(hands.facts()) is None:
            return
        hands.pause(0.2)
    raise Failed(f"Mirror promotion did not complete in {PROMOTION_DEADLINE} seconds.")


def _recover_after_rebalance(options: Options, hands: Hands, console: Console) -> None:
    """T4: an unscoped `gprecoverseg -a`, which recovers whatever else is down."""
    console.info("=============================START ANOTHER RECOVER=========================================")
    try:
        inner = Options(args="", yes=True, no_progress=options.no_progress, data_directory=options.data_directory)
        code = run(inner, hands, console)
        if code:
            console.error("Failed to start the synchronization step of the segment rebalance.")
            console.error("Check the gprecoverseg log file, correct any problems, and re-run")
            console.error(f"gprecoverseg -a -B {options.hosts or 16} -b {options.per_host or 64}")
            raise Failed(f"Error synchronizing.\nError: {code}")
    finally:
        console.info("==============================END ANOTHER RECOVER==========================================")
