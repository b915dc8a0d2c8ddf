"""Compare both copies of every content that does not answer, on their hosts; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import task

from gpmedic.access.evidence import read_evidence
from gpmedic.access.facts import gather
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Generation, Segment, SegmentPair
from gpmedic.copies import Comparison, Copy, compare, inspect
from gpmedic.host_facts import HostFacts
from gpmedic.plan import silent_contents
from gpmedic.restart import RestartNotes, require_serving_copies, restart_notes
from gpmedic.settings import ClusterSettings
from tasks.detect import Seen
from tasks.notify import Level, Phase, tell
from tasks.transient import RETRIED


@dataclass(frozen=True, slots=True)
class _Found:
    """What the hosts said, for one look."""

    facts: dict[str, HostFacts]
    said: dict[int, str]
    seen: Seen
    contents: tuple[int, ...]

    def compared(self) -> tuple[Comparison, ...]:
        cluster = self.seen.observation.cluster
        return tuple(self._compare(p, cluster.version.generation) for p in cluster.pairs if p.content in self.contents)

    def _compare(self, pair: SegmentPair, generation: Generation) -> Comparison:
        mirror = None if pair.mirror is None else self._copy(pair.mirror)
        return compare(pair, self._copy(pair.primary), mirror, generation)

    def _copy(self, segment: Segment) -> Copy:
        host = self.facts.get(segment.hostname)
        directory = host.directory(segment.datadir) if host is not None and host.reachable else None
        history = [h for h in self.seen.observation.history if h.dbid == segment.dbid]
        lines = [f"{h.time:%Y-%m-%d %H:%M:%S %Z} {h.description}" for h in history]
        exists = None if directory is None else directory.exists
        return inspect(segment, self.said.get(segment.dbid), exists, lines)


@task(name="compare copies", **RETRIED)
def compare_copies(settings: ClusterSettings, seen: Seen) -> RestartNotes:
    """Which copy of each silent content is the current one, and whether the standby can be started with the rest.

    Raises:
        HostUnreachable: the coordinator's host does not answer.
    """
    with Shell.connect(settings.ssh) as shell:
        notes = _notes(settings, shell, seen)
    _tell(notes.comparisons)
    return notes


def compare_again(settings: ClusterSettings, shell: Shell, seen: Seen) -> RestartNotes:
    """The same without a task run, for the moment before the command: disks may have come or gone meanwhile.

    Raises:
        UnsafeState: the copy that would serve is not proven, or no longer proven, to be the current one.
    """
    notes = _notes(settings, shell, seen)
    require_serving_copies(notes.comparisons)
    return notes


def _notes(settings: ClusterSettings, shell: Shell, seen: Seen) -> RestartNotes:
    found = _ask(settings, shell, seen, silent_contents(seen.diagnosis))
    return restart_notes(seen.observation.cluster, list(found.facts.values()), found.compared())


@task(name="compare copies", **RETRIED)
def compare_contents(settings: ClusterSettings, seen: Seen, contents: Sequence[int]) -> tuple[Comparison, ...]:
    """Which copy of each of these contents is the current one; raises as `compare_copies` does."""
    with Shell.connect(settings.ssh) as shell:
        comparisons = _ask(settings, shell, seen, contents).compared()
    _tell(comparisons)
    return comparisons


def compare_now(
    settings: ClusterSettings,
    shell: Shell,
    seen: Seen,
    contents: Sequence[int],
    facts: Sequence[HostFacts] | None = None,
) -> tuple[Comparison, ...]:
    """The same without a task run, for the moment before a command.

    Args:
        facts: of every host, where they were just gathered.
    """
    return _ask(settings, shell, seen, contents, facts).compared()


def _tell(comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        tell(Phase.EVIDENCE, f"{comparison}.", Level.WARNING)


def _ask(
    settings: ClusterSettings,
    shell: Shell,
    seen: Seen,
    contents: Sequence[int],
    facts: Sequence[HostFacts] | None = None,
) -> _Found:
    cluster = seen.observation.cluster
    segments = [s for s in cluster.segments if s.content in contents]
    parts = read_evidence(shell, settings.greenplum, cluster.coordinator.port, segments)
    facts = gather(settings, shell, cluster) if facts is None else facts
    headings = {f"dbid {s.dbid} on {s.hostname}": s.dbid for s in segments}
    said = {headings[heading]: _control_data(text) for heading, text in parts if heading in headings}
    return _Found({f.host: f for f in facts}, said, seen, tuple(contents))


def _control_data(text: str) -> str:
    """The part of the evidence that pg_controldata printed, without the ends of logs, in which anything may stand."""
    return text.partition("== pg_controldata\n")[2].partition("\n== end of ")[0]
