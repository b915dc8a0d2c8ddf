"""A recovery that waits for people, the service that tells of it, and the Slack that people read."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from domain.clusters import healthy, mirror_down, probes
from prefect import flow

from flows.journal import keep, keeping, open_journal
from gpmedic.access.slack import Slack
from gpmedic.approvals.decide import Fate
from gpmedic.approvals.service import Service, running
from gpmedic.approvals.socket_mode import listening as over_socket
from gpmedic.diagnosis import diagnose
from gpmedic.errors import GpmedicError
from gpmedic.policy import Automation
from gpmedic.practice.slack import PracticeSlack
from gpmedic.practice.slack.state import Posted
from gpmedic.report import Outcome
from gpmedic.settings import (
    ClusterSettings,
    DatabaseSettings,
    GreenplumSettings,
    PolicySettings,
    SlackSettings,
    SshSettings,
)
from gpmedic.slack import messages
from tasks.approve import Answer, Approval, Needed, Proposal, approve
from tasks.claim import claim
from tasks.find_recovery import find_recovery
from tasks.notify import Phase, listening, tell
from tests.people import give


@pytest.fixture(scope="session", autouse=True)
def every_flow_has_a_server(prefect_server: str) -> None:
    """The one of the session."""


def cluster(workspace: PracticeSlack, **slack: object) -> ClusterSettings:
    """A cluster that nobody reaches: the service never does. It has a channel of its own."""
    wanted = {
        "channel": workspace.new_channel(),
        "approvers": {"U0ANNA", "S0DBAS"},
        "high_risk_approvers": {"U0ANNA", "U0BORIS"},
    }
    return ClusterSettings(
        name=f"Prod-{uuid4().hex[:8]}",
        database=DatabaseSettings(host="nowhere.invalid"),
        ssh=SshSettings(host="nowhere.invalid"),
        greenplum=GreenplumSettings(home="/gp", coordinator_data_directory="/data"),
        policy=PolicySettings(automation=Automation.WITH_APPROVAL),
        slack=SlackSettings.model_validate({**wanted, **slack}),
    )


def proposal(name: str, step: str = "recover", fingerprint: str = "abc123") -> Proposal:
    return Proposal(
        cluster=name,
        step=step,
        fingerprint=fingerprint,
        argv=("gprecoverseg", "-a"),
        dbids=(8,),
        text="**the plan**",
        command="gprecoverseg -a",
        effect="Recovers every segment that is marked down.",
        why="a mirror is down",
        segments=("dbid 8 (sdw2:7000, content 0)",),
        details="the whole plan",
    )


@flow(name="recover")
def recovery(name: str, step: str, needed: Needed, valid_for: float) -> Approval | None:
    """What every page of the runbook does around its question, on a cluster that is not there."""
    claim(name)
    journal = open_journal(name)
    journal.see(diagnose(mirror_down(healthy(), 0), probes(healthy())))
    with listening(keeping(journal)):
        tell(Phase.OBSERVE, "a mirror is down")
        try:
            given = approve(lambda: proposal(name, step), timedelta(seconds=valid_for), needed, journal.answered)
        except GpmedicError as error:
            journal.end(Outcome.REFUSED, error)
            keep(journal)
            raise
        tell(Phase.RECOVER, "gprecoverseg -a has ended")
    journal.end(Outcome.RECOVERED)
    keep(journal)
    return given


@dataclass
class Scene:
    """One cluster, the service that tells of it, and its channel."""

    slack: PracticeSlack
    settings: ClusterSettings
    service: Service
    _crowd: ThreadPoolExecutor
    _before: Counter[Fate] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._before = Counter(self.service.fates)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def fates(self) -> Counter[Fate]:
        """How many clicks had which end since this scene began."""
        return self.service.fates - self._before

    def whispers(self, to: str) -> tuple[Posted, ...]:
        """What only this person sees of this cluster."""
        assert self.settings.slack is not None
        return self.slack.whispers(to, self.settings.slack.channel)

    def begin(
        self,
        step: str = "recover",
        needed: Needed = Needed.ONE_PERSON,
        valid_for: float = 600,
    ) -> "Future[Approval | None]":
        """Start a recovery in the background; it will ask for this step."""
        return self._crowd.submit(copy_context().run, recovery, self.name, step, needed, valid_for)

    def reports(self) -> list[bytes]:
        """What was attached to the threads of this cluster."""
        return [f for name, f in self.slack.files.items() if name.startswith(self.name) and name.endswith(".md")]

    def parent(self) -> Posted | None:
        """The newest incident of this cluster."""
        return next((m for m in reversed(self.slack.parents()) if self.name in m.text), None)

    def replies(self) -> tuple[Posted, ...]:
        parent = self.parent()
        return () if parent is None else self.slack.thread(parent.ts)

    def question(self) -> Posted | None:
        """The newest message of this thread that can be answered."""
        return next((m for m in reversed(self.replies()) if messages.APPROVE in m.buttons), None)

    def asked(self) -> Posted:
        """The question, once it stands in the thread."""
        found = self.slack.wait_for(self.question, 30)
        assert found is not None
        return found


@contextmanager
def serving(slack: PracticeSlack, service: Service) -> Iterator[None]:
    """Run the service, with a connection, as `gpmedic approvals serve` does."""
    with over_socket(slack.app_token, slack.api_url, service.receive), running(service):
        yield


@contextmanager
def scene(slack: PracticeSlack, service: Service, settings: ClusterSettings) -> Iterator[Scene]:
    """The service tells of this cluster; what still waits at the end is answered."""
    with ThreadPoolExecutor(4) as crowd:
        made = Scene(slack, settings, service, crowd)
        service.clusters[settings.name] = settings
        try:
            yield made
        finally:
            _answer_what_waits(made)
            del service.clusters[settings.name]


def _answer_what_waits(made: Scene) -> None:
    waiting = find_recovery(made.name)
    while waiting is not None and waiting.live:
        if waiting.paused_for is not None:
            give(waiting.run, Answer(decision="no", operator="the end of the test"))
        time.sleep(0.1)
        waiting = find_recovery(made.name)


def service_of(slack: PracticeSlack) -> Service:
    return Service(Slack(slack.bot_token, slack.api_url), {})


@pytest.fixture(scope="module")
def workspace() -> Iterator[PracticeSlack]:
    with PracticeSlack() as slack:
        yield slack


@pytest.fixture
def alone() -> Iterator[PracticeSlack]:
    """A workspace for services of a test's own: Slack gives a click to one of an app's connections, whosever it is."""
    with PracticeSlack() as slack:
        yield slack


@pytest.fixture(scope="module")
def service(workspace: PracticeSlack, prefect_server: str) -> Iterator[Service]:
    made = service_of(workspace)
    with serving(workspace, made):
        yield made


@pytest.fixture
def incident(workspace: PracticeSlack, service: Service) -> Iterator[Scene]:
    with scene(workspace, service, cluster(workspace)) as made:
        yield made
