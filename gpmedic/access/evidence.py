"""What the copies of a content say of themselves before anything is changed: pg_controldata and the ends of logs."""

import secrets
from collections.abc import Iterable, Sequence

from gpmedic.access.environment import prelude
from gpmedic.access.facts import HOST_NAME
from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Segment
from gpmedic.masking import fit_to_keep
from gpmedic.settings import GreenplumSettings

DEADLINE = 180.0  # seconds for all hosts together, where they are few
_FOR_A_COPY, _FOR_A_HOST = 2.0, 22.0  # a copy takes its moment; the ssh of a host that hangs, its own deadline


def read_evidence(
    shell: Shell, settings: GreenplumSettings, port: int, segments: Iterable[Segment]
) -> tuple[tuple[str, str], ...]:
    """Pairs of heading and text, one a segment and one for the utilities' own logs; what a dead host says is the error.

    Args:
        shell: on the coordinator's host, from which the segments' hosts are asked.
        port: the coordinator's database port.

    Raises:
        HostUnreachable: the connection was lost, or the hosts did not answer in time.
    """
    marker = f"gpmedic-{secrets.token_hex(12)}"
    chosen = tuple(segments)
    asked = [s for s in chosen if HOST_NAME.fullmatch(s.hostname)]  # it becomes an argument of ssh
    wanted = [word for s in asked for word in (str(s.dbid), s.hostname, s.datadir)]
    text = f"{prelude(settings, port)}\n{script('within', 'evidence')}"
    done = shell.run(text, marker, *wanted, timeout=_deadline(asked))
    parts = done.stdout.split(f"{marker} ")[1:]
    unasked = [(f"dbid {s.dbid}", f"{s.hostname[:80]!r} is not a host name") for s in chosen if s not in asked]
    return (*unasked, *((_heading(part), fit_to_keep(part.partition("\n")[2].strip())) for part in parts))


def server_log(evidence: str, datadir: str) -> str:
    """Of what was read of one segment, the end of its server's own log: what copied it may have spoken months ago."""
    for part in evidence.split("== end of ")[1:]:
        path, _, lines = part.partition("\n")
        if path.startswith((f"{datadir}/log/", f"{datadir}/pg_log/")):
            return lines
    return ""


def _deadline(asked: Sequence[Segment]) -> float:
    """The copies are asked one after the other: a lost rack of a large cluster has hundreds of them."""
    return max(DEADLINE, 60 + _FOR_A_COPY * len(asked) + _FOR_A_HOST * len({s.hostname for s in asked}))


def _heading(part: str) -> str:
    subject, _, host = part.partition("\n")[0].partition(" ")
    return f"utilities on {host}" if subject == "utilities" else f"dbid {subject} on {host}"
