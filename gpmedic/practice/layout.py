"""Which hosts and segments a practice cluster has: as the recorded clusters, every host a port on 127.0.0.1."""

import contextlib
import json
import os
import random
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gpmedic.cluster import COORDINATOR_CONTENT, Mode, Role, Status
from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Release
from gpmedic.practice.postgres import base_folder, exclusive
from gpmedic.practice.processes import alive

LOOPBACK = "127.0.0.1"
USER = "gpadmin"
COORDINATOR_HOST = "mdw"
STANDBY_HOST = "smdw"
SEGMENT_HOSTS = ("sdw1", "sdw2", "sdw3")
SPARE_HOST = "sdw4"
HOSTS = (COORDINATOR_HOST, STANDBY_HOST, *SEGMENT_HOSTS, SPARE_HOST)

# Below every system's range of ephemeral ports: the port of a segment that is down must not be taken by whoever opens a
# connection in the meantime.
_PORTS = range(15000, 32000)


MARK = ".gpmedic-practice"
"""A file that tells a practice cluster's folder, which may be deleted, from any other."""
SETTINGS = "cluster.toml"
DRILL_PREFIX = "drill-"
"""How the clusters of drills are named: they come and go, and are never meant where no name is given."""


class Kept(StrEnum):
    """How long a practice cluster lives."""

    LIFELINE = "lifeline"  # as long as the process that started it holds its stdin open
    DETACHED = "detached"  # until it is told to end


class Mirrors(StrEnum):
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of gp_segment_configuration as the engine keeps it."""

    dbid: int
    content: int
    role: Role
    preferred_role: Role
    mode: Mode
    status: Status
    port: int
    hostname: str
    address: str
    datadir: str
    replication_port: int | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Row":
        """From a row of the catalog or of JSON."""
        return cls(
            dbid=values["dbid"],
            content=values["content"],
            role=Role(values["role"]),
            preferred_role=Role(values["preferred_role"]),
            mode=Mode(values["mode"]),
            status=Status(values["status"]),
            port=values["port"],
            hostname=values["hostname"],
            address=values["address"],
            datadir=values["datadir"],
            replication_port=values.get("replication_port"),
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


# dbid, content, role, host: primaries and their mirrors, spread as on the recorded clusters.
_PRIMARIES = ((2, 0, "sdw1"), (3, 1, "sdw1"), (4, 2, "sdw2"), (5, 3, "sdw2"), (6, 4, "sdw3"), (7, 5, "sdw3"))
_MIRRORS = ((8, 0, "sdw2"), (9, 1, "sdw3"), (10, 2, "sdw3"), (11, 3, "sdw1"), (12, 4, "sdw1"), (13, 5, "sdw2"))
_COORDINATOR_DBID = 1
_STANDBY_DBID = 14


def rows(release: Release, mirrors: Mirrors, folder: Path, ports: list[int]) -> tuple[Row, ...]:
    """The rows of a fresh cluster whose data directories lie below `folder`/hosts."""
    free = iter(ports)
    mode = Mode.SYNCHRONIZED if mirrors is Mirrors.YES or release is Release.V4_3 else Mode.NOT_IN_SYNC

    def row(place: str, *, dbid: int, content: int, role: Role, host: str, row_mode: Mode) -> Row:
        datadir = folder / "hosts" / host / "data" / place / f"gpseg{content}"
        replication = next(free) if release is Release.V4_3 and content != COORDINATOR_CONTENT else None
        return Row(dbid, content, role, role, row_mode, Status.UP, next(free), host, host, str(datadir), replication)

    coordinator_mode = Mode.SYNCHRONIZED if release is Release.V4_3 else Mode.NOT_IN_SYNC
    place = "coordinator" if release is Release.V7 else "master"
    minus_one = COORDINATOR_CONTENT
    made = [
        row(
            place,
            dbid=_COORDINATOR_DBID,
            content=minus_one,
            role=Role.PRIMARY,
            host=COORDINATOR_HOST,
            row_mode=coordinator_mode,
        )
    ]
    kinds = [("primary", Role.PRIMARY, _PRIMARIES), ("mirror", Role.MIRROR, _MIRRORS)]
    for name, role, segments in kinds[: 1 if mirrors is Mirrors.NO else 2]:
        for dbid, content, host in segments:
            made.append(row(name, dbid=dbid, content=content, role=role, host=host, row_mode=mode))
    standby_mode = Mode.SYNCHRONIZED
    made.append(
        row(
            place,
            dbid=_STANDBY_DBID,
            content=minus_one,
            role=Role.MIRROR,
            host=STANDBY_HOST,
            row_mode=standby_mode,
        )
    )
    return tuple(made)


PORTS_NEEDED = 2 * (len(_PRIMARIES) + len(_MIRRORS)) + 2
_SPARE_PORTS = 16  # for segments that a drill moves to the spare host


@contextlib.contextmanager
def reserved_ports() -> Iterator[list[int]]:
    """Free ports that no other practice cluster of this user will choose while this process lives."""
    registry = base_folder() / "ports"
    registry.mkdir(exist_ok=True)
    mine = registry / f"{os.getpid()}.json"
    with exclusive(base_folder() / "ports.lock"):
        taken: set[int] = set()
        for other in registry.glob("*.json"):
            if alive(int(other.stem)):
                taken |= set(json.loads(other.read_text()))
            else:
                other.unlink()
        ports = _free(PORTS_NEEDED + _SPARE_PORTS, taken)
        mine.write_text(json.dumps(ports))
    try:
        yield ports
    finally:
        mine.unlink(missing_ok=True)


def _free(count: int, taken: set[int]) -> list[int]:
    """Consecutive ports: gprecoverseg -p counts on from the cluster's own, and must not meet another cluster there."""
    begins = list(range(_PORTS.start, _PORTS.stop - count, count))
    random.shuffle(begins)  # two machines' worth of clusters shall rarely meet
    for first in begins:
        ports = range(first, first + count)
        if taken.isdisjoint(ports) and all(map(_can_be_bound, ports)):
            return list(ports)
    raise PracticeError("There are not enough free ports for a practice cluster.", "Stop other practice clusters.")


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
