"""What gprecoverseg says about what it is going to do, and how it asks."""

from collections.abc import Callable, Sequence

from gpmedic.cluster import Role
from gpmedic.practice.facts import Facts, Release, SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_options import Options
from gpmedic.practice.utilities.gprecoverseg_targets import (
    Copy,
    Failed,
    Target,
    in_pair_order,
    reachable,
    unreachable_hosts,
)

RULER = "-" * 57
LONG_RULER = "-" * 58
STARS = "*" * 66
ROLES = {Role.PRIMARY: "Primary", Role.MIRROR: "Mirror"}


class Declined(Exception):
    """The person said no at a prompt: code 4."""


def coordinator(release: Release) -> str:
    """What the coordinator is called."""
    return "coordinator" if release is Release.V7 else "master"


def refused_connection(host: str, port: int) -> str:
    """What libpq says when nobody listens."""
    return (
        "could not connect to server: Connection refused\n"
        f"\tIs the server running on host {host} and accepting\n"
        f"\tTCP/IP connections on port {port}?\n"
    )


def chosen_copy(options: Options) -> Copy:
    """What the command line asks for."""
    if options.full:
        return Copy.FULL
    return Copy.DIFFERENTIAL if options.differential else Copy.INCREMENTAL


def unbalanced(facts: Facts) -> list[SegmentFacts]:
    """Segments that are not in their preferred role, in the order in which they are listed."""
    return [s for s in in_pair_order(facts) if not s.in_preferred_role]


def say_unreachable(console: Console, facts: Facts, hosts: Sequence[str]) -> None:
    """The warnings about hosts that ssh does not reach (T2); nothing where there are none."""
    away = unreachable_hosts(facts, hosts)
    if away:
        console.warning("One or more hosts are not reachable via SSH.  Any segments on those hosts will be marked down")
    for host in away:
        console.warning(f"Host {host} is unreachable")


def say_left_out(console: Console, facts: Facts) -> None:
    """A warning for each segment on a host that ssh does not reach."""
    for segment in in_pair_order(facts):
        if not reachable(facts, segment.hostname):
            console.warning(f"Not recovering segment {segment.dbid} because {segment.hostname} is unreachable")


def say_parameters(console: Console, options: Options, targets: Sequence[Target]) -> None:
    """The recoveries as a table each."""
    console.info("Greenplum instance recovery parameters")
    console.info(RULER)
    if options.config_file is not None:
        console.info("Recovery from configuration -i option supplied")
    elif options.new_hosts is not None:
        console.info("Recovery type              = Pool Host")
        for host in pool_hosts(options.new_hosts):
            console.info(f"Pool host for recovery     = {host}")
    else:
        console.info("Recovery type              = Standard")
    for number, target in enumerate(targets, 1):
        _heading(console, f"Recovery {number} of {len(targets)}")
        console.table(
            (
                ("Synchronization mode", f"= {target.copy.capitalize()}"),
                *_segment_rows("Failed", target.failed),
                *_segment_rows("Recovery Source", target.live),
                *(
                    _segment_rows("Recovery Target", target.failover)
                    if target.failover
                    else [("Recovery Target", "= in-place")]
                ),
            )
        )
    console.info(RULER)


def say_rebalance_parameters(console: Console, facts: Facts) -> None:
    """The segments that are not in their preferred roles as a table each."""
    console.info("Greenplum instance recovery parameters")
    console.info(RULER)
    console.info("Recovery type              = Rebalance")
    segments = unbalanced(facts)
    for number, segment in enumerate(segments, 1):
        _heading(console, f"Unbalanced segment {number} of {len(segments)}")
        console.table(
            (
                *_segment_rows("Unbalanced", segment),
                ("Balanced role", f"= {ROLES[segment.preferred_role]}"),
                ("Current role", f"= {ROLES[segment.role]}"),
            )
        )
    console.info(RULER)


def _heading(console: Console, text: str) -> None:
    console.info(RULER)
    console.info(text)
    console.info(RULER)


def _segment_rows(kind: str, segment: SegmentFacts) -> list[tuple[str, str]]:
    rows = [
        (f"{kind} instance host", f"= {segment.hostname}"),
        (f"{kind} instance address", f"= {segment.address}"),
        (f"{kind} instance directory", f"= {segment.datadir}"),
        (f"{kind} instance port", f"= {segment.port}"),
    ]
    if segment.replication_port is not None:
        rows.append((f"{kind} instance replication port", f"= {segment.replication_port}"))
    return rows


def pool_hosts(text: str) -> list[str]:
    """The hosts of -p, each once."""
    return list(dict.fromkeys(host.strip() for host in text.split(",")))


def same_host_warnings(targets: Sequence[Target]) -> list[str]:
    """T20: a mirror beside its primary is warned of, not refused."""
    return [
        "Segment is being recovered to the same host as its primary: "
        f"primary {t.live.address}:{t.live.datadir}    failover target: {t.failover.address}:{t.failover.datadir}"
        for t in targets
        if t.failover and t.failover.hostname == t.live.hostname
    ]


def ask(console: Console, question: str, reply: Callable[[], str | None]) -> None:
    """Ask until the answer is yes or no; an empty one is no.

    Raises:
        Declined: the answer was no.
        Failed: stdin ended.
    """
    while True:
        console.say(f"\n{question} Yy|Nn (default=N):\n> ")
        answer = reply()
        if answer is None:
            raise Failed("EOF when reading a line")
        word = answer.strip().upper()
        if word in ("Y", "YES"):
            return
        if word in ("", "N", "NO"):
            raise Declined
        console.say(f"Invalid input: '{answer}'\n\n")
