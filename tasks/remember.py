"""Keep a small text on the Prefect server under a name, for a program that may be restarted on another machine."""

import re

from prefect.variables import Variable


def remember(name: str, text: str) -> None:
    """Keep it, in place of what was kept before; at most 5000 characters."""
    Variable.set(_checked(name), text, overwrite=True)


def recall(name: str) -> str | None:
    """What was kept last; None where nothing was."""
    kept = Variable.get(_checked(name))
    return None if kept is None else str(kept)


def _checked(name: str) -> str:
    if re.fullmatch(r"[a-z0-9_-]{1,200}", name) is None:
        raise ValueError(f"{name!r} is no name of a variable.")
    return name
