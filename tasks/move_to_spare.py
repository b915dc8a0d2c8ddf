"""Move the segments of a host that is lost for good to a spare: survey it first, then gprecoverseg -p or -i."""

import hashlib
from dataclasses import dataclass, replace

from prefect import task

from gpmedic.access.facts import gather
from gpmedic.access.facts_spare import home_of, look_at_both, look_at_spare, mapping_of
from gpmedic.access.ssh import Shell
from gpmedic.access.watch import look_until
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import UnreadableOutput, UnsafeState, UtilityBusy, UtilityFailed
from gpmedic.gprecoverseg import Outcome, parse
from gpmedic.plan import Action, Plan
from gpmedic.precheck import judge, require
from gpmedic.precheck_spare import Reference, judge_spare
from gpmedic.recovery_config import RecoveryConfig
from gpmedic.recovery_config_lint import find
from gpmedic.settings import ClusterSettings
from gpmedic.spare import Replacement, SpareRequest, Way, choose_way, lost_segments, require_two_hosts
from gpmedic.spare_file import from_catalog, from_text, require_sound, to_text, typed
from gpmedic.spare_plan import base_plan, make_move_plan
from gpmedic.steps import SegmentMove
from tasks.approve import Approval
from tasks.detect import Seen
from tasks.notify import Phase, tell
from tasks.permission import require_permission
from tasks.precheck import Checked, clock, repeated, require_nobody_works, tell_checks
from tasks.recover import advice, explain
from tasks.run_utility import Ended, run_approved
from tasks.transient import RETRIED


@dataclass(frozen=True, slots=True)
class Survey:
    """How the segments would come to the spare, and what was checked for it.

    Attributes:
        replacement: None where the catalog shows nothing on the lost host any more.
    """

    replacement: Replacement | None
    checked: Checked

    def plan(self, settings: ClusterSettings, seen: Seen) -> Plan:
        """The plan from a look at the cluster; see `make_move_plan` for the refusals."""
        return make_move_plan(seen.diagnosis, seen.observation.capabilities, settings.policy, self.replacement)


@task(name="survey the spare", **RETRIED)
def survey(settings: ClusterSettings, seen: Seen, request: SpareRequest) -> Survey:
    """Where the lost segments would go, by which way, and every check of it; changes nothing.

    Raises:
        UnsafeState, RecoveryFileRefused: a move is not right here, or the person's file is not.
        UtilityBusy: another gprecoverseg is at work.
        HostUnreachable: the coordinator's host does not answer.
    """
    with Shell.connect(settings.ssh) as shell:
        found = look_around(settings, shell, seen, request)
    if found.replacement is not None:
        tell(Phase.PRECHECK, f"By gprecoverseg {found.replacement.way.value}: {found.replacement.reason}")
        tell_checks(found.checked)
    return found


def look_around(settings: ClusterSettings, shell: Shell, seen: Seen, request: SpareRequest) -> Survey:
    """The same without a task run, for the moment before the command."""
    at = clock()
    cluster = seen.observation.cluster
    moved = lost_segments(cluster, request)
    base_plan(seen.diagnosis, seen.observation.capabilities, settings.policy)  # refuses what gpmedic does not act on
    if not moved:
        nothing = Survey(None, Checked((), "", at))
        return replace(nothing, checked=Checked((), nothing.plan(settings, seen).fingerprint, at))
    require_two_hosts(cluster, moved, request.spare)
    state, spare = look_at_both(settings, shell, request, moved)
    if not spare.reachable:  # then gprecoverseg could not tell where it would move them
        require(judge_spare(RecoveryConfig(()), cluster, spare, Reference("", ""), settings.policy))
    way, reason = choose_way(cluster.version.generation, state, request)
    config = _config(settings, shell, cluster, request, way)
    require_sound(config, cluster, moved, request.spare)
    path = _path(shell, to_text(config, cluster.version)) if way is Way.FILE else ""
    found = Survey(Replacement(request, way, reason, config, path), Checked((), "", at))
    plan = found.plan(settings, seen)
    spare = look_at_spare(settings, shell, cluster, request.spare, _directories(config, cluster))
    # The lost host is looked at above and belongs to no check: it would only cost its deadline again.
    others = replace(cluster, segments=tuple(s for s in cluster.segments if s.hostname != request.lost))
    facts = gather(settings, shell, others)
    reference = Reference(facts[0].version, settings.ssh.user, facts[0].packages)
    checks = (
        *judge(plan, others, facts, settings.policy),
        *judge_spare(config, cluster, spare, reference, settings.policy),
        *repeated(settings, plan, cluster),
    )
    return replace(found, checked=Checked(checks, plan.fingerprint, at))


