"""`gpmedic` in a real terminal, and what that shows."""

import os
import select
import time

IN_A_TERMINAL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # else a Ctrl-C is a mere byte
    "from gpmedic.cli import main; main()"
)


def read_until(terminal: int, words: bytes, seconds: float) -> bytes:
    """What the terminal shows until these words, or its end."""
    shown, deadline = b"", time.monotonic() + seconds
    while words not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # Linux says so when the last program at the other end is gone
                break
    return shown
