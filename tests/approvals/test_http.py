"""Clicks as signed requests: Slack's count once, everybody else's never."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from approvals.conftest import Scene, cluster, scene, service_of

from flows.local_server import free_port
from gpmedic.approvals.decide import Fate
from gpmedic.approvals.http import PATH, application, interactivity_route, served
from gpmedic.approvals.service import running
from gpmedic.errors import HostUnreachable
from gpmedic.practice.slack import PracticeSlack
from gpmedic.slack import messages


@pytest.fixture
def signed() -> Iterator[Scene]:
    """A service without sockets, which listens at the address to which this Slack sends its clicks."""
    with PracticeSlack() as slack:
        service, port = service_of(slack), free_port()
        slack.interactivity_url = f"http://127.0.0.1:{port}{PATH}"
        endpoint = application(interactivity_route(slack.signing_secret, service.receive, service.refuse))
        with served(endpoint, "127.0.0.1", port), scene(slack, service, cluster(slack)) as made, running(service):
            yield made


def test_a_signed_click_decides_and_a_form_comes_back_the_same_way(signed: Scene) -> None:
    run = signed.begin()
    question = signed.asked()
    delivered = signed.slack.click(question, messages.REJECT)
    assert delivered.status == 200
    assert delivered.acked_after is not None
    assert delivered.acked_after < 3
    signed.slack.wait_for(lambda: signed.slack.form("anna"))
    signed.slack.submit("anna", {messages.REASON_INPUT: "backup runs"})
    with pytest.raises(Exception, match="said no to recover"):
        run.result(60)


def test_what_slack_has_not_signed_or_not_just_now_or_not_once_is_refused_and_counted(signed: Scene) -> None:
    run = signed.begin()
    question = signed.asked()
    assert signed.slack.click(question, messages.APPROVE, forge=True).status == 401
    assert signed.slack.click(question, messages.APPROVE, age=400).status == 401
    assert signed.slack.click(question, messages.APPROVE, age=-400).status == 401
    assert signed.slack.click(question, messages.DETAILS).status == 200
    assert signed.slack.redeliver().status == 401, "the same signature counts once"
    assert signed.fates[Fate.FORGED] == 4
    assert not run.done()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"payload={}"),
        ({"X-Slack-Request-Timestamp": "now", "X-Slack-Signature": "v0=00"}, b"payload={}"),
        ({"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=é"}, b"payload={}"),
        ({"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=00"}, b"\xff\xfe"),
        ({"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=00"}, b"x" * 2_000_000),
    ],
)
def test_what_no_slack_sends_is_refused_without_a_trace(signed: Scene, headers: dict[str, str], body: bytes) -> None:
    url = signed.slack.interactivity_url
    assert url is not None
    encoded = {name: value.encode() for name, value in headers.items()}
    assert httpx.post(url, content=body, headers=encoded).status_code == 401
    assert signed.fates[Fate.FORGED] == 1


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    @contextmanager
    def listening(port: int) -> Iterator[None]:
        with served(application(), "127.0.0.1", port):
            yield

    port = free_port()
    with listening(port), pytest.raises(HostUnreachable, match="Choose another --http"), listening(port):
        pass
