"""The practice cluster's fault tolerance service: probes acting primaries and decides as Greenplum's FTS does.

It marks down, promotes only a pair that was in sync, leaves both copies' rows alone in a double fault and only logs it,
and never marks anything in a cluster without mirrors. It is quicker than the real one (see `Pace`).
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg2

from gpmedic.cluster import COORDINATOR_CONTENT, Generation, Mode, Role, Status
from gpmedic.practice.catalog_rows import CatalogRows, Change
from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Answer
from gpmedic.practice.greenplum_catalog import FTS_CHANNEL
from gpmedic.practice.layout import Row
from gpmedic.practice.servers import Connection, Servers

# One that catches up counts from its first chunk of WAL on: what a mirror asks for may be gone.
_STREAMS = """
SELECT state FROM pg_stat_replication WHERE application_name = 'gp_walreceiver'
  AND (state = 'streaming' OR (state = 'catchup' AND write_lsn IS NOT NULL))
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of the practice FTS in seconds; Greenplum's own are gp_fts_probe_interval 60 and so on."""

    interval: float = 0.3
    calm_interval: float = 1.5  # while every pair is in sync and nobody has asked anything of the practice cluster
    attention: float = 5.0  # how long somebody who has asked is expected to ask again
    mirror_grace: float = 0.6  # how long a mirror may not stream before it is marked down
    starting_grace: float = 10.0  # how long a primary may say "starting up"


class Stream(StrEnum):
    """What a primary says of its mirror's stream."""

    NONE = "none"
    UNSURE = "unsure"  # none, but not yet for long
    CATCHING_UP = "catching up"
    STREAMING = "streaming"


class Decision(StrEnum):
    NOTHING = "nothing"
    PROMOTE = "promote"  # the mirror becomes the acting primary
    FINISH_PROMOTION = "finish promotion"  # it is so already in the catalog
    DOUBLE_FAULT = "double fault"
    MIRROR_DOWN = "mirror down"
    MIRROR_UP = "mirror up"  # it streams again, not yet in sync
    IN_SYNC = "in sync"


@dataclass(frozen=True, slots=True)
class Seen:
    """One probe of an acting primary; `mirror` is only looked at when the primary does not answer."""

    primary: Answer
    stream: Stream = Stream.NONE
    mirror: Answer = Answer.RECOVERS


def decide(generation: Generation, primary: Row, mirror: Row | None, seen: Seen) -> Decision:
    """What FTS does about one content; pure."""
    if mirror is None or seen.primary is Answer.STARTING:
        return Decision.NOTHING
    if seen.primary is Answer.RECOVERS:
        return Decision.FINISH_PROMOTION
    if seen.primary is not Answer.ACCEPTS:
        was_in_sync = mirror.status is Status.UP and mirror.mode is Mode.SYNCHRONIZED
        # 6 and 7 fail over without asking the mirror; 4.3 leaves the catalog as it was when neither answers (T29).
        dead = generation is Generation.FILEREP and seen.mirror is not Answer.RECOVERS
        return Decision.PROMOTE if was_in_sync and not dead else Decision.DOUBLE_FAULT
    if seen.stream is Stream.UNSURE:
        return Decision.NOTHING  # whatever the catalog says stays
    if seen.stream is Stream.NONE:
        return Decision.MIRROR_DOWN if mirror.status is Status.UP else Decision.NOTHING
    if generation is Generation.FILEREP:  # only gprecoverseg begins a resynchronization
        resynchronized = primary.mode is Mode.RESYNCHRONIZING and mirror.status is Status.UP
        return Decision.IN_SYNC if resynchronized and seen.stream is Stream.STREAMING else Decision.NOTHING
    if mirror.status is Status.DOWN:
        return Decision.MIRROR_UP
    if seen.stream is Stream.STREAMING and mirror.mode is not Mode.SYNCHRONIZED:
        return Decision.IN_SYNC
    return Decision.NOTHING


def changes(generation: Generation, decision: Decision, primary: Row, mirror: Row) -> list[Change]:
    """The rows that a decision leaves, in the order in which FTS writes them."""
    out = Mode.CHANGE_TRACKING if generation is Generation.FILEREP else Mode.NOT_IN_SYNC
    # 4.3 leaves the mode of the segment that it marks down as it was.
    lost = {} if generation is Generation.FILEREP else {"mode": Mode.NOT_IN_SYNC}
    match decision:
        case Decision.PROMOTE:
            return [
                {"dbid": primary.dbid, "role": Role.MIRROR, "status": Status.DOWN, **lost},
                {"dbid": mirror.dbid, "role": Role.PRIMARY, "status": Status.UP, "mode": out},
            ]
        case Decision.MIRROR_DOWN:
            return [
                {"dbid": primary.dbid, "role": Role.PRIMARY, "status": Status.UP, "mode": out},
                {"dbid": mirror.dbid, "role": Role.MIRROR, "status": Status.DOWN, **lost},
            ]
        case Decision.MIRROR_UP | Decision.IN_SYNC:
            mode = Mode.SYNCHRONIZED if decision is Decision.IN_SYNC else Mode.NOT_IN_SYNC
            return [
                {"dbid": primary.dbid, "role": Role.PRIMARY, "status": Status.UP, "mode": mode},
                {"dbid": mirror.dbid, "role": Role.MIRROR, "status": Status.UP, "mode": mode},
            ]
        case _:
            return []


