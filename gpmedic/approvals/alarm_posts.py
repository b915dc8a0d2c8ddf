"""Tell each alarm once in Slack, and take it back when it is over; also where the service was restarted in between."""

from contextlib import suppress
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter, ValidationError

from gpmedic.access.slack import MessageGone
from gpmedic.alarms import Raised
from gpmedic.approvals.speaking import Speaking
from gpmedic.approvals.thread import Thread, kept_name
from gpmedic.slack.alarm_messages import alarm, over
from tasks.remember import recall, remember


class Posted(BaseModel):
    """An alarm that stands in Slack."""

    told: Raised
    channel: str
    ts: str


_POSTED = TypeAdapter(list[Posted])


class AlarmPosts:
    """The alarms of all clusters that stand in Slack: on the Prefect server, and in memory for when that takes none."""

    def __init__(self) -> None:
        self._standing: dict[str, list[Posted]] = {}
        self._unwritten: set[str] = set()

    def tell(
        self, slack: Speaking, cluster: str, channel: str, thread: Thread | None, raised: tuple[Raised, ...]
    ) -> None:
        """Post what is new, in the thread of the incident where one is open, and change what is over, or
        wants something else now.

        Raises:
            SlackAway: Slack does not answer; what is missing is done in a later round.
            AccessRefused: Slack refuses the app or its channel.
        """
        self._write(cluster)  # before that nothing more may be posted, or a restart would repeat it
        standing = self._recall(cluster)
        open_thread = thread if thread is not None and not thread.over else None
        for one in raised:
            if not any(_same(posted.told, one) for posted in standing):
                where = channel if open_thread is None else open_thread.channel
                ts = slack.post(where, alarm(one), None if open_thread is None else open_thread.ts)
                standing.append(Posted(told=one, channel=where, ts=ts))
                self._remember(cluster)
        for posted in standing:
            now = next((one for one in raised if _same(posted.told, one)), posted.told)
            if now.next_action != posted.told.next_action:
                with suppress(MessageGone):
                    slack.update(posted.channel, posted.ts, alarm(now))
                posted.told = now
                self._remember(cluster)
        for posted in [posted for posted in standing if not any(_same(posted.told, one) for one in raised)]:
            with suppress(MessageGone):
                slack.update(posted.channel, posted.ts, over(posted.told, datetime.now(UTC)))
            standing.remove(posted)
            self._remember(cluster)

    def _recall(self, cluster: str) -> list[Posted]:
        if cluster not in self._standing:
            kept = recall(kept_name("alarms", cluster))
            try:
                self._standing[cluster] = [] if kept is None else _POSTED.validate_json(kept)
            except ValidationError:  # of another version: what stands is told anew, and no round fails for it
                self._standing[cluster] = []
        return self._standing[cluster]

    def _remember(self, cluster: str) -> None:
        self._unwritten.add(cluster)
        self._write(cluster)

    def _write(self, cluster: str) -> None:
        if cluster in self._unwritten:
            remember(kept_name("alarms", cluster), _POSTED.dump_json(self._standing[cluster]).decode())
            self._unwritten.discard(cluster)


def _same(one: Raised, other: Raised) -> bool:
    return (one.alarm, one.run) == (other.alarm, other.run)
