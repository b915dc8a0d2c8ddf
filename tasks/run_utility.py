"""Run one disruptive utility, and only if everything that must hold does hold at that moment.

The order is the safety of gpmedic: its lock on the coordinator's host; nobody else's utility at work and every check
passed; a look at the cluster; the plan made from that look, whose fingerprint must be the approved one; once more the
brake, and whoever else may have begun to work; the launch as a detached job. What ends here is the command. Whether it
has done anything is for the cluster to show (see `recover`, `rebalance`).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from gpmedic.access.environment import prelude
from gpmedic.access.host_file import write_file
from gpmedic.access.job import ALIVE, JobState, jobs_on, launch, running_jobs, status
from gpmedic.access.lock import STALE_AFTER, HeldBy, Owner, locked
from gpmedic.access.restart import job_argv
from gpmedic.access.ssh import Shell
from gpmedic.amounts import duration
from gpmedic.cluster import Cluster
from gpmedic.errors import GpmedicError, HostUnreachable, NotApproved, Transient, UnsafeState, UtilityBusy
from gpmedic.gprecoverseg import parse_progress
from gpmedic.pace import Milestones
from gpmedic.plan import Action, Plan, require_rebalance_allowed
from gpmedic.precheck import require
from gpmedic.restart_job import named_by_job
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval, Outdated
from tasks.detect import Seen, look
from tasks.notify import Level, Phase, tell
from tasks.permission import require_permission
from tasks.precheck import Checked, check, require_nobody_works

FIRST_POLL, SLOWEST_POLL = 0.2, 5.0
"""Seconds between two looks at a running job; it begins quickly and slows down."""
LOCK_POLL = 1.0
"""Seconds between two looks at a lock that somebody holds."""
CHECKS_HOLD = 60.0
"""Seconds for which checks hold: a person who answers at once does not wait for them twice."""
SIGN_OF_LIFE_EVERY = 300.0
"""Seconds between two signs of a run that follows a utility: without them it would count as stuck."""
LOST_CONTACT_LIMIT = 900.0
"""Seconds without contact to the coordinator's host after which a wait for a job is given up; the job is not."""
KEPT_OUTPUT = 4 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """A utility that has ended.

    Attributes:
        dbids: the instances that the step of the plan names.
        exit_code: None where its end was not seen.
        output: all of it, at most `KEPT_OUTPUT` characters.
    """

    argv: tuple[str, ...]
    key: str
    dbids: tuple[int, ...]
    exit_code: int | None = None
    output: str = ""


def job_key(action: Action, cluster_name: str, approval: Approval) -> str:
    """The key under which an approved step runs as a detached job; a key is started once, ever, and so is an approval.

    A task that is tried again, a run that is resumed and a person who is asked the same question next week are told
    apart by the moment of the answer: the first two come with the same one, and find the job.
    """
    return f"{_head(action, cluster_name)}-{approval.fingerprint}-{approval.decided_at:%Y%m%d-%H%M%S%f}"


def action_of(key: str, cluster_name: str) -> Action | None:
    """Which step of this cluster the job runs; None where it belongs to another cluster or to nobody we know.

    Only the name may hold dashes, so that a cluster `gp` never adopts what runs for `gp-test`.
    """
    head = key.rsplit("-", 3)[0]
    return next((action for action in Action if head == _head(action, cluster_name)), None)


def _head(action: Action, cluster_name: str) -> str:
    return f"{action.value}-{cluster_name}"  # an action has no dash, or recover-full of `gp` were recover of `full-gp`


