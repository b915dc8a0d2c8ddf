"""The page for whoever has to restore from a backup: what is lost, where it was, and when it was last well."""

from collections.abc import Iterator, Sequence

from gpmedic.cluster import Cluster
from gpmedic.copies import Comparison, Copy
from gpmedic.document import Heading, Paragraph, Part, as_markdown
from gpmedic.table import Table


def handoff_markdown(cluster: Cluster, lost: Sequence[Comparison]) -> str:
    """The whole page."""
    return as_markdown(handoff(cluster, lost))


def handoff(cluster: Cluster, lost: Sequence[Comparison]) -> Iterator[Part]:
    """Its parts, for a report too."""
    contents = ", ".join(str(c.content) for c in lost)
    yield Heading(f"{cluster.name}: every copy of content {contents} is lost")
    share = f"{len(lost)} of {len(cluster.contents)}"
    yield Paragraph(
        f"The rows of {share} contents are gone: every distributed table has a hole, and no query over it can be"
        " answered. gpmedic has touched nothing, and no recovery of Greenplum can help: it copies from a living copy."
    )
    yield copies_table(lost)
    yield Heading("When they were last well")
    yield Table(
        ("content", "dbid", "gp_configuration_history"),
        tuple((str(c.content), str(copy.segment.dbid), _last(copy)) for c in lost for copy in c.copies),
    )
    yield Heading("What a restore needs")
    for line in _NEEDED:
        yield Paragraph(line.format(version=cluster.version, contents=contents))


def compared(cluster: Cluster | None, comparisons: Sequence[Comparison]) -> Iterator[Part]:
    """The section of a report: which copy of each content is the current one and why, and what is lost."""
    if not comparisons:
        return
    yield Heading("Copies of the contents that did not answer")
    yield copies_table(comparisons)
    for comparison in comparisons:
        yield Paragraph(f"{comparison}.")
    if cluster is not None and (lost := [c for c in comparisons if c.lost]):
        yield from handoff(cluster, lost)


def copies_table(comparisons: Sequence[Comparison]) -> Table:
    """Both copies of each content, as they were read on their hosts, and which one is current."""
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    return Table(
        ("content", "dbid", "host", "directory", "catalog", "found", "timeline", "checkpoint", "prior"), tuple(rows)
    )


def _rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for copy in comparison.copies:
        s, data = copy.segment, copy.data
        catalog = f"{s.role.value}/{s.preferred_role.value} {s.mode.value} {s.status.value}"
        found = copy.presence.value if data is None else data.state
        where = ("-", "-", "-") if data is None else (str(data.timeline), data.checkpoint, data.prior or "-")
        yield (str(comparison.content), str(s.dbid), s.hostname, s.datadir, catalog, found, *where)


def _last(copy: Copy) -> str:
    return copy.history[0] if copy.history else "no line: as it was made, or older than the history that was read"


_NEEDED = (
    "1. The newest complete backup of every database of this cluster (gpbackup, gpcrondump, gpdbrestore sets), from"
    " before the times above; a backup of content {contents} alone is of no use without the matching others.",
    "2. New or repaired hosts and file systems for the directories above, with {version}; keep the old disks untouched,"
    " a laboratory may still read them.",
    "3. A decision by whoever owns the data: everything written after that backup is lost, in every table.",
    "4. The evidence artifact of this run (catalog, history, logs), and the vendor's support.",
)
