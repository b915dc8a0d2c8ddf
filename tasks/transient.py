"""Which failures a task tries again: those of `Transient`, and no others."""

from collections.abc import Callable
from typing import Any, Final, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun

from gpmedic.errors import Transient


def only_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """The one `retry_condition_fn` of gpmedic: a refusal or a failed utility is never tried again by itself."""
    try:
        state.result()
    except Transient:
        return True
    except Exception:
        return False
    return False


class _Options(TypedDict):
    cache_policy: CachePolicy
    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]


DELAYS = (0.5, 2.0, 5.0)
"""Seconds before each further attempt."""
RETRIED: Final = _Options(
    cache_policy=NO_CACHE,  # a second look with the same arguments must look
    retries=len(DELAYS),
    retry_delay_seconds=list(DELAYS),
    retry_condition_fn=only_transient,
)
"""Options of every task that may be tried again. One that changes something may be, because its approval starts its
command once (see `run_utility`)."""
