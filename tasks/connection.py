"""One connection to Prefect for whoever asks it again and again: each client made anew costs two round trips."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

_IMPATIENT: Final = {PREFECT_CLIENT_MAX_RETRIES: 1, PREFECT_API_REQUEST_TIMEOUT: 10.0}
"""Who asks again anyway need not have Prefect's own patience, of minutes, in which it would do nothing else."""


@contextmanager
def one_connection() -> Iterator[None]:
    """Have every synchronous client that this thread asks for within the block be the same one, and impatient."""
    with temporary_settings(_IMPATIENT), SyncClientContext.get_or_create():
        yield
