"""Direct connections to instances, made from the coordinator's host in one round.

The catalog does not show every failure (T5, T6).
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from gpmedic.access.environment import NO_GREENPLUM, prelude
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import AccessRefused
from gpmedic.probe import Probe, ProbeState
from gpmedic.settings import GreenplumSettings

DEADLINE: Final = 10
"""Seconds that an instance gets to answer."""
AT_ONCE: Final = 64
_TIMED_OUT: Final = frozenset({124, 137, 142})
"""How `within` ends a psql that said nothing: timeout, its SIGKILL, the SIGALRM of perl."""

_QUERY_FAILED: Final = frozenset({1, 3})
"""How psql ends when it had a session and the query failed in it."""

# What psql says, and what it means; the first that fits counts. Its own words are English (LC_ALL=C); a server speaks
# the language of its lc_messages, which cannot be asked for before there is a session.
_MEANING: Final[tuple[tuple[str, ProbeState], ...]] = (
    (
        # The last two are how mirrors refuse.
        r"starting up|in recovery mode|recovery is in progress|not yet accepting|not accepting connections"
        r"|in mirror or uninitialized mode",
        ProbeState.STARTING,
    ),
    (
        # An overloaded primary is no dead one: its mirror must not be called the second half of a double fault.
        r"too many clients|remaining connection slots|no pg_hba\.conf entry|password|authentication",
        ProbeState.NOT_ADMITTED,
    ),
    (r"Connection refused", ProbeState.REFUSED),
    (
        r"translate host name|No route to host|Network is unreachable|Host is (down|unreachable)",
        ProbeState.HOST_UNREACHABLE,
    ),
    (r"timeout expired|timed out", ProbeState.TIMED_OUT),
)


def probe_all(
    shell: Shell, settings: GreenplumSettings, cluster: Cluster, segments: Sequence[Segment] | None = None
) -> tuple[Probe, ...]:
    """One probe an instance, all at the same time (64 at once), each with `DEADLINE`.

    Args:
        shell: on the coordinator's host.
        segments: by default every acting primary.

    Raises:
        HostUnreachable: the connection to the coordinator's host was lost.
        AccessRefused: there is no Greenplum or no psql at GPHOME.
    """
    wanted = cluster.acting_primaries if segments is None else tuple(segments)
    if not wanted:
        return ()
    role = Capabilities(cluster.version).utility_role_guc
    words = [word for s in wanted for word in (str(s.dbid), s.address, str(s.port))]
    done = shell.run(
        prelude(settings, cluster.coordinator.port) + script("within", "probe"),
        *(str(DEADLINE), str(AT_ONCE), role, *words),
        timeout=(DEADLINE + 3) * math.ceil(len(wanted) / AT_ONCE) + 20,
    )
    if done.exit_code == NO_GREENPLUM:
        raise AccessRefused(
            f"There is no Greenplum at {settings.home} on {shell.host}: {' '.join(done.stderr.split())[:200]}.",
            "Correct greenplum.home in the cluster's settings.",
        )
    said = dict(_lines(done.stdout))
    return tuple(_probe(segment, said.get(segment.dbid)) for segment in wanted)


def _lines(output: str) -> Sequence[tuple[int, tuple[int, str]]]:
    found = re.findall(r"^(\d+) (\d+) (.*)$", output, re.MULTILINE)
    return [(int(dbid), (int(code), text)) for dbid, code, text in found]


def _probe(segment: Segment, said: tuple[int, str] | None) -> Probe:
    if said is None:
        return Probe(segment.dbid, ProbeState.UNKNOWN, "the probe itself said nothing")
    code, text = said
    if code == 0:
        return Probe(segment.dbid, ProbeState.ANSWERS)
    meaning = next((state for pattern, state in _MEANING if re.search(pattern, text)), None)
    if meaning is None and code in _TIMED_OUT:
        return Probe(segment.dbid, ProbeState.TIMED_OUT, f"no answer within {DEADLINE} s")
    otherwise = ProbeState.FAILED if code in _QUERY_FAILED else ProbeState.UNKNOWN
    return Probe(segment.dbid, meaning or otherwise, _short(text))


def _short(text: str) -> str:
    """What psql said, without its name and its advice."""
    words = text.partition("Is the server running")[0]
    return " ".join(re.sub(r"^psql: (error: )?", "", words).split())