def description(generation: Generation, decision: Decision, content: int, change: Change) -> str:
    """What FTS writes into gp_configuration_history, in the words of the recorded clusters."""
    if generation is Generation.WAL:
        return (
            f"FTS: update role, status, and mode for dbid {change['dbid']} with contentid {content} to"
            f" {change['role']}, {change['status']}, and {change['mode']}"
        )
    if decision is Decision.IN_SYNC:
        return "FTS: changed segment to insync from resync."
    if change["status"] is Status.DOWN:
        return f"FTS: content {content} fault marking status DOWN role m"
    return f"FTS: content {content} fault marking status UP mode: change-tracking role p"


class Fts:
    """Runs in a thread of its own from `start` to `close`.

    Args:
        connect: opens a session on the coordinator.
        held_back: whether a content's mirror is to be kept from being in sync yet (a slow resynchronization).
        log: takes FTS's log lines.
        after_round: called after each round that found the coordinator up.
    """

    def __init__(
        self,
        generation: Generation,
        rows: CatalogRows,
        servers: Servers,
        connect: Callable[[], Connection],
        *,
        held_back: Callable[[int], bool],
        log: Callable[[str], None],
        after_round: Callable[[tuple[Row, ...]], None],
        pace: Pace,
    ) -> None:
        self._generation = generation
        self._rows = rows
        self._servers = servers
        self._connect = connect
        self._held_back = held_back
        self._log = log
        self._after_round = after_round
        self._pace = pace
        self._paused = False
        self._closed = False
        self._rounds = 0
        self._attentive_until = time.monotonic() + pace.attention
        self._turn = threading.Condition()
        self._wake_read, self._wake_write = os.pipe()
        self._listening: Connection | None = None
        self._without_stream: dict[int, float] = {}
        self._starting: dict[int, float] = {}
        self._double_faults: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="practice-fts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(5)

    def pause(self, on: bool) -> None:
        """Rest, or go on; when this returns no round is at work any more if it rests."""
        with self._turn:
            self._paused = on
        if on:
            self.probe()

    def probe(self, timeout: float = 30) -> None:
        """Wait for a whole round that begins after this call."""
        with self._turn:
            wanted = self._rounds + 2  # one may be at work just now
            self._wake()
            while self._rounds < wanted and not self._closed:
                if not self._turn.wait(0.05):
                    self._wake()
                timeout -= 0.05
                if timeout <= 0:
                    raise PracticeError("FTS did not finish a round.")

    def attend(self) -> None:
        """Probe at the quick pace for a while: somebody has changed something, or waits for something."""
        was_calm = time.monotonic() >= self._attentive_until
        self._attentive_until = time.monotonic() + self._pace.attention
        if was_calm:
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def _run(self) -> None:
        while not self._closed:
            asked = self._await_turn()
            if asked:
                self._answer_request("begun = begun + 1")
            if not self._paused:
                try:
                    self._round()
                except psycopg2.Error as error:  # the coordinator is down or going down: there is nobody to decide for
                    self._log(f"FTS: no coordinator: {str(error).strip().splitlines()[0]}")
                except (OSError, PracticeError) as error:  # a server or its directory went away meanwhile: look again
                    self._log(f"FTS: {error}")
            if asked:
                self._answer_request("ended = begun")
            if asked or not all(map(_settled, self._rows.known)):
                self._attentive_until = time.monotonic() + self._pace.attention
            with self._turn:
                self._rounds += 1
                self._turn.notify_all()
        if self._listening is not None:
            self._listening.close()

    def _await_turn(self) -> bool:
        """Sleep until the next round is due; whether a session asked for one (gp_request_fts_probe_scan)."""
        sources: list[Any] = [self._wake_read]
        try:
            if self._listening is None or self._listening.closed:
                self._listening = self._connect()
                with self._listening.cursor() as cursor:
                    cursor.execute(f"LISTEN {FTS_CHANNEL}")
            sources.append(self._listening)
        except psycopg2.Error:
            self._listening = None
        calm = time.monotonic() >= self._attentive_until
        ready, _, _ = select.select(sources, [], [], self._pace.calm_interval if calm else self._pace.interval)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        if self._listening is None or self._listening not in ready:
            return False
        try:
            self._listening.poll()
        except psycopg2.Error:
            self._listening.close()
            self._listening = None
            return False
        asked = bool(self._listening.notifies)
        self._listening.notifies.clear()
        return asked

    def _answer_request(self, update: str) -> None:
        with contextlib.suppress(psycopg2.Error):
            self._rows.execute(f"UPDATE gpmedic_practice.fts_rounds SET {update}")  # noqa: S608 (a constant)

    def _round(self) -> None:
        rows = self._rows.read()
        for content in sorted({row.content for row in rows} - {COORDINATOR_CONTENT}):
            primary = next((r for r in rows if r.content == content and r.role is Role.PRIMARY), None)
            mirror = next((r for r in rows if r.content == content and r.role is Role.MIRROR), None)
            if primary is None:
                continue
            decision = decide(self._generation, primary, mirror, self._look(primary, mirror))
            if decision is not Decision.DOUBLE_FAULT:
                self._double_faults.discard(content)
            if mirror is not None and decision is not Decision.NOTHING:
                self._act(decision, primary, mirror)
        self._after_round(self._rows.known)

    def _act(self, decision: Decision, primary: Row, mirror: Row) -> None:
        content = primary.content
        if decision is Decision.DOUBLE_FAULT:
            if content not in self._double_faults:
                self._double_faults.add(content)
                self._log(
                    f"FTS: double fault detected (content={content}) primary dbid={primary.dbid},"
                    f" mirror dbid={mirror.dbid}"
                )
            return
        if decision is Decision.FINISH_PROMOTION:
            self._promote(primary)
            return
        if decision in {Decision.IN_SYNC, Decision.MIRROR_DOWN}:
            self._servers.wait_for_mirror(primary, on=decision is Decision.IN_SYNC)
        made = changes(self._generation, decision, primary, mirror)
        told = {change["dbid"]: description(self._generation, decision, content, change) for change in made}
        self._rows.change(made, told)
        if decision is Decision.PROMOTE:
            self._promote(mirror)

    def _promote(self, row: Row) -> None:
        try:
            self._servers.promote(row)
        except PracticeError as error:
            self._log(f"FTS: {error.message}")

    def _look(self, primary: Row, mirror: Row | None) -> Seen:
        stream = self._stream(primary)
        if stream is None:
            answer = self._servers.answer(primary)
            if answer is Answer.ACCEPTS:
                stream = self._stream(primary)
            if stream is None:
                other = Answer.REFUSED if mirror is None else self._servers.answer(mirror)
                return Seen(self._patient(primary.content, answer), mirror=other)
        self._starting.pop(primary.content, None)
        if stream is Stream.STREAMING and self._held_back(primary.content):
            stream = Stream.CATCHING_UP
        if mirror is not None and mirror.status is Status.DOWN:
            self._without_stream.pop(primary.content, None)  # once it is marked up, its grace begins anew
        return Seen(Answer.ACCEPTS, self._with_grace(primary.content, stream))

    def _patient(self, content: int, answer: Answer) -> Answer:
        if answer is not Answer.STARTING:
            self._starting.pop(content, None)
            return answer
        since = self._starting.setdefault(content, time.monotonic())
        return answer if time.monotonic() - since < self._pace.starting_grace else Answer.REFUSED

    def _with_grace(self, content: int, stream: Stream) -> Stream:
        if stream is not Stream.NONE:
            self._without_stream.pop(content, None)
            return stream
        since = self._without_stream.setdefault(content, time.monotonic())
        return Stream.NONE if time.monotonic() - since >= self._pace.mirror_grace else Stream.UNSURE

    def _stream(self, primary: Row) -> Stream | None:
        """The state of the mirror's stream; None where the primary does not answer."""
        try:
            [found] = self._servers.ask(primary, _STREAMS)
        except psycopg2.Error:
            return None
        states = {state for (state,) in found}
        if "streaming" in states:
            return Stream.STREAMING
        return Stream.CATCHING_UP if states else Stream.NONE


def _settled(row: Row) -> bool:
    """Whether FTS has nothing to wait for at this segment."""
    in_sync = row.status is Status.UP and row.mode is Mode.SYNCHRONIZED
    return in_sync or row.content == COORDINATOR_CONTENT


def log_line(text: str) -> str:
    """A line of the coordinator's log, as far as a reader of Greenplum's CSV log looks at it."""
    return f'{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f UTC},,,p{os.getpid()},,,,0,,,,,,,sx1,"LOG","00000","{text}"\n'
