"""The proof that a cluster is healthy: state only, never an exit code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Generation
from gpmedic.diagnosis import standby_fault
from gpmedic.gpstate import ErrorReport, Report, StatusReport, argv
from gpmedic.host_facts import HostFacts
from gpmedic.pair_states import PairState, pair_state

_NO_MIRRORS: Final = "the cluster has no mirrors"
_EQUAL: Final = frozenset({PairState.SYNCHRONIZED, PairState.MIRRORLESS})


class ProofName(StrEnum):
    NO_ROW_DOWN = "no row down"
    ROLES_PREFERRED = "every role preferred"
    PAIRS_SYNCHRONIZED = "every pair synchronized"
    REPLICATION = "a replication row for each pair"
    MIRRORS_RUN = "every mirror runs"
    STANDBY = "the standby coordinator follows"
    GPSTATE = "gpstate says all normal"
    EVERY_CONTENT_ANSWERS = "every content answers a query"


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof; where it does not apply it stands against nothing, and holds."""

    name: ProofName
    holds: bool
    detail: str
    applies: bool = True

    @property
    def answer(self) -> str:
        """yes, NO or not applicable."""
        if not self.holds:
            return "NO"
        return "yes" if self.applies else "not applicable"


def gpstate_report(cluster: Cluster) -> Report:
    """The report that proves something: of a cluster without mirrors, `gpstate -e` says only that it has none."""
    return Report.ERRORS if any(p.mirror is not None for p in cluster.pairs) else Report.STATUS


def prove(
    cluster: Cluster,
    report: ErrorReport | StatusReport | None,
    liveness_rows: Iterable[Mapping[str, object]],
    hosts: Sequence[HostFacts] = (),
) -> tuple[Proof, ...]:
    """The proof set, in one order always.

    Args:
        report: the parsed report that `gpstate_report` names; None where it could not be read, which proves nothing.
        liveness_rows: the answer to catalog.LIVENESS_SQL; empty where the query failed.
        hosts: their facts, where mirrors replicate by files; elsewhere nobody need look.
    """
    return (
        _no_row_down(cluster),
        _roles_preferred(cluster),
        _pairs_synchronized(cluster),
        _replication(cluster),
        _mirrors_run(cluster, hosts),
        standby_proof(cluster),
        _gpstate(cluster, report),
        _every_content_answers(cluster, liveness_rows),
    )


def proven(proofs: Sequence[Proof]) -> bool:
    """Whether there are proofs and all of them hold."""
    return bool(proofs) and all(p.holds for p in proofs)


def unproven_action(proofs: Sequence[Proof], cluster_name: str) -> str:
    """What to do about a cluster that was acted on and is not proven healthy."""
    missing = "; ".join(f"{p.name.value}: {p.detail}" for p in proofs if not p.holds)
    what = f"Put right what does not hold ({missing})" if missing else "Look at the cluster with gpstate -e and -f"
    return f"{what}, then run the flow recover on {cluster_name} again: it begins by observing."


def _no_row_down(cluster: Cluster) -> Proof:
    down = [str(s) for s in cluster.segments if not s.is_up]
    return _proof(ProofName.NO_ROW_DOWN, down, f"{len(cluster.segments)} rows, every one up", "down: ")


def _roles_preferred(cluster: Cluster) -> Proof:
    switched = [str(s) for s in cluster.segments if not s.in_preferred_role]
    return _proof(ProofName.ROLES_PREFERRED, switched, "every role is the preferred one", "not in the preferred role: ")


def _pairs_synchronized(cluster: Cluster) -> Proof:
    wrong = [f"content {p.content}" for p in cluster.pairs if pair_state(p, cluster.version.generation) not in _EQUAL]
    wrong += [f"content {c} (no pair)" for c in cluster.odd_contents]
    mirrored = sum(1 for p in cluster.pairs if p.mirror is not None)
    if not mirrored and not wrong:
        return Proof(ProofName.PAIRS_SYNCHRONIZED, True, _NO_MIRRORS, applies=False)
    return _proof(ProofName.PAIRS_SYNCHRONIZED, wrong, f"{mirrored} pairs synchronized", "not synchronized: ")


