"""The proof that a cluster is healthy: state only, never an exit code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Generation
from gpmedic.diagnosis import standby_fault
from gpmedic.pair_states import PairState, pair_state

_NO_MIRRORS: Final = "the cluster has no mirrors"
_EQUAL: Final = frozenset({PairState.SYNCHRONIZED, PairState.MIRRORLESS})


class ProofName(StrEnum):
    NO_ROW_DOWN = "no row down"
    ROLES_PREFERRED = "every role preferred"
    PAIRS_SYNCHRONIZED = "every pair synchronized"
    REPLICATION = "a replication row for each pair"
    STANDBY = "the standby coordinator follows"
    GPSTATE = "gpstate -e says all normal"
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


class MirroringReport(Protocol):
    """What is asked of gpstate -e (gpmedic.gpstate.ErrorReport)."""

    @property
    def all_normal(self) -> bool: ...


def prove(
    cluster: Cluster, report: MirroringReport | None, liveness_rows: Iterable[Mapping[str, object]]
) -> tuple[Proof, ...]:
    """The proof set, in one order always.

    Args:
        report: the parsed `gpstate -e`; None where it could not be read, which proves nothing.
        liveness_rows: the answer to catalog.LIVENESS_SQL; empty where the query failed.
    """
    return (
        _no_row_down(cluster),
        _roles_preferred(cluster),
        _pairs_synchronized(cluster),
        _replication(cluster),
        standby_proof(cluster),
        _gpstate(report),
        _every_content_answers(cluster, liveness_rows),
    )


def proven(proofs: Sequence[Proof]) -> bool:
    """Whether there are proofs and all of them hold."""
    return bool(proofs) and all(p.holds for p in proofs)


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


def _gpstate(report: MirroringReport | None) -> Proof:
    if report is None:
        return Proof(ProofName.GPSTATE, False, "gpstate -e could not be read")
    if report.all_normal:
        return Proof(ProofName.GPSTATE, True, "all segments are running normally")
    return Proof(ProofName.GPSTATE, False, "gpstate -e reports segments that are not normal")


def _every_content_answers(cluster: Cluster, rows: Iterable[Mapping[str, object]]) -> Proof:
    answered = {row.get("content") for row in rows}
    silent = [f"content {c}" for c in cluster.contents if c not in answered]
    if not cluster.contents:
        return Proof(ProofName.EVERY_CONTENT_ANSWERS, False, "the catalog shows no content at all")
    well = f"{len(cluster.contents)} contents answered"
    return _proof(ProofName.EVERY_CONTENT_ANSWERS, silent, well, "no answer from: ")


def _proof(name: ProofName, wrong: Sequence[str], well: str, complaint: str) -> Proof:
    return Proof(name, not wrong, complaint + ", ".join(wrong) if wrong else well)
