"""From a snapshot of the catalog and direct probes to what is wrong: a pure judgement, decided by tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Generation, Replication, SegmentPair
from gpmedic.conditions import CONDITIONS, Condition, ConditionFacts, Scenario, Severity
from gpmedic.errors import BeingRestarted
from gpmedic.pair_states import LEGAL_MIRRORLESS_MODES, LEGAL_PAIR_STATES, PairState, pair_state
from gpmedic.probe import Probe, ProbeState, answer

__all__ = [
    "CONDITIONS",
    "LEGAL_MIRRORLESS_MODES",
    "LEGAL_PAIR_STATES",
    "Condition",
    "ConditionFacts",
    "Diagnosis",
    "Finding",
    "PairState",
    "Probe",
    "ProbeState",
    "Scenario",
    "Severity",
    "coordinator_unreachable",
    "diagnose",
    "pair_state",
    "standby_fault",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition and where it holds.

    Attributes:
        contents: the contents concerned, in order.
        dbids: the instances concerned: those down, not answering, catching up or switched.
        detail: one line, what was seen.
    """

    condition: Condition
    contents: tuple[int, ...]
    dbids: tuple[int, ...]
    detail: str

    @property
    def facts(self) -> ConditionFacts:
        return CONDITIONS[self.condition]

    @property
    def sentence(self) -> str:
        """What it is and what was seen; a detail that an error told has its full stop already."""
        return f"{self.facts.title}: {self.detail}" + ("" if self.detail.endswith((".", "!", "?")) else ".")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was seen and what it means.

    Attributes:
        cluster_name: what gpmedic calls the cluster.
        cluster: the snapshot; None only where the coordinator could not be asked.
        findings: the worst first; empty when healthy.
    """

    cluster_name: str
    cluster: Cluster | None
    probes: tuple[Probe, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.findings

    @property
    def scenario(self) -> Scenario:
        """The runbook's page of the worst finding."""
        return self.findings[0].facts.scenario if self.findings else Scenario.NONE

    def having(self, condition: Condition) -> Finding | None:
        return next((f for f in self.findings if f.condition is condition), None)


def diagnose(cluster: Cluster, probes: Sequence[Probe]) -> Diagnosis:
    """What is wrong with the cluster, the worst first.

    Args:
        probes: one for every acting primary, and those of mirrors that were made.
    """
    by_dbid = {p.dbid: p for p in probes}
    notes = [_Note(Condition.UNKNOWN_STATE, c, _dbids(cluster, c), _rows(cluster, c)) for c in cluster.odd_contents]
    streams = _by_content(cluster.replication)
    for pair in cluster.pairs:
        notes += _judge_pair(pair, cluster, by_dbid, streams)
    notes += _judge_view(cluster, by_dbid)
    notes += _judge_standby(cluster)
    return Diagnosis(cluster.name, cluster, tuple(probes), tuple(_findings(notes)))


def standby_fault(cluster: Cluster) -> str | None:
    """What is wrong with the standby coordinator; None where it follows, or where there is none.

    A dead standby is not in the catalog (T24) and the mode of content -1 means nothing (T16): only its stream tells.
    """
    standby = cluster.standby
    if standby is None:
        return None
    if not standby.is_up:
        return f"{standby} is marked down"
    if cluster.standby_look is not None:
        return None if cluster.standby_look.follows else f"{standby}: {cluster.standby_look.detail}"
    if cluster.replication is None:  # unknown is no fault
        return None
    follows = any(r.content == COORDINATOR_CONTENT and r.is_mirror for r in cluster.replication)
    return None if follows else f"no stream from the coordinator to {standby}"


def coordinator_unreachable(name: str, error: Exception) -> Diagnosis:
    """The diagnosis of a cluster whose coordinator cannot be asked."""
    restarts = isinstance(error, BeingRestarted)
    condition = Condition.COORDINATOR_RESTARTING if restarts else Condition.COORDINATOR_UNREACHABLE
    finding = Finding(condition, (COORDINATOR_CONTENT,), (), str(error))
    return Diagnosis(name, None, (), (finding,))


@dataclass(frozen=True, slots=True)
class _Note:
    """A condition at one content."""

    condition: Condition
    content: int
    dbids: tuple[int, ...]
    detail: str


_Streams = Mapping[int, Sequence[Replication]]


