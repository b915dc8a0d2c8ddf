"""Whether a database and a data directory on a host are one coordinator: the utilities act on the second alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpmedic.cluster import Segment

SAME_START: Final = 90
"""Seconds between what postmaster.pid and pg_postmaster_start_time() call the start of one postmaster; it is less."""
_IDENTITY: Final = 3
"""Lines of postmaster.pid that stay as they are while it runs: pid, directory, start (4.3 and 5: its shared memory)."""


@dataclass(frozen=True, slots=True)
class DatabaseSide:
    """What the database that answered says of its coordinator.

    Attributes:
        started: pg_postmaster_start_time() as seconds since 1970.
        pid_file: postmaster.pid as its server reads it; None where our role may not read files.
    """

    coordinator: Segment
    started: int
    pid_file: str | None = None


@dataclass(frozen=True, slots=True)
class HostSide:
    """What lies in the data directory of the settings on the ssh host.

    Attributes:
        postmaster: one line, begins with "pid" where one lives.
        is_of_catalog: it is the directory that the catalog names, by whatever name.
        pid_file: the first lines of postmaster.pid.
    """

    postmaster: str
    is_of_catalog: bool
    pid_file: Sequence[str] = ()


def listens_on(host: HostSide) -> int | None:
    """The port of the coordinator that lives on the host; None where none does, or where its version does not say."""
    port = host.pid_file[3].strip() if len(host.pid_file) > 3 else ""  # from PostgreSQL 9.1 on
    return int(port) if host.postmaster.startswith("pid ") and port.isdecimal() else None


def difference(database: DatabaseSide, host: HostSide) -> str | None:
    """What shows that they are two coordinators, one line; None where nothing does.

    Hosts of one layout have the same directories and ports, and may be booted together: only postmaster.pid, as both
    sides see it, tells them apart then.
    """
    if not host.postmaster.startswith("pid "):
        return host.postmaster
    if not host.is_of_catalog:
        return f"the catalog's coordinator lies in {database.coordinator.datadir}, which is another directory there"
    lines = [line.strip() for line in host.pid_file]
    port = listens_on(host)
    if port is not None and port != database.coordinator.port:
        return f"its postmaster.pid names port {port}, the catalog {database.coordinator.port}"
    own = [line.strip() for line in (database.pid_file or "").splitlines()]
    if own and own[:_IDENTITY] != lines[:_IDENTITY]:
        return f"its postmaster.pid says {lines[:_IDENTITY]}, that of the database {own[:_IDENTITY]}"
    started = lines[2] if len(lines) > 2 else ""
    if started.isdecimal() and abs(int(started) - database.started) > SAME_START:
        return f"its postmaster was started {abs(int(started) - database.started)} s apart from that of the database"
    return None
