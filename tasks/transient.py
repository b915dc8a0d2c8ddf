"""Which failures a task tries again: those of `Transient`, and no others."""

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from gpmedic.errors import Transient

ATTEMPTS = 3
DELAYS = (0.5, 2.0, 5.0)
"""Seconds before each further attempt at an observation."""


def only_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """The one `retry_condition_fn` of gpmedic: a refusal or a failed utility is never tried again by itself."""
    try:
        state.result()
    except Transient:
        return True
    except Exception:
        return False
    return False
