"""What Prometheus reads from the service: true, never old as if it were new, and without asking anybody."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from approvals.conftest import Scene, cluster, scene, service_of
from domain.clusters import healthy, mirror_down, probes
from prefect import flow
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from blocks.slack_app import SlackApp
from flows.health_note import HealthNote, keep_note
from flows.journal import Journal
from flows.local_server import free_port
from gpmedic.alarms import Alarm, Raised
from gpmedic.approvals.http import PATH as INTERACTIVITY
from gpmedic.approvals.http import application, served
from gpmedic.approvals.metric_table import METRICS
from gpmedic.approvals.metrics import PATH, metrics_route
from gpmedic.approvals.samples import Scrape
from gpmedic.approvals.service import Service, running
from gpmedic.approvals.tallies import Tallies
from gpmedic.approvals.view import NEWS, View
from gpmedic.cli.approvals import listening
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import diagnose
from gpmedic.errors import Braked, GpmedicError, LockHeld, UtilityFailed
from gpmedic.practice.slack import PracticeSlack
from gpmedic.report import Outcome
from gpmedic.skipped import Reason
from tasks.approve import Answer, Proposal
from tasks.find_recovery import Recovery, find_recovery
from tasks.notify import Phase, Progress
from tasks.question import Request
from tests.people import give

NOW = datetime.now(UTC)
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@flow(name="health-check")
def check(name: str, seen: Cluster) -> None:
    """What a health check keeps, of a cluster that is not there."""
    keep_note(diagnose(replace(seen, name=name), probes(seen)))


def scraped(url: str) -> Figures:
    """Every sample, by name and labels."""
    answer = httpx.get(url, timeout=10).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def figure(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    port = free_port()
    with served(application(metrics_route(service)), "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}{PATH}"


def test_an_incident_is_counted_while_it_waits_and_after_it(incident: Scene, url: str) -> None:
    name = incident.name

    def now(metric: str, **labels: str) -> float | None:
        return figure(scraped(url), metric, cluster=name, **labels)

    check(name, mirror_down(healthy(), 0, 3))
    run = incident.begin()
    incident.slack.wait_for(lambda: now("gpmedic_approvals_waiting", action="recover") == 1, 30)
    incident.slack.wait_for(lambda: now("gpmedic_last_shown_timestamp_seconds"))
    waiting = scraped(url)
    told = {metric: value for (metric, labels), value in waiting.items() if labels == (("cluster", name),)}
    assert told["gpmedic_healthy"] == 0
    assert told["gpmedic_recovery_live"] == 1
    assert 0 <= told["gpmedic_approval_waiting_seconds"] < 60
    assert 0 <= told["gpmedic_incident_age_seconds"] < 60
    for moment in ("last_round", "last_shown", "last_health_check", "last_look", "recovery_last_word"):
        assert time.time() - 60 < told[f"gpmedic_{moment}_timestamp_seconds"] <= time.time()
    assert figure(waiting, "gpmedic_segments", cluster=name, state="down") == 1, "as the recovery has seen it last"
    assert figure(waiting, "gpmedic_conditions", cluster=name, condition="mirror_down", severity="warning") == 1
    assert figure(waiting, "gpmedic_approvals_waiting", cluster=name, action="recover") == 1
    assert figure(waiting, "gpmedic_approvals_waiting", cluster=name, action="rebalance") == 0
    assert figure(waiting, "gpmedic_recovery_phase", cluster=name, phase="approve") == 1
    assert figure(waiting, "gpmedic_recoveries_total", cluster=name, result="recovered") == 0

    check(name, mirror_down(healthy(), 0, 3))
    incident.slack.wait_for(lambda: now("gpmedic_segments", state="down") == 2)

    recovery = find_recovery(name)
    assert recovery is not None
    give(recovery.run, Answer(decision="yes", operator="boris", via="command line"))
    assert run.result(60) is not None
    incident.slack.wait_for(lambda: now("gpmedic_healthy") == 1)
    check(name, healthy())
    incident.slack.wait_for(lambda: now("gpmedic_segments", state="down") == 0)
    incident.slack.wait_for(lambda: now("gpmedic_recoveries_total", result="recovered") == 1)
    after = scraped(url)
    assert figure(after, "gpmedic_segments", cluster=name, state="down") == 0
    assert figure(after, "gpmedic_approvals_waiting", cluster=name, action="recover") == 0
    assert figure(after, "gpmedic_recovery_live", cluster=name) == 0
    assert figure(after, "gpmedic_approval_waiting_seconds", cluster=name) is None
    assert figure(after, "gpmedic_incident_age_seconds", cluster=name) is None


def test_while_slack_is_away_the_figures_go_on_and_say_that_it_is_behind(alone: PracticeSlack) -> None:
    own, port = service_of(alone), free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    with scene(alone, own, cluster(alone)) as seen, served(application(metrics_route(own)), "127.0.0.1", port):
        alone.go_away()
        check(seen.name, mirror_down(healthy(), 0))
        with running(own):
            alone.wait_for(lambda: figure(scraped(url), "gpmedic_rounds_total", cluster=seen.name, result="slack_away"))
        told = scraped(url)
        assert figure(told, "gpmedic_healthy", cluster=seen.name) == 0
        assert figure(told, "gpmedic_incident_age_seconds", cluster=seen.name) is not None
        assert figure(told, "gpmedic_last_shown_timestamp_seconds", cluster=seen.name) == 0
        alone.come_back()


def test_forged_requests_are_counted_and_one_port_serves_both(alone: PracticeSlack) -> None:
    own, where = service_of(alone), f"127.0.0.1:{free_port()}"
    block = SlackApp(bot_token=SecretStr(alone.bot_token), signing_secret=SecretStr(alone.signing_secret))
    [only] = listening(block, own, where, where)
    with only:
        assert httpx.post(f"http://{where}{INTERACTIVITY}", content=b"payload={}").status_code == 401
        assert figure(scraped(f"http://{where}{PATH}"), "gpmedic_clicks_total", fate="forged") == 1
        assert httpx.post(f"http://{where}{PATH}").status_code == 405
    [only] = listening(block, own, where, None)
    with only:  # the port that Slack reaches shows no metrics unless it is told to
        assert httpx.get(f"http://{where}{PATH}").status_code == 404


def journal(outcome: Outcome | None = None, *, error: GpmedicError | None = None) -> Journal:
    made = Journal(cluster_name="lab")
    seen = mirror_down(healthy(), 0)
    made.see(diagnose(seen, probes(seen)))
    made.hear(Progress(Phase.SYNCHRONIZE, "content 0 catching up"))
    if outcome is Outcome.RECOVERED:
        made.after = healthy()
    if outcome is not None:
        made.end(outcome, error)
    return made


def figures(tallies: Tallies, now: datetime = NOW) -> Figures:
    scrape = Scrape(("lab",), tallies, {}, now)
    return {
        (row.name, tuple(sorted(zip(row.labels, values, strict=True)))): float(value)
        for row in METRICS
        for values, value in row.samples(scrape)
    }


def test_what_was_seen_long_ago_is_withheld_and_only_its_time_is_told() -> None:
    seen, tallies = healthy(), Tallies()
    old = HealthNote(cluster_name="lab", healthy=True, segments={"healthy": 14}, at=NOW - NEWS)
    tallies.saw(View("lab", old, None, None, None, NOW), None)
    told = figures(tallies)
    assert figure(told, "gpmedic_last_health_check_timestamp_seconds", cluster="lab") == old.at.timestamp()
    assert figure(told, "gpmedic_last_look_timestamp_seconds", cluster="lab") == old.at.timestamp()
    assert not [name for name, _ in told if name in ("gpmedic_healthy", "gpmedic_segments", "gpmedic_conditions")]
    ahead = old.model_copy(update={"at": NOW + NEWS})  # by a clock that is wrong
    tallies.saw(View("lab", ahead, None, None, None, NOW), None)
    assert figure(figures(tallies), "gpmedic_healthy", cluster="lab") is None
    fresh = old.model_copy(update={"at": NOW})
    tallies.saw(View("lab", fresh, None, None, None, NOW), None)
    assert figure(figures(tallies), "gpmedic_healthy", cluster="lab") == 1
    assert len(seen.segments) == figure(figures(tallies), "gpmedic_segments", cluster="lab", state="healthy")
    later = figures(tallies, NOW + NEWS)  # the rounds have stopped
    assert {name for name, _ in later if "recovery" in name or "healthy" in name} == set()
    assert figure(later, "gpmedic_last_round_timestamp_seconds", cluster="lab") == NOW.timestamp()


def test_alarms_that_cannot_be_looked_for_stay_as_they_were() -> None:
    tallies, view = Tallies(), View("lab", None, None, None, None, NOW)
    stuck = Raised(Alarm.STUCK, "lab", NOW, "It says nothing.", "Look.")
    for raised, counted in (((stuck,), 1), (None, 1), ((), 0)):
        tallies.saw(view, None, raised)
        assert figure(figures(tallies), "gpmedic_alarms", cluster="lab", alarm="stuck") == counted


def test_what_nobody_knows_makes_no_new_series() -> None:
    tallies = Tallies()
    names = set(figures(tallies))
    strange = Proposal(cluster="lab", step="of-another-version", fingerprint="ab", argv=("x",), dbids=(1,), text="x")
    request = Request(key="k", proposal=strange, asked_at=NOW, expires_at=NOW + timedelta(minutes=1))
    health = HealthNote(cluster_name="lab", healthy=False, segments={"melted": 2, "down": 1}, at=NOW)
    noted = journal()
    noted.looked_at = NOW - timedelta(seconds=1)
    run = Recovery(uuid4(), "otter", live=True, paused_for="k", asked_by=None, ended_at=None)
    tallies.saw(View("lab", health, run, noted, request, NOW), None)
    told = figures(tallies)
    assert names <= set(told)
    assert figure(told, "gpmedic_segments", cluster="lab", state="unknown") == 2
    assert figure(told, "gpmedic_approvals_waiting", cluster="lab", action="other") == 1
    assert "melted" not in str(told)
    assert "another-version" not in str(told)


def test_the_proofs_of_a_recovery_are_its_last_look() -> None:
    tallies, noted = Tallies(), journal(Outcome.RECOVERED)
    over = Recovery(uuid4(), "otter", live=False, paused_for=None, asked_by=None, ended_at=NOW)
    tallies.saw(View("lab", None, over, noted, None, NOW), None)
    told = figures(tallies)
    assert noted.ended is not None
    assert figure(told, "gpmedic_last_look_timestamp_seconds", cluster="lab") == noted.ended.timestamp()
    assert figure(told, "gpmedic_healthy", cluster="lab") == 1
    assert figure(told, "gpmedic_segments", cluster="lab", state="down") == 0


@pytest.mark.parametrize(
    ("ended", "noted", "result", "reason"),
    [
        ({}, journal(Outcome.RECOVERED), "recovered", None),
        ({}, journal(Outcome.REFUSED, error=Braked("no", "wait")), "refused", Reason.BRAKE),
        ({}, journal(Outcome.STOPPED, error=LockHeld("no", "wait")), "stopped", Reason.LOCK_HELD),
        ({}, journal(Outcome.FAILED, error=UtilityFailed(("x",), 1, "", "look")), "failed", None),
        ({"unanswered": True}, journal(), "refused", Reason.NOT_APPROVED),
        ({}, journal(), "unknown", None),
        ({}, None, "unknown", None),
    ],
)
def test_a_recovery_that_was_seen_alive_is_counted_once_when_it_ends(
    ended: dict[str, bool], noted: Journal | None, result: str, reason: Reason | None
) -> None:
    tallies, run = Tallies(), Recovery(uuid4(), "otter", live=True, paused_for=None, asked_by=None, ended_at=None)
    tallies.saw(View("lab", None, run, noted, None, NOW), None)
    assert not tallies.recoveries
    over = replace(run, live=False, ended_at=NOW, **ended)
    for _ in range(2):
        tallies.saw(View("lab", None, over, noted, None, NOW), None)
    assert dict(tallies.recoveries) == {("lab", result): 1}
    assert dict(tallies.skipped) == ({} if reason is None else {("lab", reason): 1})


def test_a_recovery_that_had_ended_before_the_service_began_is_not_counted_again() -> None:
    tallies = Tallies()
    over = Recovery(uuid4(), "otter", live=False, paused_for=None, asked_by=None, ended_at=NOW)
    for _ in range(2):
        tallies.saw(View("lab", None, over, journal(Outcome.RECOVERED), None, NOW), None)
    assert not tallies.recoveries
    between = replace(over, run=uuid4())  # it began and ended between two rounds
    tallies.saw(View("lab", None, between, journal(Outcome.FAILED), None, NOW), None)
    assert dict(tallies.recoveries) == {("lab", "failed"): 1}
