"""One connection to Prefect for whoever asks it again and again: each client made anew costs two round trips."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.context import SyncClientContext


@contextmanager
def one_connection() -> Iterator[None]:
    """Have every synchronous client that this thread asks for within the block be the same one."""
    with SyncClientContext.get_or_create():
        yield
