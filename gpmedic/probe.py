"""A direct connection to one instance, because the catalog does not show every failure (T5, T6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gpmedic.cluster import Segment
from gpmedic.host_facts import PidState


class ProbeState(StrEnum):
    """How an instance took a direct connection in utility mode."""

    ANSWERS = "answers"
    STARTING = "starting"  # "the database system is starting up" or "in recovery mode": alive, no queries yet
    NOT_ADMITTED = "not_admitted"  # the server answered, and gave no session: full, pg_hba.conf, password
    UNKNOWN = "unknown"  # what was said is not understood, as that of a server that speaks another language
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    HOST_UNREACHABLE = "host_unreachable"
    FAILED = "failed"

    @property
    def alive(self) -> bool:
        """Whether it lives as far as is known: what is not understood is no proof of a death."""
        return self in (ProbeState.ANSWERS, ProbeState.STARTING, ProbeState.NOT_ADMITTED, ProbeState.UNKNOWN)


_ANSWERS: Final[Mapping[ProbeState, str]] = MappingProxyType(
    {
        ProbeState.ANSWERS: "answers",
        ProbeState.STARTING: "is starting up",
        ProbeState.NOT_ADMITTED: "lives, but gives no session",
        ProbeState.UNKNOWN: "said something that is not understood",
        ProbeState.REFUSED: "refuses connections",
        ProbeState.TIMED_OUT: "does not answer in time",
        ProbeState.HOST_UNREACHABLE: "cannot be reached from the coordinator",
        ProbeState.FAILED: "does not take a query",
    }
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One direct connection to one instance, made from the coordinator's host.

    Every acting primary needs one; probes of mirrors are welcome where their primary fails, because two dead
    copies of which the catalog says 'u' can be told from a failover that FTS is about to make only by asking both.

    Attributes:
        postmaster: of its data directory, as its host sees it; None where the host was not asked or does not answer.
    """

    dbid: int
    state: ProbeState
    detail: str = ""
    postmaster: PidState | None = None

    @property
    def hangs(self) -> bool:
        """It does not answer although its postmaster runs: overloaded, stopped or stuck, which is no death."""
        return not self.state.alive and self.postmaster is PidState.ALIVE


def answer(segment: Segment, probe: Probe) -> str:
    """What the segment did when it was asked, as a part of one line."""
    detail = "".join(c for c in probe.detail if c.isprintable())[:200]  # whatever a server or ssh said
    lives = ", although its postmaster runs" if probe.hangs else ""
    return f"{segment} {_ANSWERS[probe.state]}{lives}" + (f" ({detail})" if detail else "")
