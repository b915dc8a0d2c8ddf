"""Positions in the WAL, such as `0/C060000`, as numbers of bytes, so that two of them can be compared."""

import re
from typing import Final

_POSITION: Final = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def wal_position(text: str) -> int | None:
    """Bytes from the beginning of the WAL; None where the text is no position."""
    return lsn_bytes(text) if _POSITION.fullmatch(text) else None


def lsn_bytes(location: str) -> int:
    """The same of what is known to be a position; ValueError where it is none."""
    high, low = location.split("/")
    return (int(high, 16) << 32) + int(low, 16)
