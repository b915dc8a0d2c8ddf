"""Evidence first: what the cluster looked like before each step that changes it, kept with the run."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from prefect import task

from gpmedic.access.evidence import read_evidence
from gpmedic.access.ssh import Shell
from gpmedic.artifacts import Kind, artifact_key
from gpmedic.cluster import Cluster, Segment
from gpmedic.events import Artifact
from gpmedic.known_causes import Told
from gpmedic.settings import ClusterSettings
from gpmedic.steps import Action
from tasks.detect import Seen
from tasks.known_cause import told_by
from tasks.notify import Phase, tell
from tasks.publish import keep_markdown
from tasks.transient import RETRIED

MOST_CHARACTERS = 80_000  # of one segment; pg_controldata stands first
MOST_BYTES = 400_000  # of one page: a proxy before the Prefect server may refuse what is over a megabyte
AFTER_A_FAILURE = "after a command that has failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """That it was saved, and of which state. No page of the runbook can ask for a step without it.

    Attributes:
        causes: known ones that the logs of the instances which are down name.
    """

    cluster: Cluster
    causes: tuple[tuple[Segment, Told], ...] = ()


def before(action: Action) -> str:
    """The moment of evidence, for its title: other steps of the same run may have changed the cluster already."""
    return f"before the step {action.value.replace('_', '-')}"


@task(name="collect evidence", **RETRIED)
def collect_evidence(settings: ClusterSettings, seen: Seen, moment: str) -> Evidence:
    """Save catalog, history, pg_controldata of both copies and the ends of their logs as an artifact of the run.

    The logs are those of the instances, of what last copied into their directories (pg_rewind, pg_basebackup), and of
    the utilities on the coordinator's host.

    Args:
        moment: see `before`.

    Raises:
        HostUnreachable: the coordinator's host does not answer; without evidence nothing is changed.
        Refused: the Prefect server does not keep it; likewise.
    """
    cluster = seen.observation.cluster
    troubled = {content for finding in seen.diagnosis.findings for content in finding.contents}
    copies = [s for s in cluster.segments if s.content in troubled]
    with Shell.connect(settings.ssh) as shell:
        parts = read_evidence(shell, settings.greenplum, cluster.coordinator.port, copies)
    rows = [json.dumps(asdict(segment)) for segment in cluster.segments]
    history = [_history_line(line.time, line.dbid, line.description) for line in seen.observation.history]
    title = f"# Evidence of {cluster.name} {moment}"
    sections = [
        *_in_pieces("gp_segment_configuration", rows),
        *_in_pieces("gp_configuration_history, the newest first", history),
        *(_fenced(heading, text[:MOST_CHARACTERS]) for heading, text in parts),
    ]
    pages = list(paged(sections))
    for number, page in enumerate(pages, 1):
        part = f", part {number} of {len(pages)}" if len(pages) > 1 else ""
        keep_markdown(Kind.EVIDENCE, cluster.name, f"{title}{part}\n\n{page}", f"{cluster.name} {moment}{part}")
    kept = Artifact(datetime.now(UTC), artifact_key(Kind.EVIDENCE, cluster.name), moment)
    saved = f"Saved the catalog, its history and the state of {len(copies)} copies on their hosts."
    tell(Phase.EVIDENCE, saved, artifact=kept)
    return Evidence(cluster, tuple(told_by(parts, [s for s in copies if not s.is_up])))


def _in_pieces(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """Sections of the lines, each short enough for a page; one at least."""
    return (_fenced(heading, "\n".join(piece)) for piece in _packed(lines, len, MOST_CHARACTERS))


def paged(sections: Iterable[str]) -> Iterator[str]:
    """The sections, as many on a page as a proxy lets pass."""
    return ("\n\n".join(page) for page in _packed(sections, lambda section: len(section.encode()), MOST_BYTES))


def _packed(texts: Iterable[str], size: Callable[[str], int], most: int) -> Iterator[list[str]]:
    """The texts in their order, as many together as fit; one that is larger is alone, and none are one empty list."""
    together: list[str] = []
    taken = 0
    for text in texts:
        if together and taken + size(text) > most:
            yield together
            together, taken = [], 0
        together.append(text)
        taken += size(text)
    yield together


def _history_line(time: datetime, dbid: int, description: str) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S.%f} dbid {dbid}: {description}"


def _fenced(heading: str, text: str) -> str:
    fence = "`" * 3
    while fence in text:  # what a cluster printed must not break out
        fence += "`"
    return f"## {heading}\n\n{fence}\n{text}\n{fence}"
