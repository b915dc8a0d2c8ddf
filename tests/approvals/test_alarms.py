"""What goes wrong with gpmedic's own runs is told once, says what to do, and is taken back when it is over."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from approvals.conftest import Scene, cluster, scene, service_of, serving
from approvals.test_start import recover
from approvals.test_threads import check
from domain.clusters import healthy, mirror_down
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Crashed, Scheduled

import gpmedic.alarms
from flows.health_check import health_check
from flows.health_note import HealthNote
from flows.journal import Journal
from gpmedic.access.slack import Slack
from gpmedic.alarms import ALARMS, Alarm, Checks, raise_alarm
from gpmedic.approvals.alarm_posts import AlarmPosts
from gpmedic.approvals.alarms import alarms, look_at_runs
from gpmedic.approvals.doctor import RunsVisit
from gpmedic.approvals.speaking import Speaking
from gpmedic.approvals.tallies import Round
from gpmedic.approvals.view import View
from gpmedic.check import Verdict
from gpmedic.crashes import MOST_IN_A_ROW, Crash
from gpmedic.doctor import Access, Finding, examine
from gpmedic.languages.language import Language
from gpmedic.practice.slack import PracticeSlack
from gpmedic.practice.slack.state import Posted
from gpmedic.report import Outcome
from tasks.claim import claim
from tasks.find_recovery import Recovery
from tasks.find_runs import TAG, Run, Runs, Watch
from tasks.notify import Level, Phase, Progress
from tests.prefect_between import between

NOW = datetime.now(UTC)
NONE = Runs({}, {})
CRASH = Crash(NOW, timedelta(minutes=1), deployed=True)


def ago(alarm: Alarm, **more: float) -> datetime:
    """As long ago as this alarm needs."""
    return NOW - ALARMS[alarm].after - timedelta(**more)


def view(recovery: Recovery | None = None, journal: Journal | None = None, health: HealthNote | None = None) -> View:
    return View("lab", health, recovery, journal, None, NOW)


def working(since: datetime) -> Recovery:
    return Recovery(uuid4(), "otter", True, None, None, None, running_since=since)


def said(at: datetime, level: Level = Level.INFO) -> Journal:
    journal = Journal(cluster_name="lab")
    journal.hear(Progress(Phase.RECOVER, "gprecoverseg goes on", level, at=at))
    return journal


def looked(at: datetime, *, healthy: bool = True) -> HealthNote:
    return HealthNote(cluster_name="lab", healthy=healthy, at=at)


def kinds(seen: View, runs: Runs = NONE) -> list[Alarm]:
    return [one.alarm for one in alarms(seen, runs)]


def one(**run: object) -> Runs:
    made = Run(uuid4(), "otter", None, None, None, owner=False, pool="gpmedic")
    return Runs({"lab": (replace(made, **run),)}, {})  # type: ignore[arg-type]


def test_a_recovery_that_says_nothing_for_too_long_is_stuck_and_a_sign_of_life_is_enough() -> None:
    old, long_ago = ago(Alarm.STUCK), ago(Alarm.STUCK, hours=1)
    assert kinds(view(working(old))) == [Alarm.STUCK]
    assert kinds(view(working(old), said(old))) == [Alarm.STUCK]
    assert kinds(view(working(long_ago), said(NOW, Level.STILL))) == []
    assert kinds(view(working(NOW), said(long_ago))) == [], "it has just gone on after an answer"
    assert kinds(view(replace(working(old), running_since=None, paused_for="a question"))) == []


def test_a_sign_of_life_is_shown_and_not_kept() -> None:
    journal = said(NOW, Level.STILL)
    assert journal.now is not None
    assert journal.events == ()


def test_a_run_that_no_worker_starts_is_late() -> None:
    assert kinds(view(), one(waits_since=ago(Alarm.LATE))) == [Alarm.LATE]
    assert kinds(view(), one(waits_since=NOW)) == []
    [late] = alarms(view(), one(waits_since=ago(Alarm.LATE), pool="blue"))
    assert late.next_action == "Start a worker: prefect worker start --pool blue"
    [late] = alarms(view(), one(waits_since=ago(Alarm.LATE), pool=None))
    assert late.next_action == "Start gpmedic serve"


def test_a_run_that_was_fetched_and_is_not_begun_wants_no_worker() -> None:
    assert kinds(view(), one(fetched_at=NOW)) == []
    [pending] = alarms(view(), one(fetched_at=ago(Alarm.PENDING)))
    assert pending.alarm is Alarm.PENDING
    assert "prefect flow-run cancel" in pending.next_action


def test_of_runs_that_are_late_to_the_same_moment_each_is_told() -> None:
    [late] = one(waits_since=ago(Alarm.LATE)).of["lab"]
    assert kinds(view(), Runs({"lab": (late, replace(late, run=uuid4()))}, {})) == [Alarm.LATE] * 2


def test_a_crash_is_told_until_another_run_follows_or_the_cluster_is_well() -> None:
    crashed = one(crash=CRASH, owner=True)
    assert kinds(view(), crashed) == [Alarm.CRASHED]
    follower = Run(uuid4(), "beaver", None, None, None, owner=True, pool=None)
    assert kinds(view(), Runs({"lab": (follower, *crashed.of["lab"])}, {})) == []
    refused = replace(follower, owner=False)
    assert kinds(view(), Runs({"lab": (refused, *crashed.of["lab"])}, {})) == [Alarm.CRASHED]
    assert kinds(view(health=looked(NOW + timedelta(seconds=1))), crashed) == []
    assert kinds(view(health=looked(NOW + timedelta(seconds=1), healthy=False)), crashed) == [Alarm.CRASHED]
    found = Recovery(uuid4(), "otter", False, None, None, NOW, crash=replace(CRASH, at=NOW - timedelta(days=30)))
    assert kinds(view(found)) == [Alarm.CRASHED], "also where it is older than the runs that are looked for"
    assert kinds(view(found), Runs({"lab": (follower,)}, {})) == []


@pytest.mark.parametrize(
    ("crashes", "says"),
    [
        ([CRASH], "The next health check starts it again"),
        ([CRASH] * MOST_IN_A_ROW, "gpmedic starts none again"),
        ([replace(CRASH, at=NOW - timedelta(days=2))], "gpmedic no longer does"),
        ([replace(CRASH, deployed=False)], "does not start this one again"),
    ],
)
def test_the_alarm_of_a_crash_says_what_becomes_of_it(crashes: list[Crash], says: str) -> None:
    runs = tuple(Run(uuid4(), "otter", None, None, crash, owner=True, pool=None) for crash in crashes)
    [raised] = alarms(view(), Runs({"lab": runs}, {}))
    assert says in raised.next_action
    known = Recovery(runs[0].run, "otter", False, None, None, NOW, crash=crashes[0])
    assert alarms(view(known), Runs({"lab": runs}, {})) == (raised,), "one that is found twice is one"
    [raised] = alarms(view(), one(crash=CRASH))
    assert "does not start this one again" in raised.next_action, "the cluster was not yet its own"


def test_a_run_that_fails_without_a_report_is_told() -> None:
    failed = Recovery(uuid4(), "otter", False, None, None, NOW, failed=True)
    reported = Journal(cluster_name="lab")
    reported.end(Outcome.FAILED)
    assert kinds(view(failed)) == [Alarm.BROKEN_OFF]
    assert kinds(view(failed, said(NOW))) == [Alarm.BROKEN_OFF]
    assert kinds(view(failed, reported)) == []
    assert kinds(view(replace(failed, failed=False))) == []


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        (Checks.PAUSED, "schedule is paused"),
        (Checks.NOT_TAKEN, "worker start --pool gp"),
        (Checks.TAKEN, "read the log"),
    ],
)
def test_a_cluster_that_no_health_check_looks_at_any_more_is_told_with_the_reason(checks: Checks, told: str) -> None:
    watch = Watch(ago(Alarm.UNWATCHED, days=1), checks, "gp")
    [raised] = alarms(view(health=looked(ago(Alarm.UNWATCHED))), Runs({}, {"lab": watch}))
    assert raised.alarm is Alarm.UNWATCHED
    assert told in raised.next_action
    assert kinds(view(), Runs({}, {"lab": watch})) == [Alarm.UNWATCHED], "none ever has"
    assert kinds(view(health=looked(NOW)), Runs({}, {"lab": watch})) == []
    assert kinds(view(), Runs({}, {"lab": replace(watch, since=NOW)})) == [], "it is deployed just now"
    [raised] = alarms(view(health=looked(ago(Alarm.UNWATCHED))), NONE)
    assert "gpmedic setup lab --deploy" in raised.next_action, "they were deployed once"
    assert kinds(view(health=looked(NOW)), NONE) == []
    assert kinds(view(), NONE) == [], "who looks by hand knows when"


@pytest.fixture
def deployed() -> Iterator[UUID]:
    deployment = recover.to_deployment("alarms", tags=[TAG]).apply()
    assert isinstance(deployment, UUID)
    yield deployment
    with get_client(sync_client=True) as client:
        client.delete_deployment(deployment)


def late(deployment: UUID, name: str) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.create_flow_run_from_deployment(
            deployment,
            parameters={"cluster": name},
            state=Scheduled(scheduled_time=ago(Alarm.LATE, minutes=1)),
        )


def told(scene: Scene, words: str) -> Posted | None:
    return next((m for m in scene.slack.messages if scene.name in m.text and words in m.words), None)


def test_it_is_told_once_and_taken_back_also_by_a_restarted_service(alone: PracticeSlack, deployed: UUID) -> None:
    settings = cluster(alone)
    run, name = late(deployed, settings.name), settings.name
    login = Finding(Access.PREFECT_LOGIN, Verdict.PASS, "")
    [seen] = examine(RunsVisit(name).checks, [login])
    assert (seen.verdict, seen.next_action) == (Verdict.FAIL, "Start gpmedic serve")
    assert run.name in seen.detail
    first, second = service_of(alone), service_of(alone)
    with scene(alone, first, settings) as shown:
        with serving(alone, first):
            alone.wait_for(lambda: told(shown, "no worker has started it"), 30)
            check(name, mirror_down(healthy(), 0))
            alone.wait_for(shown.parent)
            another = late(deployed, name)
            alone.wait_for(lambda: [r for r in shown.replies() if another.name in r.words], 30)
            alone.wait_for(lambda: first.tallies.sights[name].alarms == {Alarm.LATE: 2})
        with scene(alone, second, settings), serving(alone, second):
            alone.wait_for(lambda: second.rounds > 2)
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(run.id, Crashed(), force=True)
                client.set_flow_run_state(another.id, Cancelled(), force=True)
            alone.wait_for(lambda: told(shown, "counts as crashed"), 30)
            alone.wait_for(lambda: len([m for m in alone.messages if "This is over." in m.words]) == 2, 30)
            check(name, healthy())
            alone.wait_for(lambda: len([m for m in alone.messages if "This is over." in m.words]) == 3, 30)
        assert len([m for m in alone.messages if run.name in m.text]) == 2, "late, then crashed; each once"
        assert len([m for m in alone.messages if another.name in m.text]) == 1


@flow(name="recover")
def in_a_terminal(cluster: str) -> None:
    """As `gpmedic recover` runs it: of no deployment."""
    claim(cluster)


def test_runs_of_others_that_have_our_names_are_none_of_ours(deployed: UUID) -> None:
    name = f"ours-{uuid4().hex[:8]}"
    others = recover.to_deployment("of-others").apply()
    their_checks = health_check.to_deployment("of-others", parameters={"cluster": name}, interval=3600).apply()  # type: ignore[union-attr]
    assert isinstance(others, UUID)
    try:
        assert name not in look_at_runs().watches
        late(others, name)
        ours = late(deployed, name)
        assert [one.run for one in look_at_runs().of[name]] == [ours.id]
        in_a_terminal(name)
        assert len(look_at_runs().of[name]) == 2
    finally:
        with get_client(sync_client=True) as client:
            client.delete_deployment(others)
            client.delete_deployment(their_checks)


def test_what_goes_wrong_with_the_alarms_keeps_nobody_from_a_question_and_what_stands_stays(
    alone: PracticeSlack, deployed: UUID, prefect_server: str
) -> None:
    settings = cluster(alone)
    late(deployed, settings.name)
    with between(prefect_server) as prefect:
        first, second = service_of(alone), service_of(alone)
        with scene(alone, first, settings) as shown, serving(alone, first):
            alone.wait_for(lambda: told(shown, "no worker has started it"), 30)
        prefect.refused.add("/deployments/filter")
        with scene(alone, second, settings) as shown, serving(alone, second):
            shown.begin()
            assert shown.asked()
            alone.wait_for(lambda: second.tallies.rounds[settings.name, Round.DONE] > 1)
            assert not [m for m in alone.messages if "This is over." in m.words]


def test_an_alarm_that_wants_something_else_now_says_so_in_its_place(alone: PracticeSlack) -> None:
    slack, channel = Speaking(Slack(alone.bot_token, alone.api_url), Language.ENGLISH), alone.new_channel()
    name, posts = f"lab-{uuid4().hex[:8]}", AlarmPosts()
    known = raise_alarm(Alarm.CRASHED, name, NOW, "Wait.", run="otter", id=uuid4())
    posts.tell(slack, name, channel, None, (known,))
    posts.tell(slack, name, channel, None, (replace(known, next_action="Begin anew."),))
    [posted] = [m for m in alone.messages if name in m.text]
    assert "Begin anew." in posted.words
    AlarmPosts().tell(slack, name, channel, None, (replace(known, next_action="Begin anew."),))
    assert posted.edits == 1, "a restarted service knows what it says"


def test_a_channel_is_told_once_that_prefect_is_away_and_when_it_is_there_again(
    alone: PracticeSlack, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = cluster(alone)
    beside = ours.model_copy(update={"name": f"{ours.name}-beside"})
    facts = replace(ALARMS[Alarm.PREFECT_AWAY], after=timedelta(seconds=3))
    monkeypatch.setattr(gpmedic.alarms, "ALARMS", {**ALARMS, Alarm.PREFECT_AWAY: facts})
    with between(prefect_server) as prefect:
        service = service_of(alone)
        with scene(alone, service, ours), scene(alone, service, beside), serving(alone, service):
            alone.wait_for(lambda: service.tallies.rounds[beside.name, Round.DONE])
            prefect.refused.add("")
            alone.wait_for(lambda: service.tallies.rounds[ours.name, Round.PREFECT_AWAY])
            assert alone.messages == (), "it may be back at once"
            alone.wait_for(lambda: service.tallies.rounds[beside.name, Round.PREFECT_AWAY] > 2, 30)
            [posted] = alone.messages
            assert f"Prefect does not answer: nobody looks at {ours.name}, {beside.name}" in posted.words
            prefect.refused.clear()
            alone.wait_for(lambda: "This is over." in alone.messages[0].words, 30)
            before = service.tallies.rounds[ours.name, Round.PREFECT_AWAY]
            prefect.refused.add("")
            alone.wait_for(lambda: service.tallies.rounds[ours.name, Round.PREFECT_AWAY] > before)
            prefect.refused.clear()
        assert len(alone.messages) == 1


@pytest.mark.chaos
def test_prefect_says_what_becomes_of_the_health_checks_of_a_cluster() -> None:
    name = f"watch-{uuid4().hex[:8]}"
    deployment = health_check.to_deployment(name, parameters={"cluster": name}, interval=3600, tags=[TAG]).apply()  # type: ignore[union-attr]
    try:
        assert look_at_runs().watches[name].checks is Checks.NOT_TAKEN
        with get_client(sync_client=True) as client:
            client.get_scheduled_flow_runs_for_deployments([deployment])  # as `gpmedic serve` asks
            deadline = time.monotonic() + 60
            while look_at_runs().watches[name].checks is not Checks.TAKEN:
                assert time.monotonic() < deadline
                time.sleep(0.3)
            client.pause_deployment(deployment)
        assert look_at_runs().watches[name].checks is Checks.PAUSED
    finally:
        with get_client(sync_client=True) as client:
            client.delete_deployment(deployment)
