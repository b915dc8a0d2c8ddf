"""A practice coordinator whose catalog holds thousands of segments, and hundreds of hosts behind real ssh.

The coordinator is a real PostgreSQL with Greenplum's catalog, its rows are made up: no segment runs. A direct probe of
any of them is a real session, in the coordinator. The hosts are ports of one asyncssh process, and unlike those of
`gpmedic practice` they are reached by the system's own ssh.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice import lab_folder
from gpmedic.practice.control import SUPERVISOR_FILE
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import Release
from gpmedic.practice.fts import Pace
from gpmedic.practice.guard import refuse_running, socket_folder, watchdog
from gpmedic.practice.layout import COORDINATOR_HOST, SETTINGS, Mirrors, Row, reserved_ports
from gpmedic.practice.postgres import copy_tree, programs
from gpmedic.practice.practice_cluster import folder_of
from gpmedic.practice.processes import end_all
from gpmedic.practice.servers import Connection
from gpmedic.practice.sshd import SshHosts
from gpmedic.practice.templates import COORDINATOR_HBA, template
from gpmedic.settings import ClusterSettings, parse_cluster

SEGMENTS_A_HOST: Final = 16
_FIRST_PORT: Final = 40000
_STATES: Final = ("role", "preferred_role", "mode", "status")
_COLUMNS: Final = ("dbid", "content", *_STATES, "port", "hostname", "address", "datadir")

# A probe in flight is a session here, and 64 are made at once.
_ROOM = "max_connections = 200\n"
# What Greenplum gathers from its primaries is made from the catalog: every mirror streams and has replayed all.
_NO_SEGMENT_IS_ASKED = """
SET allow_system_table_mods = on;
CREATE OR REPLACE FUNCTION pg_catalog.gp_request_fts_probe_scan() RETURNS bool LANGUAGE sql AS $$ SELECT true $$;
CREATE OR REPLACE FUNCTION gpmedic_practice.stat_replication() RETURNS SETOF json LANGUAGE sql AS $$
  SELECT json_build_object('gp_segment_id', content, 'pid', dbid, 'application_name', 'gp_walreceiver',
    'state', 'streaming', 'sync_state', 'sync', 'sent_lsn', '0/3000060', 'write_lsn', '0/3000060',
    'flush_lsn', '0/3000060', 'replay_lsn', '0/3000060')
  FROM gp_segment_configuration WHERE role = 'm'
$$;
"""
# The last of two options counts; what Greenplum calls utility mode PostgreSQL does not know.
_PSQL = 'unset PGOPTIONS\nexec {bin}/psql "$@" -h {sockets} -p {port} -U gpadmin\n'
_SSH = 'exec /usr/bin/ssh -F {folder}/ssh_config "$@"\n'


@dataclass(frozen=True)
class ScaleCluster:
    """One that is up.

    Attributes:
        ports: of those hosts that ssh reaches, by name, the coordinator's first; the catalog may name more.
    """

    folder: Path
    settings: ClusterSettings
    ports: dict[str, int]
    engine: Engine

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self.ports)

    def fill(self, segments: int, hosts: int | None = None) -> None:
        """Have the catalog hold so many segments, primaries and mirrors together, all of them well.

        Args:
            hosts: over which they are spread; by default one for each `SEGMENTS_A_HOST`.
        """
        rows = _rows(self.engine.coordinator, segments, hosts or max(2, segments // SEGMENTS_A_HOST), self.folder)
        marks = ", ".join("%s" for _ in _COLUMNS)
        with contextlib.closing(self._connect()) as session, session.cursor() as cursor:
            cursor.execute("SET allow_system_table_mods = on; DELETE FROM gp_segment_configuration")
            cursor.executemany(
                f"INSERT INTO gp_segment_configuration ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 (our names)
                [[getattr(row, column) for column in _COLUMNS] for row in rows],
            )

    def _connect(self) -> Connection:
        return self.engine.connect_coordinator()


@contextlib.contextmanager
def scale_cluster(hosts: int = 1, name: str = "") -> Iterator[ScaleCluster]:
    """One whose catalog knows the coordinator alone, to be filled; nothing of it is left afterwards.

    Args:
        hosts: how many ssh reaches: the coordinator's, then sdw1 and so on.
        name: by default one that no other process uses.

    Raises:
        PracticeError: a practice cluster of this name runs already.
    """
    names = (COORDINATOR_HOST, *(f"sdw{number}" for number in range(1, hosts)))
    with contextlib.ExitStack() as stack:
        installed = programs()
        folder = folder_of(name or f"scale-{os.getpid()}")
        refuse_running(folder)
        lab_folder.clear(folder)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / SUPERVISOR_FILE).write_text(json.dumps({"pid": os.getpid()}))
        sockets = stack.enter_context(socket_folder(installed))
        dog = stack.enter_context(watchdog(folder, sockets))
        stack.callback(end_all, folder, spare={dog}, grace=0.5)
        ports = stack.enter_context(reserved_ports())
        engine = Engine(folder, Release.V6, Mirrors.YES, installed, sockets=sockets, ports=ports, pace=Pace())
        stack.callback(engine.close)
        lab_folder.write_programs(engine, sockets)
        coordinator = engine.coordinator
        _start(engine)
        for host in names:
            (folder / "hosts" / host).mkdir(parents=True, exist_ok=True)
        sshd: SshHosts = stack.enter_context(lab_folder.serve_hosts(folder, names))
        home = folder / "greenplum" / "bin"
        words = {"bin": installed.bin, "sockets": sockets, "port": coordinator.port, "folder": folder}
        _replace(home / "psql", _PSQL.format(**words))
        _replace(folder / "system" / "bin" / "ssh", _SSH.format(**words))
        ssh_port = lab_folder.coordinator_ssh_port(sshd)
        lab_folder.write_settings(folder, folder.name, coordinator, engine.password, ssh_port)
        yield ScaleCluster(folder, parse_cluster((folder / SETTINGS).read_text(), SETTINGS), sshd.ports, engine)


def _start(engine: Engine) -> None:
    coordinator = engine.coordinator
    datadir = Path(coordinator.datadir)
    datadir.parent.mkdir(parents=True, exist_ok=True)
    copy_tree([(template(engine.programs, engine.release), datadir)])
    (datadir / "pg_hba.conf").write_text(COORDINATOR_HBA)
    with (datadir / "postgresql.conf").open("a") as settings:
        settings.write(_ROOM)
    engine.servers.start(coordinator, None)
    engine.rows.create([coordinator], (engine.folder.name, str(engine.folder)), engine.password)
    with contextlib.closing(engine.connect_coordinator()) as session, session.cursor() as cursor:
        cursor.execute(_NO_SEGMENT_IS_ASKED)


def _replace(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def _rows(coordinator: Row, segments: int, hosts: int, folder: Path) -> Iterator[Row]:
    """Primaries by turns over the hosts, each mirror on the next host."""
    yield coordinator
    contents = segments // 2
    for dbid in range(2, 2 + 2 * contents):
        mirror, content = divmod(dbid - 2, contents)
        role = Role.MIRROR if mirror else Role.PRIMARY
        host = f"sdw{1 + (content + mirror) % hosts}"
        place = folder / "hosts" / host / "data" / ("mirror" if mirror else "primary") / f"gpseg{content}"
        yield replace(
            coordinator,
            dbid=dbid,
            content=content,
            role=role,
            preferred_role=role,
            mode=Mode.SYNCHRONIZED,
            status=Status.UP,
            port=_FIRST_PORT + 1000 * mirror + content // hosts,
            hostname=host,
            address=host,
            datadir=str(place),
        )
