"""How long each phase of a recovery took, by what was told while it went on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gpmedic.events import Event
from gpmedic.phases import Phase
from gpmedic.recovery_report import RecoveryReport


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    Attributes:
        detect: from the fault until gpmedic had seen it; None where nobody knows when the fault was.
        approve: all questions together, until their answers.
        recover: what brings segments, or the database, up again; the restart and the standby belong to it.
        synchronize: every wait for mirrors, that after a rebalance too.
        total: from the fault, or where nobody knows it from the first look, until the report.
    """

    detect: float | None
    approve: float
    recover: float
    synchronize: float
    rebalance: float
    total: float


_WORDS: Final[Mapping[str, Phase]] = MappingProxyType({phase.value: phase for phase in Phase})
_PARTS: Final[Mapping[Phase, str]] = MappingProxyType(
    {
        Phase.APPROVE: "approve",
        Phase.RESTART: "recover",
        Phase.RECOVER: "recover",
        Phase.RESTORE_STANDBY: "recover",
        Phase.SYNCHRONIZE: "synchronize",
        Phase.REBALANCE: "rebalance",
    }
)


def phase_of(event: Event) -> Phase | None:
    """The phase in which this was told; None for what the catalog's history tells, and for words of other versions."""
    word = event.what.partition(": ")[0]
    return None if event.of_catalog else _WORDS.get(word)


def phase_seconds(events: Iterable[Event], began: datetime) -> Mapping[Phase, float]:
    """The seconds that each phase took; those that did not occur are missing.

    What is told ends a stretch of time: from what was told before, or from the beginning, until then the run was busy
    with the phase of that word. A question counts from the precheck before it until its answer was told.
    """
    seconds: defaultdict[Phase, float] = defaultdict(float)
    before = began
    for event in sorted(events, key=lambda e: e.at):
        phase = phase_of(event)
        if phase is not None:
            seconds[phase] += max(0.0, (event.at - before).total_seconds())
            before = max(before, event.at)
    return dict(seconds)


def times(report: RecoveryReport, broken_at: datetime | None = None) -> Times:
    """The times of one recovery.

    Args:
        broken_at: when the fault was, where somebody knows it, as in a drill.
    """
    parts: defaultdict[str, float] = defaultdict(float)
    for phase, seconds in phase_seconds(report.events, report.started).items():
        parts[_PARTS.get(phase, "")] += seconds
    seen = next((e.at for e in report.events if phase_of(e) is Phase.OBSERVE), report.started)
    begin = report.started if broken_at is None else broken_at
    return Times(
        detect=None if broken_at is None else (seen - broken_at).total_seconds(),
        approve=parts["approve"],
        recover=parts["recover"],
        synchronize=parts["synchronize"],
        rebalance=parts["rebalance"],
        total=(report.ended - begin).total_seconds(),
    )
