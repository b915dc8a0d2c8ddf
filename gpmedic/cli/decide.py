"""`gpmedic approve` and `gpmedic reject`: the same decision as in Slack or on Prefect's page, from a terminal."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.cli.arguments import ClusterName
from gpmedic.errors import UnsafeState
from gpmedic.masking import masked

if TYPE_CHECKING:
    from tasks.approve import Decision

COMMAND_LINE = "command line"
Reason = Annotated[str, typer.Option("--reason", help="Kept with the record.")]


def approve(
    cluster: ClusterName = None,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again after the plan was shown.")] = False,
) -> None:
    """Say yes to the step that a recovery of the cluster waits with; the plan is shown first."""
    from tasks.approve import Decision

    _decide(cluster, Decision.YES, reason, asked=not yes)


def reject(cluster: ClusterName = None, reason: Reason = "") -> None:
    """Say no to the step that a recovery of the cluster waits with; it is not run."""
    from tasks.approve import Decision

    _decide(cluster, Decision.NO, reason, asked=False)


def _decide(cluster: str | None, decision: "Decision", reason: str, *, asked: bool) -> None:
    from gpmedic.cli.choose import choose_cluster
    from gpmedic.cli.recover import configured_or_local_server, quiet_prefect
    from gpmedic.cli.screen import console, page

    name = choose_cluster(cluster).name
    quiet_prefect()
    where = _where()  # before a local server stands in for one that is not configured
    with configured_or_local_server():
        from flows.attend import give_and_see
        from tasks.approve import Answer
        from tasks.find_recovery import find_recovery
        from tasks.question import load_request

        recovery = find_recovery(name)
        key = recovery.paused_for if recovery is not None else None
        request = load_request(recovery.run, key) if recovery is not None and key is not None else None
        if recovery is None or request is None:
            raise UnsafeState(f"No recovery of {name} waits for an answer {where}.", f"See gpmedic status {name}.")
        console.print(page(request.proposal.text))
        if asked and not typer.confirm(f"Approve {request.proposal.command}?"):
            print("Nothing was answered; it still waits.")
            raise typer.Exit(1)
        answer = Answer(
            decision=decision.value, operator=getpass.getuser(), reason=reason, via=COMMAND_LINE, question=request.key
        )
        given = give_and_see(recovery.run, answer)
    if given != answer:
        first = "its question waits no longer" if given is None else f"{given.operator} was first, via {given.via}"
        raise UnsafeState(f"The answer came too late: {first}.", f"See gpmedic status {name}.")
    said = "approved" if answer.decision == "yes" else "rejected"
    print(f"{request.proposal.command}: {said} by {answer.operator}.")
    if answer.decision == "yes":
        print(f"The cluster is looked at once more before it starts; gpmedic watch {name} shows what follows.")


def _where() -> str:
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is None:
        return "in this account's own record; PREFECT_API_URL names no server on which others might"
    return f"on the Prefect server at {masked(url)}"
