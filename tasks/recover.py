"""gprecoverseg: bring the segments that are down back as mirrors, incrementally and in place."""

from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType

from prefect import task

from gpmedic.access.watch import Watch, look_until
from gpmedic.cluster import Cluster
from gpmedic.errors import GpmedicError, UnreadableOutput, UtilityFailed
from gpmedic.full_copy import named_as_failed, still_tracked
from gpmedic.gprecoverseg import Outcome, RecoverReport, RecoveryType, parse
from gpmedic.plan import Action
from gpmedic.ruled_out import RULES_OUT, RuledOut, by_logs
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.known_cause import read_known_causes
from tasks.notify import Phase, tell
from tasks.precheck import Checked
from tasks.run_utility import Ended, run_approved
from tasks.transient import RETRIED

ADVICE: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.UNFINISHED: "It was ended from outside: look for pg_rewind and pg_basebackup on the segments' hosts, "
        "wait for them, then run the flow again.",
        Outcome.SKIPPED_UNREACHABLE: "Restore the hosts that do not answer, then run the flow again.",
        Outcome.SKIPPED_RUNNING: "A copy of an earlier run still works: wait for it, then run the flow again.",
        Outcome.SOME_FAILED: "Read the logs that it names on the segments' hosts. A full recovery overwrites a copy, "
        "and is never done by itself.",
        Outcome.LOCK_HELD: "Another gprecoverseg holds the lock. If the process that it names is dead, the lock is "
        "stale and a person may remove it.",
        Outcome.NOTHING_TO_RECOVER: "It saw nothing to recover although the catalog shows segments down: look with "
        "gpstate -e, and run the flow again.",
    }
)
_OTHERWISE = "Read its output, look with gpstate -e, and decide; the flow may be run again: it begins by observing."


@task(name="gprecoverseg", **RETRIED)
def recover(settings: ClusterSettings, approval: Approval, checked: Checked) -> None:
    """Run `gprecoverseg -a` and judge by the catalog that every segment of the plan is up.

    Raises:
        IncrementalFailed: it ended, and proved that only a full copy brings some of them back.
        UtilityFailed: it ended, and segments that it was to recover are still down.
        Other errors: see `run_approved`; nothing was started.
    """
    ended = run_approved(settings, Action.RECOVER, approval, checked, Phase.RECOVER)
    judge_recovery(settings, ended, settings.policy.recovery_type)


class IncrementalFailed(UtilityFailed):
    """Some mirrors cannot be recovered so; `ruled_out` says which and why. Nothing follows by itself."""

    ruled_out: tuple[RuledOut, ...] = ()


def judge_recovery(settings: ClusterSettings, ended: Ended | None, kind: RecoveryType) -> None:
    """Return where every segment of the step is up; None is a command that was not needed.

    Args:
        kind: of the recovery that was asked for.

    Raises:
        IncrementalFailed, UtilityFailed: they are not.
    """
    if ended is None:
        return
    said = explain(ended)
    report = _read(ended)
    named = () if isinstance(report, GpmedicError) else _await_marked_down(settings, report)
    down = named or _still_down(settings, ended.dbids)
    tell(Phase.RECOVER, f"gprecoverseg has ended: {said}.", source="gprecoverseg")
    if down:
        what = ", ".join(f"dbid {dbid}" for dbid in down)
        failed = named or _in_change_tracking(settings, report, down)
        # gprecoverseg has done its work, and FTS never calls a mirror up whose WAL is gone: its log alone tells.
        ruled_out = tuple(_ruled_out(report, dbid, said) for dbid in failed) or _told_by_logs(settings, down, kind)
        if ruled_out:
            error = IncrementalFailed(ended.argv, ended.exit_code, f"{said}; still down: {what}", advice(ended))
            error.ruled_out = ruled_out
            raise error
        raise UtilityFailed(ended.argv, ended.exit_code, f"{said}; still down: {what}", advice(ended))


def _told_by_logs(settings: ClusterSettings, down: tuple[int, ...], kind: RecoveryType) -> tuple[RuledOut, ...]:
    cluster = look_until(settings, lambda cluster: True, settings.policy.settle_within)
    mirrors = [s for s in cluster.segments if s.dbid in down]
    return by_logs(read_known_causes(settings, cluster, mirrors), kind)


def _ruled_out(report: RecoverReport | UnreadableOutput, dbid: int, said: str) -> RuledOut:
    differential = not isinstance(report, GpmedicError) and any(
        f.type is RecoveryType.DIFFERENTIAL for f in report.failed
    )
    kind = RecoveryType.DIFFERENTIAL if differential else RecoveryType.INCREMENTAL
    return RuledOut(dbid, RULES_OUT[kind], f"the {kind.value} recovery of dbid {dbid} has failed ({said})")


def _await_marked_down(settings: ClusterSettings, report: RecoverReport) -> tuple[int, ...]:
    """The mirrors that it names as failed, once FTS has marked them down again: it had called them up before (T15)."""

    def down(cluster: Cluster) -> tuple[int, ...]:
        failed = named_as_failed(report, cluster)
        return tuple(s.dbid for s in cluster.segments if s.dbid in failed and not s.is_up)

    def all_down(cluster: Cluster) -> bool:
        return len(down(cluster)) == len(named_as_failed(report, cluster))

    return down(look_until(settings, all_down, settings.policy.settle_within))


def _in_change_tracking(
    settings: ClusterSettings, report: RecoverReport | UnreadableOutput, down: tuple[int, ...]
) -> tuple[int, ...]:
    if isinstance(report, GpmedicError):
        return ()
    cluster = look_until(settings, lambda cluster: True, settings.policy.settle_within)
    return tuple(d for d in still_tracked(report, cluster) if d in down)


def await_marked_up(settings: ClusterSettings) -> None:
    """Give FTS its time after a gprecoverseg of which only the end was seen: it recovers whatever is down."""
    with closing(Watch(settings)) as watch:
        mirrors = tuple(pair.mirror for pair in watch.look().pairs)
    _still_down(settings, tuple(m.dbid for m in mirrors if m is not None and not m.is_up))


def _still_down(settings: ClusterSettings, dbids: tuple[int, ...]) -> tuple[int, ...]:
    """Those that FTS has not marked up within its time; one that has left the catalog is not waited for."""

    def down(cluster: Cluster) -> tuple[int, ...]:
        return tuple(s.dbid for s in cluster.segments if s.dbid in dbids and not s.is_up)

    return down(look_until(settings, lambda cluster: not down(cluster), settings.policy.settle_within))


def _read(ended: Ended) -> RecoverReport | UnreadableOutput:
    try:
        return parse(ended.output)
    except UnreadableOutput as error:
        return error


def explain(ended: Ended) -> str:
    """What the utility said of itself, one line: an explanation, never the judgement."""
    report = _read(ended)
    if isinstance(report, GpmedicError):
        return report.message
    details = [line.splitlines()[0].rstrip(".") for line in (*report.warnings, *report.errors)[:3]]
    return f"{report.outcome.value}{': ' if details else ''}{'; '.join(details)}"


def outcome(ended: Ended) -> Outcome:
    """How it ended by its own words; UNFINISHED where they are not understood."""
    report = _read(ended)
    return Outcome.UNFINISHED if isinstance(report, GpmedicError) else report.outcome


def advice(ended: Ended) -> str:
    """What a person should do after it failed."""
    report = _read(ended)
    return _OTHERWISE if isinstance(report, GpmedicError) else ADVICE.get(report.outcome, _OTHERWISE)
