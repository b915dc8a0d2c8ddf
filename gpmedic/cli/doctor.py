"""`gpmedic doctor`: every access of a cluster, tried; changes nothing."""

import json as jsonlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.check import Verdict
from gpmedic.cli.arguments import EveryCluster
from gpmedic.doctor import Access, Finding, findings_json, to_fix
from gpmedic.errors import AccessRefused

if TYPE_CHECKING:
    from gpmedic.cli.registered import Registered

_STYLES = {None: "dim", Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(
    cluster: EveryCluster = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="For programs: an object; a list where no cluster is named (docs/json.md)."),
    ] = False,
    app_block: Annotated[str, typer.Option("--app", help="The block of the Slack app.")] = "gpmedic",
) -> None:
    """Try every access that gpmedic needs, and say what to do about each that fails. Changes nothing.

    Exit code 0: fine, 1: something to fix, 2: error.
    """
    from gpmedic.cli.registered import all_registered

    names = all_registered() if cluster is None else [cluster]
    found = {}
    for name in names:
        found[name] = list(_examined(name, app_block, named=cluster is not None))
        if not json:
            show(name, found[name])
    if json:
        told = [findings_json(name, findings) for name, findings in found.items()]
        print(jsonlib.dumps(told if cluster is None else told[0], indent=2))
    raise typer.Exit(1 if any(map(to_fix, found.values())) else 0)


def _examined(name: str, app_block: str, *, named: bool) -> Iterator[Finding]:
    from gpmedic.cli.registered import has_file, load_registered

    try:
        registered = load_registered(name)
    except AccessRefused as error:
        if named and not has_file(name):
            raise
        yield Finding(Access.SETTINGS, Verdict.FAIL, error.message, error.next_action)
    else:
        yield from examined(registered, app_block)


def examined(registered: "Registered", app_block: str = "gpmedic") -> Iterator[Finding]:
    """All checks of a registered cluster, one after the other."""
    from gpmedic.access.doctor import Visit
    from gpmedic.doctor import examine

    settings = registered.settings
    with Visit(settings, registered.file, registered.source) as visit:
        seen = []
        for finding in examine(visit.checks):
            seen.append(finding)
            yield finding
    from gpmedic.cli.recover import quiet_prefect

    quiet_prefect()
    from flows.deployed import PrefectVisit
    from gpmedic.approvals.doctor import RunsVisit, SlackVisit

    name = settings.name
    others = {**PrefectVisit(name).checks, **RunsVisit(name).checks, **SlackVisit(settings, app_block).checks}
    yield from examine(others, seen)


def show(cluster: str, findings: Iterable[Finding]) -> None:
    """A table on a terminal, else a line for each check; then what there is to fix."""
    from rich.markup import escape
    from rich.table import Table

    from gpmedic.cli.screen import console

    shown = tuple(findings)
    if console.is_terminal:
        table = Table(title=f"{cluster}: what gpmedic needs", title_justify="left")
        for heading in ("access", "", "seen, and what to do"):
            table.add_column(heading, overflow="fold")
        for finding in shown:
            action = f"\n[bold]Next:[/] {escape(finding.next_action)}" if finding.next_action else ""
            word = f"[{_STYLES[finding.verdict]}]{finding.word}[/]"
            table.add_row(finding.access.value, word, escape(finding.detail) + action)
        console.print(table)
    else:
        for finding in shown:
            print(finding.line)
    failed = to_fix(shown)
    print(f"{cluster}: {len(failed)} to fix." if failed else f"{cluster}: nothing to fix.")
