"""The plan of a move to a spare host: the runbook's plan, with the move in place of the recovery in place."""

from collections.abc import Iterator
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Generation
from gpmedic.diagnosis import Diagnosis
from gpmedic.errors import UnsafeState
from gpmedic.gprecoverseg import RecoveryType, recover_argv
from gpmedic.plan import Action, Plan, fingerprint, make_plan
from gpmedic.recovery_config_lint import find
from gpmedic.settings import PolicySettings
from gpmedic.spare import Replacement, Way
from gpmedic.spare_file import move_back, moves, to_text
from gpmedic.steps import Disruption, HostFile, Step


def make_move_plan(
    diagnosis: Diagnosis, capabilities: Capabilities, policy: PolicySettings, replacement: Replacement | None
) -> Plan:
    """The steps from a lost host to a healthy cluster.

    Args:
        replacement: None where the catalog shows nothing on the lost host any more.

    Raises:
        As make_plan; and UnsafeState where something else than the lost host's segments is down.
    """
    plan = base_plan(diagnosis, capabilities, policy)
    recover, cluster = plan.step(Action.RECOVER), diagnosis.cluster
    if recover is None or cluster is None:
        _require_no_other_page(plan)
        return plan
    if replacement is None:
        what = ", ".join(str(cluster.segment(dbid)) for dbid in recover.dbids)
        raise UnsafeState(
            f"Nothing is left on the lost host, but {what} is down where it is now; nothing was touched.",
            "Run the flow recover: a move that failed at its end leaves the new place in the catalog.",
        )
    steps = tuple(_steps(plan, move_step(replacement, cluster)))
    return Plan(plan.cluster_name, plan.scenario, steps, fingerprint(steps, cluster))


def base_plan(diagnosis: Diagnosis, capabilities: Capabilities, policy: PolicySettings) -> Plan:
    """The runbook's own plan, for its refusals and its later steps; what moves is always copied whole."""
    incremental = policy.model_copy(update={"recovery_type": RecoveryType.INCREMENTAL})
    return make_plan(diagnosis, capabilities, incremental)


def _require_no_other_page(plan: Plan) -> None:
    if other := [s for s in plan.disruptive_steps if s.action not in _AFTER_A_MOVE]:
        raise UnsafeState(
            f"The cluster needs something else before any move: {other[0].action.value}; nothing was touched.",
            "Run the flow recover.",
        )


def move_step(replacement: Replacement, cluster: Cluster) -> Step:
    """The step that moves the segments; its file, where there is one, is a part of it."""
    generation, spare = cluster.version.generation, replacement.request.spare
    found = [segment for line in replacement.config.lines if (segment := find(line.failed, cluster)) is not None]
    effect = (
        f"Moves the segments of {replacement.request.lost} to {spare}: a full copy of each from its acting primary, and"
        f" the old places leave the catalog. By {replacement.way.value}: {replacement.reason} {_EFFECT[generation]}"
    )
    file = None
    if replacement.way is Way.FILE:
        argv = recover_argv(generation, config_file=replacement.path)
        file = HostFile(replacement.path, to_text(replacement.config, cluster.version))
    else:
        argv = recover_argv(generation, new_host=spare)
    dbids, contents = tuple(s.dbid for s in found), tuple(s.content for s in found)
    return Step(
        Action.MOVE_TO_SPARE,
        argv,
        dbids,
        contents,
        effect,
        Disruption.CHANGES,
        file=file,
        moves=moves(replacement.config, cluster),
        way_back=to_text(move_back(replacement.config, cluster), cluster.version),
    )


def _steps(plan: Plan, move: Step) -> Iterator[Step]:
    for step in plan.steps:
        yield move if step.action is Action.RECOVER else step


_AFTER_A_MOVE: Final = frozenset({"rebalance", "restore_standby"})
_EFFECT: Final = {
    Generation.FILEREP: "Sessions go on; resynchronization goes on in the background after the command has ended.",
    Generation.WAL: "Sessions go on; the copies load the acting primaries' disks and the network until they end.",
}
