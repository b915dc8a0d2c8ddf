"""Wait until every mirror has caught up: watched, measured, alarmed when it stalls, and never ended by force."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from gpmedic.access.environment import prelude
from gpmedic.access.ssh import Shell
from gpmedic.access.watch import Watch
from gpmedic.amounts import duration
from gpmedic.cluster import Cluster, Generation
from gpmedic.conditions import Scenario
from gpmedic.errors import HostUnreachable, NotYetInSync, Transient, UnreadableOutput, UnsafeState
from gpmedic.gpstate import Report, argv, parse_status
from gpmedic.pace import Milestones, pause
from gpmedic.resync import Sample
from gpmedic.ruled_out import by_logs
from gpmedic.settings import ClusterSettings
from gpmedic.sync import (
    ContentProgress,
    Observation,
    Stall,
    SyncProgress,
    advance,
    check_stall,
    filerep_progress,
    observe_replication,
    regressed,
    synchronized,
)
from tasks.detect import look
from tasks.known_cause import read_known_causes
from tasks.notify import Level, Phase, announce, tell
from tasks.publish import SyncBar

PRACTICE_INTERVAL = 0.25
"""Seconds between two looks at a practice cluster; at others see `gpmedic.pace`."""
TELL_EVERY = 1.0
GPSTATE_EVERY = 10.0
"""Seconds between two runs of gpstate -s, which asks every host; on 4.3 only it knows how far a copy is."""
LOOK_CLOSER_EVERY = 10.0
"""Seconds between two whole looks, probes included, while something seems wrong."""
ENDS: Final = frozenset({Scenario.DOUBLE_FAULT, Scenario.MIRRORLESS, Scenario.UNKNOWN})
"""Nothing catches up any more: another page of the runbook."""
LOST_CONTACT_LIMIT = 900.0
MOST_LOGS: Final = 3
"""Logs that are read where mirrors went down again: each host that hangs costs its deadline, and somebody waits."""


@task(name="wait for sync", cache_policy=NO_CACHE)
def wait_for_sync(settings: ClusterSettings) -> Cluster:
    """Watch the catalog until every pair is synchronized.

    Raises:
        DownAgain: a mirror went down again instead of catching up.
        UnsafeState: a primary died meanwhile.
        NotYetInSync: `sync_deadline` is over; the mirrors go on catching up.
        HostUnreachable: the coordinator has not answered for a quarter of an hour.
    """
    return _Wait(settings).until_synchronized()


class DownAgain(UnsafeState):
    """Mirrors went down instead of catching up; `in_vain`: by the log of one, another recovery of that kind is, too."""

    in_vain = False


class _Wait:
    """One wait; of all the looks it keeps the first and the newest."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._began = self._in_touch = time.monotonic()
        self._look_cost = 0.0
        self._milestones = Milestones()
        self._progress: SyncProgress | None = None
        self._bar: SyncBar | None = None
        self._down_since: float | None = None
        self._before: Cluster | None = None
        self._stalled = self._unclear = False
        self._closer_at: float | None = None
        self._told = 0.0
        self._details: dict[int, ContentProgress] = {}
        self._details_at = 0.0

    def until_synchronized(self) -> Cluster:
        watch: Watch | None = None
        try:
            while True:
                began = time.thread_time()
                try:
                    watch = watch or Watch(self._settings)
                    cluster = watch.look()
                except Transient as error:
                    if watch is not None:
                        watch.close()
                        watch = None
                    self._require_contact(error)
                else:
                    self._in_touch = time.monotonic()
                    if synchronized(cluster):
                        self._finish()
                        return cluster
                    self._look_cost = time.thread_time() - began
                    self._judge(cluster)
                time.sleep(PRACTICE_INTERVAL if self._settings.practice else pause(self._progress, self._look_cost))
        finally:
            if watch is not None:
                watch.close()

    def _finish(self) -> None:
        done = None
        if self._progress is not None:
            left = None if self._progress.largest is None else 0
            done = Sample(datetime.now(UTC), contents=0, remaining=left, percent=100.0)
        text = f"Every pair is synchronized, {self._elapsed()} after the first look."
        tell(Phase.SYNCHRONIZE, text, sample=done)

    def _judge(self, cluster: Cluster) -> None:
        now = time.monotonic()
        if self._unclear or (self._before is not None and regressed(self._before, cluster)):
            self._look_closer(now)
        self._before = cluster
        self._require_up(cluster, now)
        self._progress = advance(self._progress, self._observe(cluster, now))
        self._show(cluster, self._progress, now)
        try:
            check_stall(self._progress, self._settings.policy.stall_after)
            self._stalled = False
        except Stall as stall:
            self._alarm(stall)
            self._look_closer(now)
        if now - self._began > self._settings.policy.sync_deadline:
            raise NotYetInSync(
                f"The mirrors have not caught up within {duration(self._settings.policy.sync_deadline)}; they go on.",
                "Look at the report of the wait; run the flow again to go on waiting.",
            )

    def _look_closer(self, now: float) -> None:
        """Ask every primary itself: a wait that goes nowhere looks in the catalog like one that goes on (T5)."""
        self._unclear = True
        if self._closer_at is not None and now - self._closer_at < LOOK_CLOSER_EVERY:
            return
        self._closer_at = now
        try:
            diagnosis = look(self._settings).diagnosis
        except Transient as error:
            self._require_contact(error)
            return
        self._unclear = diagnosis.scenario is Scenario.LOOK_AGAIN
        if diagnosis.scenario in ENDS:
            worst = diagnosis.findings[0]
            raise UnsafeState(
                f"{worst.sentence} The wait has ended; nothing more was done.",
                worst.facts.next_action,
            )

    def _observe(self, cluster: Cluster, now: float) -> Observation:
        seen = observe_replication(cluster, now)
        if cluster.version.generation is not Generation.FILEREP:
            return seen
        if now - self._details_at >= GPSTATE_EVERY or self._settings.practice:
            self._details, self._details_at = _ask_gpstate(self._settings, cluster), now
        return replace(seen, contents=tuple(self._details.get(c.content, c) for c in seen.contents))

    def _require_up(self, cluster: Cluster, now: float) -> None:
        down = [p.mirror for p in cluster.pairs if p.mirror is not None and not p.mirror.is_up]
        if not down:
            self._down_since = None
            return
        self._down_since = self._down_since or now
        if now - self._down_since > self._settings.policy.down_again_after:  # FTS takes its time to see it come back
            what = f"{', '.join(map(str, down))} went down instead of catching up"
            tell(Phase.SYNCHRONIZE, f"{what}. Looking into the log.", Level.WARNING)
            known = read_known_causes(self._settings, cluster, down[:MOST_LOGS])
            if not known:
                raise DownAgain(
                    f"{what}; nothing more was done.",
                    "Read the log of that segment and see that its host is well; then run the flow again.",
                )
            mirror, told = known[0]
            error = DownAgain(
                f"{what}; nothing more was done. Of dbid {mirror.dbid}: {told.cause.meaning} (its log: {told.line}).",
                told.cause.next_action,
            )
            error.in_vain = bool(by_logs(known, self._settings.policy.recovery_type))
            raise error

    def _show(self, cluster: Cluster, progress: SyncProgress, now: float) -> None:
        if self._bar is None:
            self._bar = SyncBar(cluster.name, [c.content for c in progress.last.contents])
        if now - self._told >= TELL_EVERY or self._told == 0.0:
            self._told = now
            kept = self._milestones.reached(progress.percent, now)
            level = Level.INFO if kept else Level.PASSING
            contents = len(progress.last.contents)
            sample = Sample(datetime.now(UTC), contents, progress.remaining, progress.percent, progress.rate)
            tell(Phase.SYNCHRONIZE, progress.describe(), level, percent=progress.percent, sample=sample)
            if kept:
                self._bar.show(progress.percent)

    def _alarm(self, stall: Stall) -> None:
        if self._stalled:
            return
        self._stalled = True
        tell(Phase.SYNCHRONIZE, str(stall), Level.WARNING)
        announce(self._settings.name, "sync.stalled", {"message": stall.message, "next_action": stall.next_action})

    def _require_contact(self, error: Transient) -> None:
        if time.monotonic() - self._in_touch > LOST_CONTACT_LIMIT:
            raise HostUnreachable(
                f"The coordinator has not answered for {duration(LOST_CONTACT_LIMIT)}; what runs there goes on.",
                "Bring the coordinator back, then run the flow again.",
            ) from error
        tell(Phase.SYNCHRONIZE, f"{error.message} Looking again.", Level.WARNING)

    def _elapsed(self) -> str:
        return duration(time.monotonic() - self._began)


def _ask_gpstate(settings: ClusterSettings, cluster: Cluster) -> dict[int, ContentProgress]:
    """How far each content is by gpstate -s; what it says is shown, and never decides anything (T33)."""
    try:
        with Shell.connect(settings.ssh) as shell:
            script = f'{prelude(settings.greenplum, cluster.coordinator.port)}\nexec "$@"'
            report = parse_status(shell.run(script, *argv(Report.STATUS)).stdout)
    except (Transient, UnreadableOutput) as error:
        tell(Phase.SYNCHRONIZE, f"gpstate -s could not be read: {error.message}", Level.WARNING)
        return {}
    contents = {(s.hostname, s.port): s.content for s in cluster.segments}
    found: dict[int, ContentProgress] = {}
    for row in report.segments:
        content = contents.get((row.host, row.port))
        if content is None or row.resynchronization is None:
            continue
        found[content] = filerep_progress(content, row.resynchronization, row.mirror_status or "")
    return found
