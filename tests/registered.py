"""A registered practice cluster with another policy."""

from collections.abc import Iterator
from contextlib import contextmanager

from gpmedic.practice import PracticeCluster


@contextmanager
def policy(practice: PracticeCluster, line: str) -> Iterator[None]:
    """With one more setting."""
    registered = practice.register()
    registered.write_text(registered.read_text().replace("[policy]\n", f"[policy]\n{line}\n"))
    try:
        yield
    finally:
        practice.register()