def run_approved(
    settings: ClusterSettings,
    action: Action,
    approval: Approval,
    checked: Checked,
    phase: Phase,
    *,
    plan_of: Callable[[Seen], Plan] | None = None,
    check_of: Callable[[Shell, Seen], Checked] | None = None,
) -> Ended | None:
    """Run the command of this step of the plan and wait until it ends; None where the cluster no longer needs it.

    Args:
        checked: the checks that the person was shown; made anew when they are older than `CHECKS_HOLD`, or those of
            another plan.
        plan_of: how a plan is made from a look at the cluster, where it is not the runbook's own.
        check_of: how its checks are made, where they are not the runbook's own; `plan_of` is called after it.

    Raises:
        Outdated: the approval does not cover what the cluster needs now; nothing was started.
        NotApproved: it is not of as many people as are needed; nothing was started.
        UtilityBusy, PrecheckFailed, LockHeld, UnsafeState, ObserveOnly, Braked: nothing was started.
        HostUnreachable: contact was lost; what runs goes on, and who comes again with this approval follows it.
    """
    plan_of = plan_of or (lambda seen: seen.plan(settings))
    key = job_key(action, settings.name, approval)
    with Shell.connect(settings.ssh) as shell, _lock(shell, settings, phase) as require_the_lock_still:
        if status(shell, key).state is not JobState.NEVER:
            tell(phase, f"This approval has started {' '.join(approval.argv)} already, as job {key}.")
            return follow_job(settings, Ended(approval.argv, key, approval.dbids), phase)
        with _nothing_started():
            require_permission(settings, shell)
            _require_none_running(shell, settings)
            seen = look(settings)
            with after_the_answer():
                if checked.age >= CHECKS_HOLD or checked.fingerprint != plan_of(seen).fingerprint:
                    checked = check_of(shell, seen) if check_of else check(settings, shell, seen, plan_of(seen))
                    seen = look(settings)
                plan = plan_of(seen)
            step = plan.step(action)
            if step is None:
                return None
            require(checked.checks)
            if action is Action.REBALANCE:
                with after_the_answer():
                    require_rebalance_allowed(seen.observation.cluster)
            _require_approved(settings, approval, action, plan)
            cluster = seen.observation.cluster
            if step.file is not None:
                write_file(shell, step.file.path, step.file.text)
            _require_nothing_came_between(settings, shell, cluster)
            require_the_lock_still()
        environment = prelude(settings.greenplum, cluster.coordinator.port)
        launch(shell, key, job_argv(step, cluster), environment, settings.greenplum.coordinator_data_directory)
        tell(phase, f"Started {step.command} on {settings.ssh.host}, detached as job {key}.")
        return follow_job(settings, Ended(step.argv, key, step.dbids), phase)


@contextmanager
def _lock(shell: Shell, settings: ClusterSettings, phase: Phase) -> Iterator[Callable[[], None]]:
    """gpmedic's lock on the coordinator's host; that of a run that has crashed is waited for until it goes stale.

    Raises:
        LockHeld: its owner gave a sign of life meanwhile, or it was not given up in time.
    """
    deadline = time.monotonic() + STALE_AFTER + 10
    first: Owner | None = None
    with ExitStack() as held:
        while True:
            try:
                still = held.enter_context(locked(shell, settings))
                break
            except HeldBy as error:
                if first is None:
                    tell(phase, f"{error.message} {error.next_action}", Level.WARNING)
                    first = error.owner
                elif (error.owner.who, error.owner.beat) != (first.who, first.beat):
                    raise  # whoever has it works; only a dead owner is worth waiting for
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOCK_POLL)
        yield still


