"""What the scenarios had done to processes and hosts when a step was recorded: what no snapshot of the catalog shows.

Every line is taken from the recording itself: the command that broke something, or the snapshots around the step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gpmedic.cluster import Mode
from gpmedic.practice.facts import CopyKind
from tests.transcripts import Step


class Taken(Enum):
    """Which of the two snapshots of a step."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class World:
    """What a scenario had done to processes and hosts, for its steps `first` to `last`.

    Attributes:
        dead: dbids whose process is gone although their row is up.
        alive: dbids whose process lives although their row is down.
        modes: dbid -> its mode, where the cluster went on before the next snapshot was taken.
        unreachable: hosts that answer nobody.
        wiped: dbids whose data directory is gone with everything in it.
        copy: the kind of the copies at work, which 4.3 shows.
        progress: the text of gprecoverseg's progress file.
        host: where the command ran, if not on the coordinator's host.
        stopped: no process of the whole database lives.
        taken: which snapshot fits, where the cluster changed between the two.
    """

    scenario: str
    first: int
    last: int
    dead: frozenset[int] = frozenset()
    alive: frozenset[int] = frozenset()
    modes: Mapping[int, Mode] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    wiped: frozenset[int] = frozenset()
    copy: CopyKind = CopyKind.INCREMENTAL
    progress: str = ""
    host: str = ""
    stopped: bool = False
    taken: Taken = Taken.BEFORE


END = 99
L5 = "l5-gprecoverseg-interrupted-by-SIGINT-and-SIGTERM"
WORLDS = (
    World("02-primary-killed", 2, 2, dead=frozenset({2})),
    World("02-primary-killed", 3, 3, taken=Taken.AFTER),
    World("03-mirror-killed", 2, 2, dead=frozenset({6})),
    World("03-mirror-killed", 18, 18, taken=Taken.AFTER),
    World("04-both-killed", 2, END, dead=frozenset({4, 7})),
    World("07-mirror-dir-lost-full", 2, 6, wiped=frozenset({5})),
    World("07-mirror-dir-lost-full", 7, 9, copy=CopyKind.FULL),
    World("07-mirror-dir-lost-full", 10, END, taken=Taken.AFTER),
    World("08-host-down-spare", 2, 22, unreachable=frozenset({"gp-s3"}), copy=CopyKind.FULL),
    World("08-host-down-spare", 23, END, unreachable=frozenset({"gp-s3"}), taken=Taken.AFTER),
    World("09-errors", 42, 42, taken=Taken.AFTER),
    World("10-long-resync", 1, 7, copy=CopyKind.FULL),
    # The resynchronization is over, as step 09 shows that it must be, and roles are still those of the snapshot before.
    World("10-long-resync", 8, 8, modes=dict.fromkeys((2, 5), Mode.SYNCHRONIZED)),
    # Step 09 has brought the roles back, as the snapshot after shows, and its resynchronization runs, as it says.
    World("10-long-resync", 11, 15, taken=Taken.AFTER, modes=dict.fromkeys((2, 5), Mode.RESYNCHRONIZING)),
    World("10-long-resync", 16, END, taken=Taken.AFTER),
    World("12-db-stopped", 2, END, stopped=True),
    World("13-start-with-host-missing", 2, END, stopped=True),
    World("b-mirror-killed", 2, 3, dead=frozenset({8})),
    World("d1-both-killed-gpstop-ar", 2, 14, dead=frozenset({9})),
    World("e1-host-link-down-and-back", 3, 14, unreachable=frozenset({"sdw3"})),
    # Back on the net, the two mirrors of sdw3 stream in both snapshots; only their rows are still down.
    World("e1-host-link-down-and-back", 16, 16, alive=frozenset({9, 10})),
    World("f1-host-lost-recover-with-i-to-sdw4", 2, END, unreachable=frozenset({"sdw1"})),
    # The file of scenario l5 was still there.
    World("g2-primary-datadir-removed", 4, 4, progress="full:9: 45896/159700 kB (28%)"),
    World("h1-nothing-to-do", 16, 16, host="smdw"),
    World("h3-two-at-once-and-killed-midway", 7, 9, progress="full:9: 98798/159706 kB (61%)"),
    World("h3-two-at-once-and-killed-midway", 17, 25, progress="full:9: 56974/159706 kB (35%)"),
    World("h4-database-stopped", 2, END, stopped=True),
    World("j-cluster-without-mirrors", 12, 27, dead=frozenset({3})),
    World("j-cluster-without-mirrors", 35, 39, stopped=True),
    World("j2-without-mirrors-queries", 4, 12, dead=frozenset({3})),
    World("k-standby-master-killed", 2, 10, dead=frozenset({14})),
    World("k-standby-master-killed", 15, 18, dead=frozenset({14}), wiped=frozenset({14})),
    # The copy outlived its utility: its stream is in both snapshots, that of pg_basebackup no longer in the one after.
    World(L5, 6, 6, taken=Taken.AFTER, alive=frozenset({9})),
    World(L5, 13, 14, taken=Taken.AFTER, alive=frozenset({9}), progress="full:9: 45896/159700 kB (28%)"),
)


def world(step: Step) -> World:
    number = int(step.name[:2])
    fitting = (w for w in WORLDS if w.scenario == step.scenario and w.first <= number <= w.last)
    return next(fitting, World(step.scenario, 0, END))
