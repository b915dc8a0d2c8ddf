"""gpstop, the proof that no postmaster is left, gpstart: one detached job, judged by what answers afterwards."""

import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from prefect import task

from gpmedic.access.ssh import Shell
from gpmedic.errors import GpmedicError, Transient, UnreadableOutput, UtilityFailed
from gpmedic.gpstop import parse_start, parse_stop
from gpmedic.gpstop_lines import StartOutcome
from gpmedic.plan import Action, Plan, silent_contents
from gpmedic.restart import RestartNotes
from gpmedic.restart_job import OUR_LINE, named_by_job
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.compare_copies import compare_again
from tasks.detect import Seen, look
from tasks.notify import Phase, tell
from tasks.precheck import Checked, check
from tasks.run_utility import Ended, run_approved
from tasks.transient import RETRIED

LOOK_EVERY = 1.0
_NOT_STARTED = frozenset({StartOutcome.NOT_ENOUGH_SEGMENTS, StartOutcome.STANDBY_UNREACHABLE, StartOutcome.ERROR})
_OTHERWISE = (
    "The database may be stopped: read gpstart's output in the job's folder and the log of the segment that it"
    " names, repair what keeps it from starting, then run gpstart -a by hand and the flow again."
)
_POSTMASTER = "postmaster "
_SOMEBODY_ELSE = (
    "gpmedic has started nothing. Find out who starts the database, and let them finish: two gpstart would be in each"
    " other's way; where nobody does, gpstart -a. Then run the flow again; it looks anew."
)
_POSTMASTER_LEFT = (
    "The database may be stopped: see why that postmaster does not end (its log, its host), end it with pg_ctl stop -m"
    " fast, never with SIGKILL, and start the database with gpstart -a."
)
_HOST_LEFT = (
    "The database is stopped. Bring that host back, then run gpstart -a by hand and the flow again. Where it stays"
    " away, make sure that it is off: from Greenplum 6 on gpstart leaves out what is on a host that it cannot reach,"
    " and mirrors that were in sync take over (for the standby's host -S -y); 4.3 does not come back without it."
)
_ADVICE: Mapping[StartOutcome | None, str] = MappingProxyType(
    {
        StartOutcome.NOT_ENOUGH_SEGMENTS: "The database is down: gpstart has stopped again what it had started. Read"
        " why no copy of the content that it names has started (its output in the job's folder, their logs), repair"
        " that, then run gpstart -a by hand and the flow again.",
        StartOutcome.STANDBY_UNREACHABLE: "The database is down: gpstart starts nothing while the standby's host is"
        " silent, and -y does not change that. Make sure that no coordinator runs there, then run gpstart by hand"
        " without -a, say yes to its question, which leaves the standby out, and run the flow again.",
    }
)


@task(name="restart", **RETRIED)
def restart(settings: ClusterSettings, approval: Approval, checked: Checked, notes: RestartNotes) -> None:
    """Restart the database and judge by catalog and probes that every acting primary answers.

    Args:
        notes: those that the approved plan was made with; the copies are compared anew where the checks are made anew.

    Raises:
        UtilityFailed: it ended, and the coordinator or acting primaries do not answer.
        Other errors: see `run_approved`; nothing was started.
    """
    newest = notes

    def plan_of(seen: Seen) -> Plan:
        return seen.plan(settings, restart=newest)

    def check_of(shell: Shell, seen: Seen) -> Checked:
        nonlocal newest
        newest = compare_again(settings, shell, seen)
        return check(settings, shell, seen, plan_of(seen))

    ended = run_approved(settings, Action.RESTART, approval, checked, Phase.RESTART, plan_of=plan_of, check_of=check_of)
    if ended is not None:
        tell(Phase.RESTART, f"The restart has ended: {explain_restart(ended)}.")
        require_answers(settings, ended)


def require_answers(settings: ClusterSettings, ended: Ended) -> None:
    """Return when the coordinator and every acting primary answer.

    Raises:
        UtilityFailed: they do not within `policy.settle_within`, in which a primary may replay and FTS promote; at once
            where nobody starts it.
    """
    deadline = time.monotonic() + (0 if _is_not_started(ended) else settings.policy.settle_within)
    while missing := _missing(settings):
        if time.monotonic() > deadline:
            said = f"{explain_restart(ended)}; {missing}"
            raise UtilityFailed(ended.argv, ended.exit_code, said, advice_restart(ended))
        time.sleep(LOOK_EVERY)


def _missing(settings: ClusterSettings) -> str:
    try:
        seen = look(settings)
    except Transient as error:
        return error.message
    contents = ", ".join(map(str, silent_contents(seen.diagnosis)))
    return f"no copy answers of content {contents}" if contents else ""


def _is_not_started(ended: Ended) -> bool:
    """Whether its own words say so, so that there is nothing to wait for."""
    if named_by_job("foreign", ended.output):
        return False
    return "start" not in dict(_parts(ended.output)) or _outcome_of_start(ended) in _NOT_STARTED


def _outcome_of_start(ended: Ended) -> StartOutcome | None:
    """What gpstart said; None where it did not run or is not understood."""
    said = dict(_parts(ended.output)).get("start")
    try:
        return None if said is None else parse_start(said).outcome
    except UnreadableOutput:
        return None


def _was_not_stopped(ended: Ended) -> bool:
    return "not stopped" in OUR_LINE.findall(ended.output)


def _parts(output: str) -> Iterator[tuple[str, str]]:
    """What each of the two commands has printed."""
    pieces = OUR_LINE.split(output)
    for ours, text in zip(pieces[1::2], pieces[2::2], strict=True):
        word, colon, _ = ours.partition(":")
        if colon and word in {"stop", "start"}:
            yield word, text


def explain_restart(ended: Ended) -> str:
    """What the job said of itself, one line: an explanation, never the judgement."""
    parts = dict(_parts(ended.output))
    left, foreign, beside = (named_by_job(word, ended.output) for word in ("left", "foreign", "beside"))
    said: list[str] = []
    try:
        if "stop" in parts:
            stop = parse_stop(parts["stop"])
            said += [f"gpstop: {stop.outcome.value}", *stop.errors[:2]]
        if left:
            why = "nothing was stopped" if _was_not_stopped(ended) else "not started"
            said.append(f"{why}, because {', '.join(map(_as_reason, left))}")
        if foreign:
            said.append(f"not started, because somebody else has started {', '.join(foreign)}")
        if beside:
            said.append(f"started although {', '.join(map(_as_reason, beside))}")
        if "start" in parts:
            start = parse_start(parts["start"])
            said += [f"gpstart: {start.outcome.value}", *start.errors[:3]]
    except UnreadableOutput as error:
        said.append(error.message)
    return "; ".join(line.splitlines()[0] for line in said if line) or "it said nothing"


def _as_reason(left: str) -> str:
    return f"there is still {left}" if left.startswith(_POSTMASTER) else left


def advice_restart(ended: Ended) -> str:
    """What a person should do after it failed."""
    if _was_not_stopped(ended):
        return "The database was left as it was: see to what is named there, then run the flow again."
    if named_by_job("foreign", ended.output):
        return _SOMEBODY_ELSE
    if left := named_by_job("left", ended.output):
        return _POSTMASTER_LEFT if any(line.startswith(_POSTMASTER) for line in left) else _HOST_LEFT
    return _ADVICE.get(_outcome_of_start(ended), _OTHERWISE)


def answers_again(settings: ClusterSettings, ended: Ended) -> bool:
    """Wait after a restart of which only the end was seen; whether every acting primary answers."""
    try:
        require_answers(settings, ended)
    except GpmedicError:
        return False
    return True
