"""A look that is repeated in a thread, so that a terminal is drawn and answers while a look takes long."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from gpmedic.errors import GpmedicError
from gpmedic.live import Lost

T = TypeVar("T")


class Repeated(Generic[T]):
    """Looks each `interval` seconds, also after a failure; what was seen last stays.

    Args:
        look: raises GpmedicError where what it looks at does not answer.
        changed: set after each look.

    Attributes:
        lost: since when it has failed, and why; None where the last look succeeded.
        error: of the last look. One that is no GpmedicError is a bug, and the last.
    """

    def __init__(self, look: Callable[[], T], interval: float, changed: threading.Event) -> None:
        self.seen: T | None = None
        self.looks = 0
        self.lost: Lost | None = None
        self.error: Exception | None = None
        self._look, self._interval, self._changed = look, interval, changed
        # A thread that waits for a host that is silent must not keep the program from ending.
        threading.Thread(target=self._run, name=f"look {look.__qualname__}", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self.error is None or isinstance(self.error, GpmedicError):
            try:
                self.seen = self._look()
                self.lost = self.error = None
            except GpmedicError as error:
                self.error = error
                self.lost = Lost(self.lost.since if self.lost else datetime.now(UTC), str(error))
            except Exception as error:  # a bug: whoever shows what was seen raises it
                self.error = error
            self.looks += 1
            self._changed.set()
            pause.wait(self._interval)
