"""Which drills there are: what each breaks on a practice cluster, and who would notice it how."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gpmedic.practice.fault import Fault

PRACTICE_OPERATOR = "practice operator"
"""Who says yes in a drill to which no person has come."""


class DrillName(StrEnum):
    """Which drill there is; `DRILLS` says what it breaks."""

    PRIMARY_DOWN = "primary-down"
    MIRROR_DOWN = "mirror-down"
    HOST_DOWN = "host-down"
    DOUBLE_FAULT = "double-fault"
    MIRRORLESS = "mirrorless"
    SPARE_HOST = "spare-host"
    STANDBY_DOWN = "standby-down"


@dataclass(frozen=True, slots=True)
class Drill:
    """What is broken, and how the user of the cluster would say it.

    Attributes:
        told: what breaks.
        teaches: what the person who watches learns.
        faults: in their order, each with the target that it wants.
        marked_down: segments that FTS will mark down; 0 where the catalog never shows the fault.
        mirrored: whether the practice cluster has mirrors.
        host_returns: whether the broken host answers again before the recovery begins.
        spare: the host that replaces the broken one.
    """

    told: str
    teaches: str
    faults: Mapping[Fault, int | str | None]
    marked_down: int = 0
    mirrored: bool = True
    host_returns: bool = False
    spare: str | None = None

    @property
    def lost_host(self) -> str:
        """The host that is to be replaced; only where there is a spare."""
        return str(self.faults[Fault.HOST_DOWN])


DRILLS: Mapping[str, Drill] = MappingProxyType(
    {
        DrillName.PRIMARY_DOWN: Drill(
            "The primary of content 2 is killed; FTS will promote its mirror.",
            "A failover, an incremental recovery, and why the rebalance comes last and is asked for by itself.",
            {Fault.KILL_PRIMARY: 2},
            marked_down=1,
        ),
        DrillName.MIRROR_DOWN: Drill(
            "The mirror of content 0 is killed; FTS will mark it down.",
            "One incremental recovery; nobody notices, and a second failure would cost the content.",
            {Fault.KILL_MIRROR: 0},
            marked_down=1,
        ),
        DrillName.HOST_DOWN: Drill(
            "sdw1 loses its power, with two primaries and two mirrors; then it boots again.",
            "One incident and one plan for all segments of a host, once it has booted again.",
            {Fault.HOST_DOWN: "sdw1"},
            marked_down=4,
            host_returns=True,
        ),
        DrillName.DOUBLE_FAULT: Drill(
            "Primary and mirror of content 1 are killed at once; nobody is left to promote.",
            "The catalog shows nothing: probes find it, the copies are compared, only a restart helps.",
            {Fault.KILL_BOTH: 1},
        ),
        DrillName.MIRRORLESS: Drill(
            "The primary of content 1 is killed, and this cluster has no mirrors.",
            "Nothing can take over: the host is waited for, then the database is restarted.",
            {Fault.KILL_PRIMARY: 1},
            mirrored=False,
        ),
        DrillName.SPARE_HOST: Drill(
            "sdw1 is lost for good, with two primaries and two mirrors; sdw4 is to replace it.",
            "What moves, with which file, in which way, and how it comes back later.",
            {Fault.HOST_DOWN: "sdw1"},
            marked_down=4,
            spare="sdw4",
        ),
        DrillName.STANDBY_DOWN: Drill(
            "The standby coordinator is killed.",
            "The coordinator's own mirror: not in the catalog, and started again after the segments.",
            {Fault.KILL_STANDBY: None},
        ),
    }
)
