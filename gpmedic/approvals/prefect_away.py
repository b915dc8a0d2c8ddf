"""Tell each channel once that Prefect does not answer: every other alarm is found by asking it."""

import logging
from contextlib import suppress
from datetime import UTC, datetime

from gpmedic.access.slack import MessageGone, SlackAway
from gpmedic.alarms import Alarm, is_due, raise_alarm
from gpmedic.approvals.alarm_posts import Posted
from gpmedic.approvals.speaking import Speaking
from gpmedic.errors import GpmedicError
from gpmedic.slack.alarm_messages import alarm, over

_log = logging.getLogger("gpmedic.approvals")


class PrefectAway:
    """Since when it is away, and where that stands in Slack; in memory alone, as Prefect is where else it would be."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._standing: dict[str, Posted] = {}

    def tell(self, slack: Speaking, channel: str, clusters: str) -> None:
        """Note that it has not answered, and post that once it has lasted; what Slack refuses is tried again later.

        Args:
            clusters: the names of those that are told of in this channel.
        """
        self._since = self._since or datetime.now(UTC)
        if channel in self._standing or not is_due(Alarm.PREFECT_AWAY, self._since, datetime.now(UTC)):
            return
        told = raise_alarm(Alarm.PREFECT_AWAY, clusters, self._since)
        try:
            self._standing[channel] = Posted(told=told, channel=channel, ts=slack.post(channel, alarm(told)))
        except (SlackAway, GpmedicError) as error:
            _log.warning("%s: that Prefect is away could not be posted: %s", channel, error)

    def answers(self) -> None:
        """Note that it has answered."""
        self._since = None

    def take_back(self, slack: Speaking, channel: str) -> None:
        """Say where it was posted that it is over.

        Raises:
            SlackAway: Slack does not answer; it is done in a later round.
            AccessRefused: Slack refuses the app or its channel.
        """
        posted = self._standing.get(channel)
        if posted is not None:
            with suppress(MessageGone):
                slack.update(channel, posted.ts, over(posted.told, datetime.now(UTC)))
            del self._standing[channel]
