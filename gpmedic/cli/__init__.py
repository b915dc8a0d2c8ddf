"""The command line: `gpmedic status`, `plan`, `recover`, `approve`, `reject`, `serve`, `drill` and groups of others.

Exit codes: 0 healthy or done, 1 a person must act, 2 an error (what happened and what to do next, in one line).
"""

import sys

import typer

from gpmedic.cli.approvals import app as approvals_app
from gpmedic.cli.brake import app as brake_app
from gpmedic.cli.decide import approve, reject
from gpmedic.cli.doctor import doctor
from gpmedic.cli.drill import drill
from gpmedic.cli.recover import recover
from gpmedic.cli.recover_to_spare import recover_to_spare
from gpmedic.cli.serve import serve
from gpmedic.cli.setup import setup
from gpmedic.cli.status import plan, status
from gpmedic.errors import GpmedicError
from gpmedic.practice.commands import app as practice_app

app = typer.Typer(
    name="gpmedic",
    help="The Greenplum runbook for failed segments, with a person's approval before every disruptive step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(status)
app.command()(plan)
app.command()(recover)
app.command()(recover_to_spare)
app.command()(approve)
app.command()(reject)
app.command()(serve)
app.command()(setup)
app.command()(doctor)
app.command()(drill)
app.add_typer(approvals_app, name="approvals")
app.add_typer(brake_app, name="brake")
app.add_typer(practice_app, name="practice")


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
