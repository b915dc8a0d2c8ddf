"""Ways of recovery that are ruled out for a mirror: what has failed is not tried again, what is gone is not rewound.

Told by what earlier runs of gprecoverseg and the mirrors' logs have said, whoever comes later: a run that was
suspended, and the next one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Generation, Segment
from gpmedic.errors import UnreadableOutput
from gpmedic.full_copy import still_tracked
from gpmedic.gprecoverseg import Instance, Outcome, RecoverReport, RecoveryType, parse
from gpmedic.known_causes import Told
from gpmedic.recovery_config import Dialect
from gpmedic.repeated_failures import marked_up

_LESSER: Final = frozenset({RecoveryType.INCREMENTAL, RecoveryType.DIFFERENTIAL})
# What a failure of each type says of the target: after a copy that broke off nothing in it can be built upon.
RULES_OUT: Final[Mapping[RecoveryType, frozenset[RecoveryType]]] = MappingProxyType(
    {
        RecoveryType.INCREMENTAL: frozenset({RecoveryType.INCREMENTAL}),
        RecoveryType.DIFFERENTIAL: _LESSER,
        RecoveryType.FULL: _LESSER,
    }
)
_BEGUN: Final = "Initiating segment recovery."


@dataclass(frozen=True, slots=True)
class RuledOut:
    """What will not bring the mirror `dbid` back, and why."""

    dbid: int
    kinds: frozenset[RecoveryType]
    why: str


def by_run(output: str, cluster: Cluster) -> tuple[RuledOut, ...]:
    """What a run of gprecoverseg that is over says of the mirrors that are down now.

    Args:
        output: all of it; where it cannot be read it proves nothing.
    """
    try:
        report = parse(output)
    except UnreadableOutput:
        return ()
    down = [p.mirror for p in cluster.pairs if p.mirror is not None and not p.mirror.is_up]
    return merged(_by_report(report, output, cluster, down))


def _by_report(report: RecoverReport, output: str, cluster: Cluster, down: Sequence[Segment]) -> Iterator[RuledOut]:
    types = {m.dbid: p.type for p in report.parameters for m in down if p.target is None and _is(p.failed, m)}
    for failed in report.failed:
        for mirror in (m for m in down if (failed.host, failed.port) in _places(m)):
            if failed.type is not None:  # else it was copied, and did not start
                yield _ruled_out(mirror, failed.type, f"has failed ({report.outcome.value})")
    for dbid in still_tracked(report, cluster):
        if dbid in types:
            yield _ruled_out(cluster.segment(dbid), types[dbid], "left its primary in change tracking")
    if report.outcome is Outcome.UNFINISHED and _BEGUN in output:
        for mirror in (m for m in down if m.dbid in types):
            yield _ruled_out(mirror, types[mirror.dbid], "was cut off, after which its copy cannot be trusted")


def _ruled_out(mirror: Segment, kind: RecoveryType, what: str) -> RuledOut:
    return RuledOut(mirror.dbid, RULES_OUT[kind], f"the {kind.value} recovery of dbid {mirror.dbid} {what}")


def _is(instance: Instance, segment: Segment) -> bool:
    return (instance.host, instance.port) in _places(segment) and instance.directory == segment.datadir


def _places(segment: Segment) -> set[tuple[str, int]]:
    return {(segment.hostname, segment.port), (segment.address, segment.port)}


def uncleared(
    found: Iterable[RuledOut], since: Iterable[tuple[int, str]], generation: Generation
) -> tuple[RuledOut, ...]:
    """Those of a run whose mirror has not been up since: what failed then says nothing of what has failed later.

    Args:
        since: dbid and description of the lines of gp_configuration_history since the run's end.
    """
    # After a failed run of 6 and 7 FTS marks down what gprecoverseg had called up: only 4.3 shows a new failure so.
    cleared = set()
    for dbid, description in since:
        up = marked_up(description)
        if up or (up is False and generation is Generation.FILEREP):
            cleared.add(dbid)
    return tuple(r for r in found if r.dbid not in cleared)


def by_checks(checks: Sequence[Check]) -> tuple[RuledOut, ...]:
    """The mirrors whose data directory holds nothing that could be recovered."""
    gone = [(c.lost, c.detail) for c in checks if c.verdict is Verdict.FAIL and c.lost is not None]
    return tuple(RuledOut(dbid, _LESSER, why) for dbid, why in gone)


def by_logs(told: Iterable[tuple[Segment, Told]], kind: RecoveryType) -> tuple[RuledOut, ...]:
    """The mirrors whose logs name a cause that a recovery of this kind does not remove."""
    return tuple(
        RuledOut(s.dbid, cause.rules_out, f"of dbid {s.dbid}: {cause.meaning} (its log: {one.line})")
        for s, one in told
        if kind in (cause := one.cause).rules_out
    )


def still_runs(checks: Sequence[Check]) -> bool:
    """Whether a mirror runs that is to be recovered: then no recovery is begun of those that are down."""
    return any(c.name is CheckName.POSTMASTER and c.verdict is Verdict.FAIL for c in checks)


def merged(found: Iterable[RuledOut]) -> tuple[RuledOut, ...]:
    """One for each mirror, with every reason."""
    by_dbid: dict[int, RuledOut] = {}
    for one in found:
        known = by_dbid.get(one.dbid, RuledOut(one.dbid, frozenset(), ""))
        reasons = dict.fromkeys(filter(None, (known.why, one.why)))
        by_dbid[one.dbid] = RuledOut(one.dbid, known.kinds | one.kinds, "; ".join(reasons))
    return tuple(by_dbid[dbid] for dbid in sorted(by_dbid))


def next_kind(
    found: Sequence[RuledOut], cluster: Cluster, capabilities: Capabilities
) -> tuple[RecoveryType, tuple[RuledOut, ...]] | None:
    """The next recovery to propose and of which mirrors; None where nothing is ruled out for any that is down.

    Full copies come first. A `gprecoverseg` that knows no types in a file takes with --differential everything that is
    down: there it is proposed only where that is nothing else.
    """
    down = {p.mirror.dbid for p in cluster.pairs if p.mirror is not None and not p.mirror.is_up}
    open_ = [r for r in found if r.dbid in down]
    differential = [r for r in open_ if RecoveryType.DIFFERENTIAL not in r.kinds]
    scoped = Dialect.of_version(cluster.version) is Dialect.TYPED or {r.dbid for r in differential} == down
    if not (capabilities.has_differential_recovery and scoped):
        differential = []
    full = [r for r in open_ if r not in differential]
    chosen = (RecoveryType.FULL, full) if full else (RecoveryType.DIFFERENTIAL, differential)
    return (chosen[0], tuple(chosen[1])) if chosen[1] else None
