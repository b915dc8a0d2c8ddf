"""The part of a plan that tells where segments go, in what file that stands, and which file leads back."""

from collections.abc import Iterator

from gpmedic.document import Heading, Level, Paragraph, Part
from gpmedic.steps import Step
from gpmedic.table import Table


def move_parts(step: Step) -> Iterator[Part]:
    """Nothing for a step that leaves its segments where they are."""
    if step.moves:
        yield Heading("Where the segments go", Level.PART)
        rows = tuple((str(m.content), str(m.dbid), m.old, m.new) for m in step.moves)
        yield Table(("content", "dbid", "old host:port:directory", "new host:port:directory"), rows)
    if step.file is not None:
        yield Paragraph(f"Written to {step.file.path} on the coordinator's host, mode 0600, and read by the command:")
        yield _lines(step.file.text)
    if step.way_back:
        yield Paragraph(
            "To move everything back later (gprecoverseg -i, while these segments are mirrors; a full copy), made from"
            " the catalog before the move:"
        )
        yield _lines(step.way_back)


def _lines(text: str) -> Table:
    return Table(("line", "text"), tuple((str(n), line) for n, line in enumerate(text.splitlines(), 1)))
