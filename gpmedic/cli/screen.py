"""What the terminal shows: tables and progress with rich, plain text where the output is piped."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from gpmedic.cluster import Cluster, Segment
from gpmedic.diagnosis import Diagnosis, Severity
from gpmedic.report import diagnosis_text, segments_text

if TYPE_CHECKING:
    from rich.markdown import Markdown

console = Console(highlight=False)

STYLES: Mapping[Severity, str] = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}
ROLES = {"p": "primary", "m": "mirror"}
MODES = {"s": "synchronized", "n": "not in sync", "c": "change tracking", "r": "resynchronizing"}


def page(markdown: str) -> "Markdown":
    """What a person is asked to approve: nothing of it is cut, however narrow the terminal is."""
    # Imported here: `gpmedic status` draws no page, and should start at once.
    from rich.markdown import Markdown, TableElement

    class WholeTable(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                if isinstance(table, Table):
                    for column in table.columns:
                        column.overflow = "fold"
                yield table

    class Page(Markdown):
        elements: ClassVar = {**Markdown.elements, "table_open": WholeTable}

    return Page(markdown)


class Told(Protocol):
    """What a running flow tells (tasks.notify.Progress), without importing Prefect for it."""

    @property
    def phase(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def percent(self) -> float | None: ...


def show_diagnosis(diagnosis: Diagnosis) -> None:
    if not console.is_terminal:
        print(diagnosis_text(diagnosis))
        return
    if diagnosis.cluster is not None:
        show_segments(diagnosis.cluster)
    if diagnosis.healthy:
        console.print("[green]All segments are up, synchronized and in their preferred roles.[/]")
    for finding in diagnosis.findings:
        facts = finding.facts
        console.print(f"[{STYLES[facts.severity]}]{facts.title}[/]: {escape(finding.detail)}")
        console.print(f"  {facts.meaning}\n  [bold]Next:[/] {facts.next_action}")


def show_segments(cluster: Cluster) -> None:
    if not console.is_terminal:
        print(segments_text(cluster))
        return
    table = Table(title=f"{cluster.name}, {cluster.version}", title_justify="left")
    for heading in ("content", "dbid", "host", "port", "role", "preferred", "mode", "status"):
        table.add_column(heading, justify="right" if heading in ("content", "dbid", "port") else "left")
    for segment in sorted(cluster.segments, key=lambda s: (s.content, s.preferred_role != "p")):
        table.add_row(*_cells(segment), style=_style(segment))
    console.print(table)


def _cells(segment: Segment) -> tuple[str, ...]:
    coordinator = segment.content == -1  # its mode means nothing
    return (
        str(segment.content),
        str(segment.dbid),
        escape(segment.hostname),
        str(segment.port),
        ROLES[segment.role],
        ROLES[segment.preferred_role] if segment.in_preferred_role else f"{ROLES[segment.preferred_role]} (switched)",
        "" if coordinator else MODES[segment.mode],
        "up" if segment.is_up else "DOWN",
    )


def _style(segment: Segment) -> str:
    if not segment.is_up:
        return "bold red"
    return "" if segment.in_preferred_role else "yellow"


class Ticker:
    """Prints what a flow tells, with the seconds since the beginning; progress in place where it is a terminal."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._bar: tuple[Progress, TaskID] | None = None

    def __call__(self, told: Told) -> None:
        if told.percent is not None and console.is_terminal:
            self._advance(told.text, told.percent)
            return
        self.end_progress()
        self.say(f"{told.phase}: {told.text}")

    def say(self, text: str) -> None:
        console.print(f"{time.monotonic() - self._began:6.1f} s  {text}", markup=False, soft_wrap=True)

    def _advance(self, text: str, percent: float) -> None:
        if self._bar is None:
            progress = Progress(BarColumn(), TextColumn("{task.description}", markup=False), console=console)
            self._bar = progress, progress.add_task(text, total=100)
            progress.start()
        progress, task = self._bar
        progress.update(task, completed=percent, description=text)

    def end_progress(self) -> None:
        """Leave the progress bar as it stands, before something else is printed."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None
