"""When gpmedic itself is in trouble: a run that does not begin, hangs or dies, and a cluster that nobody looks at.

Without these nobody would be told: who waits for an incident that is never found sees what a healthy cluster shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from gpmedic.crashes import Follows


class Alarm(StrEnum):
    """What is wrong; the worst first."""

    PREFECT_AWAY = "prefect_away"
    UNWATCHED = "unwatched"
    CRASHED = "crashed"
    BROKEN_OFF = "broken_off"
    STUCK = "stuck"
    PENDING = "pending"
    LATE = "late"


class Checks(Enum):
    """What becomes of the health checks of a cluster by the clock."""

    NOT_DEPLOYED = "not deployed"
    PAUSED = "paused"
    NOT_TAKEN = "not taken"  # they are due, and no worker fetches them
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """One row of the table; the texts may name {cluster}, {run}, {id} and {start}: what starts what fetches runs.

    Attributes:
        after: how long it must have lasted.
    """

    after: timedelta
    sentence: str
    next_action: str


ALARMS: Final[Mapping[Alarm, AlarmFacts]] = MappingProxyType(
    {
        Alarm.PREFECT_AWAY: AlarmFacts(
            timedelta(minutes=5),
            "Prefect does not answer: nobody looks at {cluster}, no recovery begins, and no answer given here counts."
            " What runs on a coordinator's host goes on.",
            "Start the Prefect server, or see in the service's log what keeps it away. Until then look yourself with:"
            " gpmedic status --all",
        ),
        Alarm.UNWATCHED: AlarmFacts(
            timedelta(minutes=10),
            "No health check has looked at {cluster}: how it is, nobody knows.",
            "",  # by what becomes of its checks: UNWATCHED_ACTIONS
        ),
        Alarm.CRASHED: AlarmFacts(
            timedelta(0),
            "Run {run} counts as crashed: its process is gone, or has given no sign of life. What it has started on the"
            " coordinator's host goes on.",
            "",  # by what becomes of it: CRASHED_ACTIONS
        ),
        Alarm.BROKEN_OFF: AlarmFacts(
            timedelta(0),
            "Run {run} has ended with an error that gpmedic does not know, and without a report.",
            "Read its log on Prefect's page, then run: gpmedic recover {cluster}. It adopts what runs.",
        ),
        Alarm.STUCK: AlarmFacts(
            timedelta(minutes=15),
            "Run {run} says nothing any more. What it has started on the coordinator's host goes on.",
            "See on its worker whether its process lives. Where it does nothing: prefect flow-run cancel {id}, then"
            " gpmedic recover {cluster}, which adopts what runs.",
        ),
        Alarm.PENDING: AlarmFacts(
            timedelta(minutes=5),
            "Run {run} was fetched by a worker and has not begun: what should begin it died.",
            "A health check starts it again where it had the cluster already. Where none does within some minutes:"
            " prefect flow-run cancel {id}, then gpmedic recover {cluster}.",
        ),
        Alarm.LATE: AlarmFacts(
            timedelta(minutes=2),
            "Run {run} should have begun, and no worker has started it.",
            "Start {start}",
        ),
    }
)
UNWATCHED_ACTIONS: Final[Mapping[Checks, str]] = MappingProxyType(
    {
        Checks.NOT_DEPLOYED: "None is deployed for it any more: run gpmedic setup {cluster} --deploy, or start gpmedic"
        " serve.",
        Checks.PAUSED: "Their schedule is paused: resume it on Prefect's page, or start what paused it, {start}",
        Checks.NOT_TAKEN: "Start {start}",
        Checks.TAKEN: "They are started and do not get through: read the log of the newest one on Prefect's page."
        " Look yourself with: gpmedic status {cluster}",
    }
)
CRASHED_ACTIONS: Final[Mapping[Follows, str]] = MappingProxyType(
    {
        Follows.GOES_ON: "The next health check starts it again where it had begun, or finds that its process lives and"
        " has it count as running. Where neither happens within some minutes, read its log and run: gpmedic recover"
        " {cluster}. It adopts what runs.",
        Follows.AGAIN_AND_AGAIN: "Run after run has crashed soon after its start, and gpmedic starts none again. Read"
        " the logs of this one and of its worker, mend the cause, then run: gpmedic recover {cluster}. It adopts what"
        " runs.",
        Follows.LONG_AGO: "Nobody has started it again for a day, and gpmedic no longer does. Read its log, then run:"
        " gpmedic recover {cluster}. It adopts what runs.",
        Follows.A_PERSONS: "gpmedic does not start this one again. Read its log, then run: gpmedic recover {cluster}."
        " It adopts what runs.",
    }
)
MOST_LATE: Final = 5
"""Late runs of a cluster that are told of: with the first one more is known than with the sixth."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm of one cluster.

    Attributes:
        since: when it began, aware.
        run: which it is about; None where it is about the cluster.
    """

    alarm: Alarm
    cluster: str
    since: datetime
    sentence: str
    next_action: str
    run: UUID | None = None


def raise_alarm(alarm: Alarm, cluster: str, since: datetime, next_action: str = "", **texts: object) -> Raised:
    """An alarm in the words of the table.

    Args:
        next_action: instead of the table's.
        texts: what its texts name.
    """
    facts, run = ALARMS[alarm], texts.get("id")
    known = {"cluster": cluster, **texts}
    action = (next_action or facts.next_action).format(**known)
    return Raised(alarm, cluster, since, facts.sentence.format(**known), action, run if isinstance(run, UUID) else None)


def is_due(alarm: Alarm, since: datetime, now: datetime) -> bool:
    """Whether it has lasted for so long that people are told."""
    return now - since >= ALARMS[alarm].after


def start_of(pool: str | None) -> str:
    """What is to be started, so that it fetches runs: a worker of their pool, or what has made their deployment."""
    return "gpmedic serve" if pool is None else f"a worker: prefect worker start --pool {pool}"
