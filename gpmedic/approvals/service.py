"""The service: rounds that keep the threads true, and between them the clicks, one after the other.

One thread does all of it, so that of two people who click at once one is first. Only what Slack wants within three
seconds of a click, forms and details, is answered by the threads that receive.
"""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Final

import httpx

from gpmedic.access.slack import Slack, SlackAway
from gpmedic.approvals.alarm_looks import AlarmLooks
from gpmedic.approvals.alarm_posts import AlarmPosts
from gpmedic.approvals.clicks import Click, Wish, carried, read
from gpmedic.approvals.decide import Fate, Ruling, Waiting, decide, find
from gpmedic.approvals.prefect_away import PrefectAway
from gpmedic.approvals.reconcile import reconcile
from gpmedic.approvals.speaking import Speaking
from gpmedic.approvals.tallies import Round, Tallies
from gpmedic.approvals.thread import Thread, Threads
from gpmedic.approvals.view import look
from gpmedic.errors import GpmedicError
from gpmedic.languages.language import Language
from gpmedic.settings import ClusterSettings, SlackSettings
from gpmedic.slack import messages
from gpmedic.slack.who_may import may_start
from tasks.approve import Decision
from tasks.connection import one_connection
from tasks.find_recovery import find_recovery
from tasks.start_recovery import start_recovery

ROUND_EVERY: Final = 1.0
AFTER_TROUBLE: Final = 5.0
"""Seconds between two rounds."""
CLICKS_REMEMBERED: Final = 1000
ATTEMPTS: Final = 4
PAUSE: Final = 0.3
_log = logging.getLogger("gpmedic.approvals")