def _replication(cluster: Cluster) -> Proof:
    wanted = [p.content for p in cluster.pairs if p.mirror is not None]
    if cluster.version.generation is Generation.FILEREP:
        return Proof(ProofName.REPLICATION, True, "it replicates by files and has no such rows", applies=False)
    if not wanted:
        return Proof(ProofName.REPLICATION, True, _NO_MIRRORS, applies=False)
    if cluster.replication is None:
        return Proof(ProofName.REPLICATION, False, "gp_stat_replication could not be read")
    streams = {r.content for r in cluster.replication if r.is_mirror and r.state == "streaming"}
    missing = [f"content {c}" for c in wanted if c not in streams]
    return _proof(ProofName.REPLICATION, missing, f"{len(wanted)} mirrors are streaming", "no streaming mirror: ")


def _mirrors_run(cluster: Cluster, hosts: Sequence[HostFacts]) -> Proof:
    """Mirrors that replicate by files answer nobody, and FTS notices only later that one has ended."""
    mirrors = [p.mirror for p in cluster.pairs if p.mirror is not None]
    if not mirrors:
        return Proof(ProofName.MIRRORS_RUN, True, _NO_MIRRORS, applies=False)
    if cluster.version.generation is Generation.WAL:
        return Proof(ProofName.MIRRORS_RUN, True, "their streams show it", applies=False)
    wrong = [str(m) for m in mirrors if not any(h.runs(m.datadir) for h in hosts if h.host == m.hostname)]
    well = f"{len(mirrors)} postmasters of mirrors run"
    return _proof(ProofName.MIRRORS_RUN, wrong, well, "no running postmaster was seen of ")


def standby_proof(cluster: Cluster) -> Proof:
    """That the standby coordinator streams; one that is still catching up does not hold yet."""
    if cluster.standby is None:
        return Proof(ProofName.STANDBY, True, "none is configured", applies=False)
    fault = standby_fault(cluster)
    if fault is not None:
        return Proof(ProofName.STANDBY, False, fault)
    if cluster.standby_look is not None:
        return Proof(ProofName.STANDBY, True, cluster.standby_look.detail)
    if cluster.replication is None:
        return Proof(ProofName.STANDBY, False, f"whether {cluster.standby} follows could not be read")
    states = [r.state for r in cluster.replication if r.content == COORDINATOR_CONTENT and r.is_mirror]
    return Proof(ProofName.STANDBY, "streaming" in states, f"{cluster.standby}: {', '.join(states)}")


def _gpstate(cluster: Cluster, report: ErrorReport | StatusReport | None) -> Proof:
    command = " ".join(argv(gpstate_report(cluster)))
    if report is None:
        return Proof(ProofName.GPSTATE, False, f"{command} could not be read")
    if isinstance(report, StatusReport):
        online = {(s.datadir, s.port) for s in report.segments if s.is_up and s.pid is not None}
        wrong = [str(s) for p in cluster.pairs for s in p.segments if (s.datadir, s.port) not in online]
        return _proof(ProofName.GPSTATE, wrong, f"{command} shows every segment online", "not online: ")
    if report.all_normal:
        return Proof(ProofName.GPSTATE, True, f"{command}: all segments are running normally")
    if report.only_in_recovery and _pairs_synchronized(cluster).holds:
        return Proof(ProofName.GPSTATE, True, f"{command}: only rows of a recovery that has ended")
    return Proof(ProofName.GPSTATE, False, f"{command} reports segments that are not normal")


def _every_content_answers(cluster: Cluster, rows: Iterable[Mapping[str, object]]) -> Proof:
    answered = {row.get("content") for row in rows}
    silent = [f"content {c}" for c in cluster.contents if c not in answered]
    if not cluster.contents:
        return Proof(ProofName.EVERY_CONTENT_ANSWERS, False, "the catalog shows no content at all")
    well = f"{len(cluster.contents)} contents answered"
    return _proof(ProofName.EVERY_CONTENT_ANSWERS, silent, well, "no answer from: ")


def _proof(name: ProofName, wrong: Sequence[str], well: str, complaint: str) -> Proof:
    return Proof(name, not wrong, complaint + ", ".join(wrong) if wrong else well)
