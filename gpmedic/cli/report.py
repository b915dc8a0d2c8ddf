"""`gpmedic report`: what one recovery has done, as text, Markdown, a page or JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.errors import AccessRefused
from gpmedic.languages.language import Language

if TYPE_CHECKING:
    from gpmedic.recovery_report import RecoveryReport


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


SUFFIXES: Mapping[str, Format] = {
    ".txt": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".html": Format.HTML,
    ".json": Format.JSON,
}


def report(
    incident: Annotated[str, typer.Argument(help="The name or the id of its run in Prefect, or: last.")] = "last",
    cluster: Annotated[str | None, typer.Option(help="Whose last one; without it the last of all.")] = None,
    format: Annotated[
        Format | None, typer.Option(help="Without it by the name of --output; without that text.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A file instead of the terminal.")] = None,
    language: Annotated[Language | None, typer.Option(help="Without it that of the cluster.")] = None,
) -> None:
    """Tell the whole story of a recovery that has ended, runs, waits or died. Exit code 0."""
    from gpmedic.cli.recover import quiet_prefect, recorded_runs

    wanted = format or (format_of(output) if output is not None else Format.TEXT)
    quiet_prefect()
    with recorded_runs():
        from flows.history import find_incident, report_of

        found = report_of(find_incident(incident, cluster))
        told = rendered(replace(found, language=language or found.language), wanted)
    if output is None:
        print(told, end="")
        return
    write(output, told)
    print(f"Written to {output}.")


def format_of(file: Path) -> Format:
    """The format that the name of a file asks for.

    Raises:
        AccessRefused: none is known for it.
    """
    if file.suffix not in SUFFIXES:
        raise AccessRefused(
            f"What {file} should be cannot be told from its name; nothing was done.",
            f"End the name in one of {', '.join(SUFFIXES)}, or give --format.",
        )
    return SUFFIXES[file.suffix]


def rendered(told: "RecoveryReport", wanted: Format) -> str:
    from gpmedic.recovery_json import recovery_json
    from gpmedic.report import report_html, report_markdown, report_text

    renderers: Mapping[Format, Callable[[RecoveryReport], str]] = {
        Format.TEXT: report_text,
        Format.MARKDOWN: report_markdown,
        Format.HTML: report_html,
        Format.JSON: lambda r: f"{json.dumps(recovery_json(r), indent=2)}\n",
    }
    return renderers[wanted](told)


def write(file: Path, told: str) -> None:
    """Write a report, for nobody but this account: it names hosts and people.

    Raises:
        AccessRefused: the file cannot be written.
    """
    try:
        file.touch(mode=0o600)
        file.write_text(told, encoding="utf-8")
    except OSError as error:
        raise AccessRefused(f"{file} cannot be written ({error.strerror}).", "Name a file that can.") from None
