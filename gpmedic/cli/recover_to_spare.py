"""`gpmedic recover-to-spare`: the segments of a host that is lost for good move to another one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import OneCluster, RestOnStderr
from gpmedic.cli.recover import run_and_report
from gpmedic.errors import AccessRefused

if TYPE_CHECKING:
    from gpmedic.report import RecoveryReport


def recover_to_spare(  # noqa: PLR0917 (the options of a command line)
    cluster: OneCluster,
    lost_host: Annotated[str, typer.Argument(help="The lost host, as the catalog names it.")],
    spare_host: Annotated[str, typer.Argument(help="The host that replaces it, as the coordinator's host reaches it.")],
    file: Annotated[
        Path | None, typer.Option(help="A recovery configuration file of your own, for other ports or directories.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="A practice operator approves: practice clusters only.")] = False,
    json: RestOnStderr = False,
) -> None:
    """Move every segment of a lost host to a spare one, with the same questions and exit codes as `gpmedic recover`.

    That the host is lost for good is your decision.
    """
    from gpmedic.cli.attendants import choose_attendant
    from gpmedic.cli.choose import choose_cluster

    settings = choose_cluster(cluster)
    text = "" if file is None else _read(file)
    attending = choose_attendant(settings, yes=yes)

    def page() -> "RecoveryReport":
        from flows.recover_to_spare import recover_to_spare as flow

        return flow(settings.name, lost_host, spare_host, text)

    run_and_report(page, attending, settings.name, json=json)


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise AccessRefused(f"{file} cannot be read ({reason}).", "Name a readable file.") from None
    if not text.strip():  # the flow would have a file made
        raise AccessRefused(f"{file} is empty.", "Write one line a segment into it, or leave --file away.")
    return text
