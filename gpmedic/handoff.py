"""The page for whoever has to restore from a backup: what is lost, where it was, and when it was last well."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from gpmedic.cluster import Cluster
from gpmedic.copies import Comparison, Copy
from gpmedic.document import Heading, Paragraph, Part, as_markdown
from gpmedic.languages.language import Language, saying
from gpmedic.table import Table


def handoff_markdown(cluster: Cluster, lost: Sequence[Comparison], language: Language = Language.ENGLISH) -> str:
    """The whole page."""
    return as_markdown(handoff(cluster, lost), saying(language))


def handoff(cluster: Cluster, lost: Sequence[Comparison]) -> Iterator[Part]:
    """Its parts, for a report too."""
    contents = ", ".join(str(c.content) for c in lost)
    yield Heading(f"{cluster.name}: every copy of content {contents} is lost")
    yield Paragraph(
        f"The rows of {len(lost)} of {len(cluster.contents)} contents are gone: every distributed table has a hole, and"
        " no query over it can be answered. gpmedic has touched nothing, and no recovery of Greenplum can help: it"
        " copies from a living copy."
    )
    yield copies_table(lost)
    yield Heading("When they were last well")
    yield Table(
        ("content", "dbid", "last line that calls it up and in sync", "what the history tells next"),
        tuple((str(c.content), str(copy.segment.dbid), *_last_well(copy)) for c in lost for copy in c.copies),
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


def _last_well(copy: Copy) -> tuple[str, str]:
    """The newest line by which it was well, and the line after it; the last line alone tells of the failure."""
    at = next((n for n, line in enumerate(copy.history) if _WELL.search(line)), None)
    if at is not None:
        return copy.history[at], copy.history[at - 1] if at else "nothing: so it was until it stopped answering"
    if not copy.history:
        return _NOT_TOLD, "nothing"
    return _NOT_TOLD, f"{copy.history[-1]} (the oldest line that was read of it)"


_NOT_TOLD: Final = "none: it was so since it was made, or the newest lines of the history, which were read, begin later"
_WELL: Final = re.compile(  # 6 and 7, then 4.3: in the words of recorded clusters
    r"FTS: update role, status, and mode for dbid \d+ with contentid -?\d+ to [pm], u, and s$"
    r"|FTS: changed segment to insync from resync"
)
_NEEDED = (
    "0. Before anything else: see that the file systems of the directories above are mounted on their hosts. A"
    " directory that is merely not mounted looks like one that is lost; then mount it and run the flow again.",
    "1. The newest complete backup of every database of this cluster (gpbackup, gpcrondump, gpdbrestore sets), from"
    " before the times above; a backup of content {contents} alone is of no use without the matching others.",
    "2. New or repaired hosts and file systems for the directories above, with {version}; keep the old disks untouched,"
    " a laboratory may still read them.",
    "3. A decision by whoever owns the data: everything written after that backup is lost, in every table.",
    "4. The evidence artifact of this run (catalog, history, logs), and the vendor's support.",
)
