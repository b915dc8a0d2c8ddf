"""The states that a pair may have in the catalog, for each generation: one table, and nothing outside it is known."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from gpmedic.cluster import Generation, Mode, SegmentPair, Status


class PairState(Enum):
    """What the catalog's status and mode say about a pair, whoever of the two is the primary."""

    SYNCHRONIZED = "both up and equal"
    MIRROR_DOWN = "the primary serves alone"
    RESYNCHRONIZING = "both up, the mirror catching up"
    MIRRORLESS = "there is no mirror"
    UNKNOWN = "not a state of this generation"


# (primary's status and mode, mirror's status and mode): what is not here is not a state of that generation.
_U, _D = Status.UP, Status.DOWN
_S, _C, _R, _N = Mode.SYNCHRONIZED, Mode.CHANGE_TRACKING, Mode.RESYNCHRONIZING, Mode.NOT_IN_SYNC
LEGAL_PAIR_STATES: Final[Mapping[Generation, Mapping[tuple[Status, Mode, Status, Mode], PairState]]] = MappingProxyType(
    {
        Generation.FILEREP: MappingProxyType(
            {
                (_U, _S, _U, _S): PairState.SYNCHRONIZED,
                (_U, _C, _D, _S): PairState.MIRROR_DOWN,
                (_U, _C, _D, _R): PairState.MIRROR_DOWN,  # a recovery was begun and failed (T31)
                (_U, _R, _U, _R): PairState.RESYNCHRONIZING,
            }
        ),
        Generation.WAL: MappingProxyType(
            {
                (_U, _S, _U, _S): PairState.SYNCHRONIZED,
                (_U, _N, _D, _N): PairState.MIRROR_DOWN,
                (_U, _N, _U, _N): PairState.RESYNCHRONIZING,
            }
        ),
    }
)
LEGAL_MIRRORLESS_MODES: Final[Mapping[Generation, frozenset[Mode]]] = MappingProxyType(
    {Generation.FILEREP: frozenset({_S}), Generation.WAL: frozenset({_S, _N})}
)


def pair_state(pair: SegmentPair, generation: Generation) -> PairState:
    """The state of a pair by the table; UNKNOWN for whatever does not stand in it."""
    if pair.mirror is None:
        legal = pair.primary.in_preferred_role and pair.primary.is_up
        legal = legal and pair.primary.mode in LEGAL_MIRRORLESS_MODES[generation]
        return PairState.MIRRORLESS if legal else PairState.UNKNOWN
    if pair.primary.preferred_role is pair.mirror.preferred_role:
        return PairState.UNKNOWN
    key = (pair.primary.status, pair.primary.mode, pair.mirror.status, pair.mirror.mode)
    return LEGAL_PAIR_STATES[generation].get(key, PairState.UNKNOWN)
