"""The command line: `gpmedic status`, `plan`, `recover`, `approve`, `reject`, `serve`, `drill` and groups of others.

Exit codes: 0 healthy or done, 1 a person must act, 2 an error (what happened and what to do next, in one line).
"""

import gc
import sys

import typer

from gpmedic.cli.commands import Commands
from gpmedic.errors import GpmedicError

app = typer.Typer(
    name="gpmedic",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the help in plain text, there and in every group: drawn by rich it takes twice as long
)


@app.callback()
def gpmedic() -> None:
    """The Greenplum runbook for failed segments, with a person's approval before every disruptive step."""


def main() -> None:
    """Run the command line; a failure, also one that nobody expected, is one line on stderr and exit code 2."""
    try:
        app()
    except GpmedicError as error:
        print(f"gpmedic: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:  # Python's own exit code 1 would tell a monitor that the cluster needs somebody
        from gpmedic.cli.bug import told

        print(f"gpmedic: {told(error)}", file=sys.stderr)
        sys.exit(2)
    finally:
        gc.freeze()  # or Python looks for garbage in all of Prefect once more before it ends: a third of a second
