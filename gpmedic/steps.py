"""The steps of the runbook: the command of each, what it touches and what it does to the people at work."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gpmedic.cluster import COORDINATOR_CONTENT, Cluster, Generation, Segment, SegmentPair
from gpmedic.gpinitstandby import restart_argv
from gpmedic.gprecoverseg import RecoveryType, rebalance_argv, recover_argv
from gpmedic.masking import masked


class Action(StrEnum):
    RECOVER = "recover"
    MOVE_TO_SPARE = "move_to_spare"
    WAIT_FOR_SYNC = "wait_for_sync"
    REBALANCE = "rebalance"
    RESTORE_STANDBY = "restore_standby"
    RESTART = "restart"
    RECOVER_DIFFERENTIAL = "recover_differential"
    RECOVER_FULL = "recover_full"
    VERIFY = "verify"

    @property
    def step_name(self) -> str:
        """As proposals, keys and records call it."""
        return self.value.replace("_", "-")

    @classmethod
    def of_step(cls, name: str) -> "Action":
        """The action whose `step_name` this is."""
        return cls(name.replace("-", "_"))


class Disruption(StrEnum):
    """What a step does to a running database."""

    NONE = "none"  # reads only
    CHANGES = "changes"  # starts instances and copies data; sessions go on
    INTERRUPTS = "interrupts"  # stops primaries, or the whole database: running queries are cancelled

    @property
    def needs_approval(self) -> bool:
        return self is not Disruption.NONE


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file that a step's command reads on the coordinator's host, written there right before it, mode 0600."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class SegmentMove:
    """Where a segment was and where it will be, each as host:port:directory."""

    content: int
    dbid: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        argv: the command on the coordinator's host; empty for steps that only look.
        dbids: the instances that it changes or watches.
        contents: the contents concerned.
        effect: what it does to the cluster and its users, for the person who approves it.
        file: what the command reads; its content is approved with it.
        moves: the segments that it puts elsewhere.
        way_back: the recovery configuration file that would move them back later, made before anything was changed.
        afterwards: a second command, run in the same job once the first one is proven to have done its work.
        rests_on: what was found on the hosts without which it would not be proposed; approved with it.
        stops: instances that the catalog calls down and that may run: the command stops them before it works on them.
    """

    action: Action
    argv: tuple[str, ...]
    dbids: tuple[int, ...]
    contents: tuple[int, ...]
    effect: str
    disruption: Disruption
    file: HostFile | None = None
    moves: tuple[SegmentMove, ...] = ()
    way_back: str = ""
    afterwards: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    stops: tuple[int, ...] = ()

    @property
    def command(self) -> str:
        """What a person would type, command after command; empty for steps that only look."""
        return "; ".join(shlex.join(argv) for argv in (self.argv, self.afterwards) if argv)


@dataclass(frozen=True, slots=True)
class RunningQuery:
    """A query that a rebalance would cancel; `seconds` since it began."""

    pid: int
    user: str
    seconds: int
    query: str


def recover(generation: Generation, down: Sequence[Segment], kind: RecoveryType = RecoveryType.INCREMENTAL) -> Step:
    differs = kind is RecoveryType.DIFFERENTIAL
    effect = (
        f"Recovers every segment that is marked down, {'differentially' if differs else 'incrementally'} and in place:"
        f" {', '.join(map(str, down))}."
        " gprecoverseg -a has no narrower scope: a segment that goes down before it starts is recovered too."
        f" {_DIFFERENTIAL_EFFECT if differs else _RECOVER_EFFECT[generation]}"
    )
    dbids, contents = tuple(s.dbid for s in down), tuple(s.content for s in down)
    return Step(Action.RECOVER, recover_argv(generation, kind), dbids, contents, effect, Disruption.CHANGES)


def wait(cluster: Cluster, contents: tuple[int, ...]) -> Step:
    dbids = tuple(s.dbid for p in cluster.pairs if p.content in contents for s in p.segments)
    effect = f"Changes nothing: watches {named_contents(contents)} until both copies are equal; sessions go on."
    return Step(Action.WAIT_FOR_SYNC, (), dbids, contents, effect, Disruption.NONE)


def verify(cluster: Cluster) -> Step:
    everything = tuple(sorted(s.dbid for s in cluster.segments if s.content != COORDINATOR_CONTENT))
    effect = "Changes nothing: proves that every segment is up, synchronized, in its preferred role and answers."
    return Step(Action.VERIFY, (), everything, cluster.contents, effect, Disruption.NONE)


def rebalance(
    generation: Generation, switched: Sequence[SegmentPair], running_queries: Sequence[RunningQuery] | None
) -> Step:
    contents = tuple(p.content for p in switched)
    effect = (
        f"Stops the acting primaries of {named_contents(contents)} ({', '.join(str(p.primary) for p in switched)})"
        " and gives both copies their preferred roles: every query that runs then is cancelled, every open"
        f" transaction rolled back. {_REBALANCE_EFFECT[generation]} {named_queries(running_queries)}"
    )
    dbids = tuple(s.dbid for p in switched for s in p.segments)
    return Step(Action.REBALANCE, rebalance_argv(generation), dbids, contents, effect, Disruption.INTERRUPTS)


def restore_standby(standby: Segment) -> Step:
    effect = (
        f"Starts the standby coordinator {standby} again on its data directory {standby.datadir}, from which it catches"
        " up with the coordinator. The catalog stays as it is, nothing is copied over, sessions go on."
    )
    dbids, contents = (standby.dbid,), (standby.content,)
    return Step(Action.RESTORE_STANDBY, restart_argv(), dbids, contents, effect, Disruption.CHANGES)


_DIFFERENTIAL_EFFECT: Final = (
    "Every file of the failed copy that differs from the acting primary's is copied over; sessions go on."
)
_RECOVER_EFFECT: Final = {
    Generation.FILEREP: "Sessions go on; resynchronization goes on in the background after the command has ended.",
    Generation.WAL: "What diverged on a failed former primary is rewound; sessions go on while the mirror catches up.",
}
_REBALANCE_EFFECT: Final = {
    Generation.FILEREP: "The pairs go through change tracking and a resynchronization once more.",
    Generation.WAL: "It then recovers the stopped instances by itself, with an unscoped gprecoverseg -a.",
}


def named_queries(queries: Sequence[RunningQuery] | None) -> str:
    """The queries that a step cancels, as a sentence."""
    if queries is None:
        return "The running queries are looked up when it is about to run."
    if not queries:
        return "No query is running now."
    shown = "; ".join(f"pid {q.pid} of {_line(q.user)} for {q.seconds} s: {_line(q.query)}" for q in queries[:10])
    more = f"; and {len(queries) - 10} more" if len(queries) > 10 else ""
    return f"Running now, and cancelled by it: {shown}{more}."


def _line(text: str) -> str:
    """What somebody else wrote, as a part of one line, without the passwords that SQL may hold."""
    flat = "".join(c if c.isprintable() else " " for c in masked(text))
    return " ".join(flat.split())[:120]


def named_contents(contents: Sequence[int]) -> str:
    """Such as "contents 1, 3"."""
    return f"{'content' if len(contents) == 1 else 'contents'} {', '.join(map(str, contents))}"