class Service:
    """Tells the incidents of these clusters, and takes decisions on them.

    Attributes:
        clusters: by name; may be changed while it runs.
        fates: how many clicks had which end, those that were no click of ours among them.
        rounds: how many were begun.
        tallies: what they have seen, and what became of them.
    """

    def __init__(self, slack: Slack, clusters: dict[str, ClusterSettings]) -> None:
        self._slack = slack
        self.clusters = clusters
        self._clicks: SimpleQueue[Click] = SimpleQueue()
        self._seen: OrderedDict[tuple[str, str, str, str], None] = OrderedDict()
        self._seen_lock = Lock()
        self._next_round = 0.0
        self._context = copy_context()  # Prefect's settings live there, and the threads that receive have their own
        self.fates: Counter[Fate] = Counter()
        self._fates_lock = Lock()
        self.rounds = 0
        self.tallies = Tallies()
        self._found: set[str] = set()
        self._threads = Threads()
        self._alarms, self._alarm_looks, self._prefect_away = AlarmPosts(), AlarmLooks(), PrefectAway()
        self._not_before: dict[str, float] = {}

    def receive(self, payload: object) -> None:
        """Take what Slack has sent, after it was acknowledged; a redelivery of it changes nothing."""
        click = read(payload)
        if click is None:
            self._count(Fate.FORGED)
            return
        if self._is_known(click):
            return
        if click.wish in (Wish.ASK_REASON, Wish.DETAILS):
            self._context.copy().run(self._guarded, click, self._show)
        else:
            self._clicks.put(click)

    def refuse(self) -> None:
        """Count a request that Slack has not signed."""
        self._count(Fate.FORGED)

    @property
    def served(self) -> tuple[str, ...]:
        """The names of the clusters that have a thread in Slack."""
        return tuple(sorted(name for name, one in tuple(self.clusters.items()) if one.slack is not None))

    def run(self, stop: Event) -> None:
        """Work until `stop` is set."""
        with one_connection():
            while not stop.is_set():
                try:
                    click = self._clicks.get(timeout=max(0.0, min(0.5, self._next_round - time.monotonic())))
                except Empty:
                    if time.monotonic() >= self._next_round:
                        self.round()
                else:
                    self._guarded(click, self._rule)
                    self._next_round = 0.0  # what has been decided is shown at once

    def round(self) -> None:
        """Make every thread show what is."""
        self.rounds += 1
        self._next_round = time.monotonic() + ROUND_EVERY
        for name, settings in tuple(self.clusters.items()):
            if settings.slack is None or time.monotonic() < self._not_before.get(name, 0.0):
                continue
            try:
                view = look(name)
                self._prefect_away.answers()
                try:
                    reconcile(self._slack, self._threads, settings, settings.slack, view, first=name not in self._found)
                    self._found.add(name)
                finally:  # people come first, whatever is wrong with the alarms and the counting
                    thread, raised = self._threads.held(name), self._alarm_looks.raised(view)
                    self.tallies.saw(view, thread, raised)
                speaking, channel = Speaking(self._slack, settings.language), settings.slack.channel
                if raised is not None:
                    self._alarms.tell(speaking, name, channel, thread, raised)
                self._prefect_away.take_back(speaking, channel)
                self.tallies.ended(name, Round.DONE)
            except SlackAway as error:
                self.tallies.ended(name, Round.SLACK_AWAY)
                _log.warning("%s: %s", name, error)
                self._not_before[name] = time.monotonic() + error.retry_after
                if error.limited:
                    self._next_round = time.monotonic() + max(error.retry_after, ROUND_EVERY)
                    return
            except GpmedicError as error:
                self._in_trouble(name, Round.REFUSED, str(error))
            except httpx.HTTPError as error:
                what = f"the Prefect server does not answer ({type(error).__name__})."
                self._in_trouble(name, Round.PREFECT_AWAY, what)
                channel = settings.slack.channel
                told = ", ".join(one.name for one in self._told_in(channel))
                self._prefect_away.tell(self._speaking(channel), channel, told)
            except Exception:
                self.tallies.ended(name, Round.FAILED)
                _log.exception("%s: this round failed; a later one tries again.", name)
                self._not_before[name] = time.monotonic() + AFTER_TROUBLE

    def _in_trouble(self, name: str, how: Round, what: str) -> None:
        self.tallies.ended(name, how)
        _log.warning("%s: %s", name, what)
        self._not_before[name] = time.monotonic() + AFTER_TROUBLE

    def _count(self, fate: Fate) -> None:
        with self._fates_lock:  # several threads receive
            self.fates[fate] += 1

    def _is_known(self, click: Click) -> bool:
        with self._seen_lock:
            known = click.identity in self._seen
            self._seen[click.identity] = None
            while len(self._seen) > CLICKS_REMEMBERED:
                self._seen.popitem(last=False)
        return known

    def _guarded(self, click: Click, act: Callable[[Click], Ruling]) -> None:
        try:
            ruling = self._ruling(click, act)
            self._count(ruling.fate)
            if ruling.told:
                self._speaking(click.channel).whisper(click.channel, click.user, messages.whisper(ruling.told))
        except GpmedicError as error:
            _log.warning("Nobody could be told what became of a click: %s", error)

    def _ruling(self, click: Click, act: Callable[[Click], Ruling]) -> Ruling:
        try:
            return act(click)
        except GpmedicError as error:
            return Ruling(Fate.FAILED, str(error))
        except Exception as error:
            _log.exception("A click could not be followed.")
            return Ruling(Fate.FAILED, f"{type(error).__name__}: it could not be followed; see the service's log.")

    def _show(self, click: Click) -> Ruling:
        """A form that asks for the reason, or the whole plan: whoever may not decide may read."""
        waiting = self._meant(click)
        for _ in range(ATTEMPTS):  # a message can be clicked before the round that has posted it has noted that
            if isinstance(waiting, Waiting) or waiting.fate is not Fate.STALE:
                break
            time.sleep(PAUSE)
            waiting = self._meant(click)
        if isinstance(waiting, Ruling):
            return waiting
        if click.wish is Wish.ASK_REASON:
            self._speaking(click.channel).open_form(
                click.trigger, messages.reason_view(waiting.question, carried(click))
            )
        else:
            self._speaking(click.channel).whisper(
                click.channel, click.user, messages.details(waiting.question), click.message
            )
        return Ruling(Fate.SHOWN)

    def _rule(self, click: Click) -> Ruling:
        if click.wish is Wish.START:
            return self._start(click)
        waiting = self._meant(click)
        if isinstance(waiting, Ruling):
            return waiting
        wanted = self._wanted(waiting.request.proposal.cluster)
        if wanted is None:
            return Ruling(Fate.FORGED, "This cluster is not one of this service.")
        decider = self._slack.decider(click.user, wanted.groups)
        decision = Decision.YES if click.wish is Wish.APPROVE else Decision.NO
        return decide(waiting, wanted, decider, decision, click.reason)

    def _meant(self, click: Click) -> Waiting | Ruling:
        """The open question behind a button; the button must be in the message that asks it."""
        waiting = find(click.value)
        if isinstance(waiting, Ruling):
            return waiting
        thread = self._threads.recall(waiting.request.proposal.cluster)
        posted = thread.asked(waiting.recovery.run, waiting.request.key) if thread is not None else None
        if thread is None or posted is None or (thread.channel, posted.ts) != (click.channel, click.message):
            return Ruling(Fate.STALE, "This is not the message that asks; the thread of the incident has it.")
        return waiting

    def _start(self, click: Click) -> Ruling:
        name, wanted = click.value, self._wanted(click.value)
        thread = self._threads.recall(name) if wanted is not None else None
        if wanted is None or thread is None or (thread.channel, thread.ts) != (click.channel, click.message):
            return Ruling(Fate.FORGED, "This button belongs to no open incident.")
        decider = self._slack.decider(click.user, wanted.groups)
        if because := may_start(decider, wanted):
            return Ruling(Fate.REFUSED, because)
        newest = find_recovery(name)
        if thread.over or (newest is not None and newest.live):
            return Ruling(Fate.STALE, "Too late: the incident is over, or a recovery is running.")
        start_recovery(name, click.user, _wish(thread, newest.run if newest is not None else None))
        return Ruling(Fate.DECIDED, "The recovery is started; it asks here before every disruptive step.")

    def _speaking(self, channel: str) -> Speaking:
        """Slack in the language of the clusters of this channel."""
        return Speaking(self._slack, next((one.language for one in self._told_in(channel)), Language.ENGLISH))

    def _told_in(self, channel: str) -> Iterator[ClusterSettings]:
        clusters = tuple(self.clusters.values())
        return (one for one in clusters if one.slack is not None and one.slack.channel == channel)

    def _wanted(self, cluster: str) -> SlackSettings | None:
        settings = self.clusters.get(cluster)
        return None if settings is None else settings.slack


@contextmanager
def running(service: Service) -> Iterator[None]:
    """Have the service work in a thread of its own, with the Prefect settings of this one, until the block ends."""
    stop = Event()
    thread = threading.Thread(target=copy_context().run, args=(service.run, stop), name="gpmedic-approvals")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _wish(thread: Thread, after: object) -> str:
    """The same for two people who press the same button before the first run has begun."""
    return f"{thread.ts}-after-{after}"
