"""The same segment failing again within a short time: then something is wrong that a recovery does not mend.

Read from gp_configuration_history, in which FTS notes each change of a row. A rebalance stops acting primaries, so it
counts as one failure of each; that is on the careful side. A move to a spare is what such a host needs, and a copy is
what a mirror needs whose log says that its WAL is gone: there it only warns.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster
from gpmedic.settings import PolicySettings, RepeatedFailure
from gpmedic.steps import Action, Step

SINCE_SQL: Final = (
    'SELECT "time", dbid, "desc" AS description FROM pg_catalog.gp_configuration_history'
    " WHERE \"time\" > now() - %s * interval '1 second' ORDER BY 1"
)
"""Lines of the last so many seconds by the coordinator's clock, the oldest first."""

# 6 and 7, then 4.3: in the words of recorded clusters.
_MARKED: Final = (
    re.compile(r"FTS: update role, status, and mode for dbid \d+ with contentid -?\d+ to [pm], (?P<status>[ud]), and"),
    re.compile(r"FTS: content -?\d+ fault marking status (?P<status>DOWN|UP) "),
    re.compile(r"FTS: changed segment to (?P<status>insync) from resync"),
)
_DOWN: Final = frozenset({"d", "DOWN"})


def failures(history: Iterable[tuple[datetime, int, str]]) -> Mapping[int, tuple[datetime, ...]]:
    """When each dbid was marked down, the oldest first; lines that only repeat it count once.

    Args:
        history: time, dbid and description of lines of gp_configuration_history, the oldest first.
    """
    down: set[int] = set()
    found: dict[int, tuple[datetime, ...]] = {}
    for time, dbid, description in history:
        marked = marked_up(description)
        if marked is False:
            if dbid not in down:
                found[dbid] = (*found.get(dbid, ()), time)
            down.add(dbid)
        elif marked is True:
            down.discard(dbid)
    return found


def marked_up(description: str) -> bool | None:
    """Whether FTS marked the instance up with this line of the history, or down; None where it is another line."""
    status = next((m["status"] for m in (p.match(description) for p in _MARKED) if m is not None), None)
    return None if status is None else status not in _DOWN


def judge_repeated(
    step: Step, cluster: Cluster, when: Mapping[int, tuple[datetime, ...]], policy: PolicySettings
) -> Iterator[Check]:
    """One check for each instance that failed more than once; none for a step that does not answer a failure.

    Args:
        when: what `failures` found within `policy.repeat_window`.
    """
    if step.action not in COUNTED:
        return
    # A restart changes every instance, and answers the failure of some contents.
    restarts = step.action is Action.RESTART
    dbids = [s.dbid for s in cluster.segments if s.content in step.contents] if restarts else step.dbids
    for dbid in dbids:
        times = when.get(dbid, ())
        if len(times) < 2:
            continue
        known = step.action is Action.MOVE_TO_SPARE or dbid in step.stops
        stops = policy.repeated_failure is RepeatedFailure.STOP and not known
        yield Check(
            CheckName.NOT_REPEATED,
            str(cluster.segment(dbid)),
            Verdict.FAIL if stops else Verdict.WARN,
            f"it was marked down {len(times)} times within {policy.repeat_window // 60} min"
            f" (at {', '.join(f'{t:%H:%M:%S}' for t in times)})",
            "Find out why it fails: its log, the host's disks, memory and network. When the cause is removed:"
            f" gpmedic recover --repeated-failure {RepeatedFailure.ASK.value}.",
        )


COUNTED: Final = frozenset(
    {Action.RECOVER, Action.RECOVER_DIFFERENTIAL, Action.RECOVER_FULL, Action.MOVE_TO_SPARE, Action.RESTART}
)
"""The steps that answer a failure; rebalance and the standby's start do not."""