def _require_nothing_came_between(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> None:
    """The last look before the launch: the checks may be a minute old, and a person may have come with a utility."""
    require_permission(settings, shell)
    require_nobody_works(settings, shell, cluster)


@contextmanager
def _nothing_started() -> Iterator[None]:
    """What ends it here, ends it before the command of this approval was ever started."""
    try:
        yield
    except GpmedicError as error:
        error.nothing_started = True
        raise


@contextmanager
def after_the_answer() -> Iterator[None]:
    """What forbids a step that somebody has approved meanwhile.

    Raises:
        Outdated: it does, as where a segment has gone down that must be up; the page begins again.
    """
    try:
        yield
    except UnsafeState as error:
        raise Outdated(error.message, error.next_action) from error


def _require_approved(settings: ClusterSettings, approval: Approval, action: Action, now: Plan) -> None:
    if approval.step != action.step_name or not approval.covers(now.fingerprint):
        raise Outdated(
            f"The approval of {approval.by} does not cover what the cluster needs now: the cluster has changed, "
            "or the approval has expired. Nothing was started.",
            "Run the flow again: it shows the new plan.",
        )
    if action in settings.policy.two_people and not approval.of_two_people:
        raise NotApproved(
            f"Two people must approve {approval.step} of {settings.name} (policy.two_people), and only"
            f" {approval.operator} has. Nothing was started.",
            "Run the flow again: it asks for both.",
        )


def _require_none_running(shell: Shell, settings: ClusterSettings) -> None:
    """Under the lock: a run that died after the prechecks may have started a command that they have not seen."""
    own = [job.key for job in running_jobs(shell) if action_of(job.key, settings.name) is not None]
    if own:
        raise UtilityBusy(
            f"The job {own[0]} of an earlier run is at work on {settings.ssh.host}; nothing was started.",
            "Run the flow again: it waits for that job and then looks again.",
        )
    others = jobs_on(shell, settings.greenplum.coordinator_data_directory)
    if others:
        raise UtilityBusy(
            f"The job {others[0].key} is at work on {settings.ssh.host}, under another name of this cluster; nothing"
            " was started.",
            "Wait until it has ended, then run the flow again. Register the cluster under one name alone.",
        )


def follow_job(settings: ClusterSettings, job: Ended, phase: Phase) -> Ended:
    """Wait for the job's end and tell its progress; a lost connection is opened again."""
    output, offset, pause, in_touch = "", 0, FIRST_POLL, time.monotonic()
    spoke, warned, signed = in_touch, False, in_touch
    milestones: defaultdict[int, Milestones] = defaultdict(Milestones)
    shell: Shell | None = None
    try:
        while True:
            try:
                shell = shell or Shell.connect(settings.ssh)
                now = status(shell, job.key, offset)
            except Transient as error:
                if shell is not None:
                    shell.close()
                    shell = None
                _require_contact(settings, job, in_touch, error)
                tell(phase, f"{error.message} {' '.join(job.argv)} goes on meanwhile.", Level.WARNING)
            else:
                in_touch, offset = time.monotonic(), now.size
                output = (output + now.output)[-KEPT_OUTPUT:]
                _tell_progress(now.output, phase, milestones)
                _tell_what_it_waits_for(now.output, phase)
                if now.state not in ALIVE:
                    return replace(job, exit_code=now.exit_code, output=output)
                if now.output:
                    spoke = in_touch
                elif not warned and in_touch - spoke >= settings.policy.silence_after:
                    warned = True
                    tell(phase, _silence(settings, job, in_touch - spoke), Level.WARNING)
                if in_touch - signed >= SIGN_OF_LIFE_EVERY:
                    signed = in_touch
                    tell(phase, f"{' '.join(job.argv)} goes on.", Level.STILL)
            time.sleep(pause)
            pause = min(pause * 1.2, SLOWEST_POLL)
    finally:
        if shell is not None:
            shell.close()


def _silence(settings: ClusterSettings, job: Ended, seconds: float) -> str:
    """What to do about a utility that may hang: an alarm only, for its remote workers would outlive it (T22)."""
    return (
        f"{' '.join(job.argv)} has printed nothing for {duration(seconds)}; it goes on and is not stopped. Its log: "
        f"~/.gpmedic/jobs/{job.key}/out on {settings.ssh.host}. Never kill it: look there, and on the segments' hosts "
        "for pg_rewind, pg_basebackup or rsync at work, for sessions that block, and for disks that are full."
    )


def _require_contact(settings: ClusterSettings, job: Ended, in_touch: float, error: Transient) -> None:
    if time.monotonic() - in_touch > LOST_CONTACT_LIMIT:
        raise HostUnreachable(
            f"No contact to {settings.ssh.host} for {LOST_CONTACT_LIMIT:.0f} s; {' '.join(job.argv)} goes on there.",
            "Restore the connection and run the flow again: it adopts the command.",
        ) from error


def _tell_what_it_waits_for(output: str, phase: Phase) -> None:
    if waits := named_by_job("waits", output):
        tell(
            phase,
            f"The database is stopped, and is started when this is over: {', '.join(waits)}. Start nothing by hand"
            " while this job waits. Bring a host back that does not answer. See why a postmaster does not end (its log,"
            " its host, its disks), and end it with pg_ctl stop -m fast, never with SIGKILL.",
            Level.WARNING,
        )


def _tell_progress(output: str, phase: Phase, milestones: defaultdict[int, Milestones]) -> None:
    newest = {p.dbid: p for p in map(parse_progress, output.splitlines()) if p is not None}
    for dbid, progress in newest.items():
        kept = milestones[dbid].reached(progress.percent, time.monotonic())
        tell(
            phase,
            f"dbid {dbid} on {progress.host}: {progress.amount}",
            Level.INFO if kept else Level.PASSING,
            percent=progress.percent,
        )
