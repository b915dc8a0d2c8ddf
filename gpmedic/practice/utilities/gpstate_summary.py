"""gpstate without an option, or -b: how many instances are there, and what is missing."""

from collections.abc import Sequence

from gpmedic.cluster import Role, Status
from gpmedic.practice.facts import SegmentFacts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_status import append_standby
from gpmedic.practice.utilities.gpstate_view import View, count
from gpmedic.practice.utilities.gpstate_words import Words
from gpmedic.practice.utilities.table import Table


def print_summary(console: Console, view: View, words: Words) -> int:
    """Exit code 0 even with segments down (T18)."""
    console.info("Greenplum instance status summary")
    table = Table().separator().info(f"{words.Coordinator} instance", "= Active")
    append_standby(table, view, words)
    table.info("Total segment instance count from metadata", f"= {len(view.segments)}").separator()
    for role, name in ((Role.PRIMARY, "Primary"), (Role.MIRROR, "Mirror")):
        segments = view.preferred(role)
        table.info(f"{name} Segment Status").separator()
        if segments:
            _count(table, view, words, name.lower(), segments)
        else:
            table.info("Mirrors not configured on this array")
        if segments and role is Role.MIRROR:
            active = sum(1 for s in segments if s.role is Role.PRIMARY)
            _bad(table, "Total number mirror segments acting as primary segments", active)
            _good(table, "Total number mirror segments acting as mirror segments", len(segments) - active)
        table.separator()
    table.print(console)
    return 0


def _count(table: Table, view: View, words: Words, name: str, segments: Sequence[SegmentFacts]) -> None:
    instances = [view.instance(s) for s in segments]
    no_files = sum(1 for instance in instances if not instance.has_files)
    not_running = sum(1 for instance in instances if not instance.runs)
    _good(table, f"Total {name} segments", len(segments))
    _good(table, f"Total {name} segment valid (at {words.coordinator})", count(segments, Status.UP))
    _bad(table, f"Total {name} segment failures (at {words.coordinator})", count(segments, Status.DOWN))
    for what, missing in (
        ("of postmaster.pid files", no_files),
        ("of postmaster.pid PIDs", no_files),
        ("of /tmp lock files", no_files),
        ("postmaster processes", not_running),
    ):
        _bad(table, f"Total number {what} missing", missing)
        _good(table, f"Total number {what} found", len(segments) - missing)


def _good(table: Table, label: str, number: int) -> None:
    table.info(label, f"= {number}")


def _bad(table: Table, label: str, number: int) -> None:
    (table.warning if number else table.info)(label, f"= {number}")