def _judge_pair(
    pair: SegmentPair, cluster: Cluster, probes: Mapping[int, Probe], streams: _Streams | None
) -> Iterator[_Note]:
    state = pair_state(pair, cluster.version.generation)
    primary, mirror = pair.primary, pair.mirror
    probe = probes.get(primary.dbid)
    if state is PairState.UNKNOWN:
        detail = _rows(cluster, pair.content) + (f"; {answer(primary, probe)}" if probe else "")
        yield _Note(Condition.UNKNOWN_STATE, pair.content, _dbids(cluster, pair.content), detail)
        return
    if probe is None:
        yield _Note(Condition.NOT_PROBED, pair.content, (primary.dbid,), f"{primary} was not probed")
    elif probe.state is ProbeState.STARTING:
        yield _Note(Condition.PRIMARY_STARTING, pair.content, (primary.dbid,), answer(primary, probe))
    elif probe.state in (ProbeState.NOT_ADMITTED, ProbeState.UNKNOWN):  # whether it serves is not known
        yield _Note(Condition.NOT_PROBED, pair.content, (primary.dbid,), answer(primary, probe))
    elif not probe.state.alive:
        yield from _judge_silent_primary(pair, state, probe, probes)
        return
    if mirror is None:
        return
    if state is PairState.MIRROR_DOWN:
        condition = Condition.MIRROR_DOWN if pair.balanced else Condition.FAILED_OVER
        detail = f"{mirror} is down, {primary} serves alone"
        yield _Note(condition, pair.content, (mirror.dbid,), detail)
        return
    if state is PairState.RESYNCHRONIZING:
        yield _Note(Condition.RESYNCHRONIZING, pair.content, (mirror.dbid,), f"{mirror} catches up with {primary}")
    if not pair.balanced:
        detail = f"{primary} serves as primary, {mirror} as its mirror"
        yield _Note(Condition.ROLES_SWITCHED, pair.content, (primary.dbid, mirror.dbid), detail)
    if streams is not None and not _has_stream(streams.get(pair.content, ()), state):
        detail = f"no stream from {primary} to {mirror}"
        yield _Note(Condition.REPLICATION_MISSING, pair.content, (mirror.dbid,), detail)


def _judge_silent_primary(
    pair: SegmentPair, state: PairState, probe: Probe, probes: Mapping[int, Probe]
) -> Iterator[_Note]:
    primary, mirror = pair.primary, pair.mirror
    said = answer(primary, probe)
    if probe.state is ProbeState.HOST_UNREACHABLE:
        yield _Note(Condition.HOST_UNREACHABLE, pair.content, (primary.dbid,), f"{primary.hostname}: {said}")
    if mirror is None:
        condition = Condition.PRIMARY_HANGS if probe.hangs else Condition.MIRRORLESS_PRIMARY_DOWN
        yield _Note(condition, pair.content, (primary.dbid,), said)
        return
    mirror_probe = probes.get(mirror.dbid)
    both = (primary.dbid, mirror.dbid)
    # The answer to a double fault is a restart of the whole database: not for a primary that is merely slow.
    fault = Condition.PRIMARY_HANGS if probe.hangs else Condition.DOUBLE_FAULT
    if state is not PairState.SYNCHRONIZED:  # FTS promotes only a mirror that was in sync
        why = "is down" if not mirror.is_up else "is not in sync"
        yield _Note(fault, pair.content, both, f"{said}; its mirror {mirror} {why}")
    elif mirror_probe is not None and not mirror_probe.state.alive:
        yield _Note(fault, pair.content, both, f"{said}; {answer(mirror, mirror_probe)}")
    else:
        yield _Note(Condition.FAILOVER_PENDING, pair.content, (primary.dbid,), f"{said}; the catalog says up")


def _judge_view(cluster: Cluster, probes: Mapping[int, Probe]) -> Iterator[_Note]:
    """The view fails as a whole while a primary is dead (T5), which is found then; else nothing explains it."""
    if cluster.version.generation is not Generation.WAL or cluster.replication is not None or not cluster.mirrored:
        return
    answering = {p.dbid for p in probes.values() if p.state is ProbeState.ANSWERS}
    if all(s.dbid in answering for s in cluster.acting_primaries):
        yield _Note(Condition.REPLICATION_UNKNOWN, COORDINATOR_CONTENT, (), "gp_stat_replication could not be read")


def _judge_standby(cluster: Cluster) -> Iterator[_Note]:
    fault = standby_fault(cluster)
    if fault is not None and cluster.standby is not None:
        yield _Note(Condition.STANDBY_DOWN, COORDINATOR_CONTENT, (cluster.standby.dbid,), fault)


def _by_content(replication: Sequence[Replication] | None) -> _Streams | None:
    if replication is None:
        return None
    streams: defaultdict[int, list[Replication]] = defaultdict(list)
    for row in replication:
        streams[row.content].append(row)
    return streams


def _has_stream(own: Sequence[Replication], state: PairState) -> bool:
    # While a full copy runs, pg_basebackup's stream stands for the mirror's.
    return any(r.is_mirror or state is PairState.RESYNCHRONIZING for r in own)


def _findings(notes: Sequence[_Note]) -> Iterator[Finding]:
    for condition in CONDITIONS:
        own = sorted((n for n in notes if n.condition is condition), key=lambda n: n.content)
        if own:
            contents = tuple(dict.fromkeys(n.content for n in own))
            dbids = tuple(dict.fromkeys(d for n in own for d in n.dbids))
            yield Finding(condition, contents, dbids, "; ".join(f"content {n.content}: {n.detail}" for n in own))


def _dbids(cluster: Cluster, content: int) -> tuple[int, ...]:
    return tuple(sorted(s.dbid for s in cluster.segments if s.content == content))


def _rows(cluster: Cluster, content: int) -> str:
    rows = sorted((s for s in cluster.segments if s.content == content), key=lambda s: s.dbid)
    return ", ".join(
        f"dbid {s.dbid} role {s.role} preferred {s.preferred_role} mode {s.mode} status {s.status}" for s in rows
    )