def _config(
    settings: ClusterSettings, shell: Shell, cluster: Cluster, request: SpareRequest, way: Way
) -> RecoveryConfig:
    if request.file is not None:
        return from_text(request.file, cluster.version)
    if way is Way.FILE:
        return typed(from_catalog(lost_segments(cluster, request), request), cluster.version)
    # -p chooses the ports by itself (T9): only gprecoverseg can say which. A lock, held or stale, would keep it silent.
    require_permission(settings, shell)
    require_nobody_works(settings, shell, cluster)
    file, said = mapping_of(settings, shell, cluster.coordinator.port, request.spare)
    if file.strip():
        return from_text(file, cluster.version)
    try:
        busy = parse(said).outcome is Outcome.LOCK_HELD  # with exit code 0 (T1)
    except UnreadableOutput:
        busy = False
    if busy:
        raise UtilityBusy("Another gprecoverseg holds its lock; nothing was touched.", "Wait until it has ended.")
    raise UnsafeState(
        f"gprecoverseg -p {request.spare} -o told no mapping; nothing was touched. It said: {said.strip()[-300:]}",
        f"Run `gprecoverseg -p {request.spare} -o /tmp/mapping` by hand (it changes nothing) and read what it says.",
    )


def _path(shell: Shell, text: str) -> str:
    return f"{home_of(shell)}/.gpmedic/move-{hashlib.sha256(text.encode()).hexdigest()[:16]}.cfg"


def _directories(config: RecoveryConfig, cluster: Cluster) -> dict[int, tuple[str, ...]]:
    pairs = [(find(line.failed, cluster), line.target) for line in config.lines]
    return {s.content: (t.directory, *t.filespaces) for s, t in pairs if s is not None and t is not None}


@task(name="gprecoverseg to the spare", **RETRIED)
def move_to_spare(
    settings: ClusterSettings, approval: Approval, surveyed: Survey, request: SpareRequest, shown: Plan
) -> None:
    """Run the move and judge by the catalog that every segment is where it was to go, and up.

    Args:
        shown: the plan as it was shown; by it a move is judged that an earlier attempt of this task has started.

    Raises:
        UtilityFailed: it ended, and segments are elsewhere or down.
        Other errors: see `run_approved`; nothing was started.
    """
    newest, moves = surveyed, _moves(shown)

    def plan_of(seen: Seen) -> Plan:
        nonlocal moves
        plan = newest.plan(settings, seen)
        moves = _moves(plan)
        return plan

    def check_of(shell: Shell, seen: Seen) -> Checked:
        nonlocal newest
        newest = look_around(settings, shell, seen, request)
        return newest.checked

    ended = run_approved(
        settings,
        Action.MOVE_TO_SPARE,
        approval,
        surveyed.checked,
        Phase.RECOVER,
        plan_of=plan_of,
        check_of=check_of,
    )
    if ended is not None:
        _judge(settings, ended, moves)


def _moves(plan: Plan) -> tuple[SegmentMove, ...]:
    step = plan.step(Action.MOVE_TO_SPARE)
    return step.moves if step is not None else ()


def _judge(settings: ClusterSettings, ended: Ended, moves: tuple[SegmentMove, ...]) -> None:
    missing = _not_there(settings, moves)
    said = explain(ended)
    tell(Phase.RECOVER, f"gprecoverseg has ended: {said}.", source="gprecoverseg")
    if missing:
        what = "; ".join(f"content {m.content} is not up at {m.new}" for m in missing)
        raise UtilityFailed(
            ended.argv,
            ended.exit_code,
            f"{said}; {what}",
            f"{advice(ended)} A copy that failed leaves the old place in the catalog, a start that failed the new one:"
            " this flow looks at it anew, and says when the flow recover is the right one.",
        )


def _not_there(settings: ClusterSettings, moves: tuple[SegmentMove, ...]) -> tuple[SegmentMove, ...]:
    """The moves that the catalog does not show; FTS is given its time to mark as up what was started."""

    def missing(cluster: Cluster) -> tuple[SegmentMove, ...]:
        return tuple(m for m in moves if not any(_is_there(m, s) for s in cluster.segments))

    return missing(look_until(settings, lambda cluster: not missing(cluster), settings.policy.settle_within))


def _is_there(move: SegmentMove, segment: Segment) -> bool:
    names = {f"{host}:{segment.port}:{segment.datadir}" for host in (segment.hostname, segment.address)}
    return segment.content == move.content and segment.is_up and move.new in names
