"""gprecoverseg of 4.3: what it does and says, in its order, as recorded from 4.3.99.

It neither looks which hosts answer nor asks pg_controldata; its success means that resynchronization goes on (T33).
"""

from collections.abc import Sequence

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Answer, Facts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_config import read, sample
from gpmedic.practice.utilities.gprecoverseg_filerep_recovery import await_down, recover
from gpmedic.practice.utilities.gprecoverseg_hands import FilerepHands
from gpmedic.practice.utilities.gprecoverseg_options import Options
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Copy,
    Failed,
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
    recover(hands, console, facts, targets)
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
    await_down(hands, primaries)
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
