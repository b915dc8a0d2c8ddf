"""A drill whose approvals are given in Slack: a stand-in workspace, the service, and two people who click."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from gpmedic.access.slack import Slack
from gpmedic.approvals.service import Service, running
from gpmedic.approvals.socket_mode import listening
from gpmedic.practice.slack import PracticeSlack
from gpmedic.practice.slack.state import Posted
from gpmedic.settings import ClusterSettings, SlackSettings
from gpmedic.slack import messages

CLOSED_WITHIN: Final = 20.0
"""Seconds from the end of the recovery to the last word of its thread."""
_PEOPLE: Final = ("anna", "boris")


@contextmanager
def conversation(settings: ClusterSettings) -> Iterator[PracticeSlack]:
    """People answer in a practice Slack what the recovery asks; at the end the thread is complete."""
    with PracticeSlack() as slack:
        wanted = SlackSettings(channel=slack.channel, approvers=frozenset({"U0ANNA", "U0BORIS"}))
        service = Service(
            Slack(slack.bot_token, slack.api_url), {settings.name: settings.model_copy(update={"slack": wanted})}
        )
        stop = Event()
        people = Thread(target=_approve_what_is_asked, args=(slack, stop), name="practice people")
        with listening(slack.app_token, slack.api_url, service.receive), running(service):
            people.start()
            try:
                yield slack
                slack.wait_for(lambda: slack.files or None, CLOSED_WITHIN)
            finally:
                stop.set()
                people.join()


def _approve_what_is_asked(slack: PracticeSlack, stop: Event) -> None:
    answered: set[str] = set()
    while not stop.wait(0.2):
        for question in (m for m in slack.messages if messages.APPROVE in m.buttons and m.ts not in answered):
            answered.add(question.ts)
            slack.click(question, messages.APPROVE, by=_PEOPLE[_is_second(question)])


def _is_second(question: Posted) -> bool:
    return "A second, different person" in question.words
