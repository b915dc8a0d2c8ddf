"""Keep a small text on the Prefect server under a name, for a program that may be restarted on another machine."""

import re
from http import HTTPStatus

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate


def remember(name: str, text: str) -> None:
    """Keep it, in place of what was kept before; at most 5000 characters."""
    # Prefect's Variable.set reads the variable before it writes it and again afterwards.
    with get_client(sync_client=True) as client:
        try:
            client.update_variable(VariableUpdate(name=_checked(name), value=text))
        except httpx.HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            client.create_variable(VariableCreate(name=name, value=text))


def recall(name: str) -> str | None:
    """What was kept last; None where nothing was."""
    with get_client(sync_client=True) as client:
        kept = client.read_variable_by_name(_checked(name))
    return None if kept is None else str(kept.value)


def _checked(name: str) -> str:
    if re.fullmatch(r"[a-z0-9_-]{1,200}", name) is None:
        raise ValueError(f"{name!r} is no name of a variable.")
    return name
