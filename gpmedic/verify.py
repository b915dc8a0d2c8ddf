"""The proof that a cluster is healthy: state only, never an exit code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gpmedic.cluster import Cluster


class ProofName(StrEnum):
    NO_ROW_DOWN = "no row down"
    ROLES_PREFERRED = "every role preferred"
    PAIRS_SYNCHRONIZED = "every pair synchronized"
    REPLICATION = "a replication row for each pair"
    GPSTATE = "gpstate -e says all normal"
    EVERY_CONTENT_ANSWERS = "every content answers a query"


@dataclass(frozen=True, slots=True)
class Proof:
    name: ProofName
    holds: bool
    detail: str


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
    raise NotImplementedError


def proven(proofs: Sequence[Proof]) -> bool:
    """Whether there are proofs and all of them hold."""
    return bool(proofs) and all(p.holds for p in proofs)
