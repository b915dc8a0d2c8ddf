"""Which alarms the runs of one cluster raise, from what a round has read."""

from collections.abc import Iterator
from operator import itemgetter
from uuid import UUID

from flows.deployed import PAGES
from flows.health_check import health_check
from gpmedic.alarms import (
    CRASHED_ACTIONS,
    MOST_LATE,
    UNWATCHED_ACTIONS,
    Alarm,
    Checks,
    Raised,
    is_due,
    raise_alarm,
    start_of,
)
from gpmedic.approvals.view import View
from gpmedic.crashes import Follows, follows
from tasks.find_recovery import Recovery
from tasks.find_runs import Run, Runs, find_runs


def look_at_runs() -> Runs:
    """What Prefect knows of gpmedic's runs, of every cluster."""
    return find_runs([page.name for page in PAGES], health_check.name)


def alarms(view: View, runs: Runs) -> tuple[Raised, ...]:
    """What is wrong with the runs of this cluster at the moment of the view; the worst first."""
    found = (*_unwatched(view, runs), *_crashed(view, runs), *_broken_off(view), *_stuck(view), *_waiting(view, runs))
    return tuple(one for one in found if is_due(one.alarm, one.since, view.at))


def _unwatched(view: View, runs: Runs) -> Iterator[Raised]:
    """Only where health checks are deployed, or have looked at some time."""
    watch = runs.watches.get(view.cluster)
    if watch is not None:
        since = watch.since if view.health is None else max(view.health.at, watch.since)
        action = UNWATCHED_ACTIONS[watch.checks]
        yield raise_alarm(Alarm.UNWATCHED, view.cluster, since, action, start=start_of(watch.pool))
    elif view.health is not None:
        yield raise_alarm(Alarm.UNWATCHED, view.cluster, view.health.at, UNWATCHED_ACTIONS[Checks.NOT_DEPLOYED])


def _crashed(view: View, runs: Runs) -> Iterator[Raised]:
    """The newest that had the cluster, or had not come as far: what is older has been followed by that one."""
    known: dict[UUID, Run | Recovery] = {run.run: run for run in runs.of.get(view.cluster, ())}
    if view.recovery is not None:
        known.setdefault(view.recovery.run, view.recovery)  # it is found also where it is older than the runs are
    newest = next((r for r in known.values() if r.owner or r.crash is not None), None)
    if newest is None or newest.crash is None:
        return
    if view.health is not None and view.health.healthy and view.health.at > newest.crash.at:
        return  # nothing is left for it to do
    becomes = follows((r.crash for r in known.values() if r.owner), view.at) if newest.owner else None
    action = CRASHED_ACTIONS[becomes or Follows.A_PERSONS]
    yield raise_alarm(Alarm.CRASHED, view.cluster, newest.crash.at, action, run=newest.name, id=newest.run)


def _broken_off(view: View) -> Iterator[Raised]:
    recovery = view.recovery
    if recovery is None or not recovery.failed or recovery.ended_at is None or view.wrong is False:
        return
    if view.journal is None or view.journal.outcome is None:
        yield raise_alarm(Alarm.BROKEN_OFF, view.cluster, recovery.ended_at, run=recovery.name, id=recovery.run)


def _stuck(view: View) -> Iterator[Raised]:
    if view.recovery is None or view.recovery.running_since is None:
        return
    since = view.recovery.running_since
    if view.journal is not None and view.journal.now is not None:
        since = max(since, view.journal.now.at)
    yield raise_alarm(Alarm.STUCK, view.cluster, since, run=view.recovery.name, id=view.recovery.run)


def _waiting(view: View, runs: Runs) -> Iterator[Raised]:
    """Those that have waited for longest, for a worker or for what it has begun."""
    known = runs.of.get(view.cluster, ())
    pending = [(r.fetched_at, Alarm.PENDING, r) for r in known if r.fetched_at is not None]
    late = [(r.waits_since, Alarm.LATE, r) for r in known if r.waits_since is not None]
    for since, alarm, run in sorted((*pending, *late), key=itemgetter(0))[:MOST_LATE]:
        yield raise_alarm(alarm, view.cluster, since, run=run.name, id=run.run, start=start_of(run.pool))
