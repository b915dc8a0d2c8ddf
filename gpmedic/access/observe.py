"""One look at a cluster: the catalog in one session, probes and the coordinator's host over one ssh connection."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from gpmedic.access import known_options
from gpmedic.access.environment import NO_GREENPLUM, prelude
from gpmedic.access.freshness import Freshness
from gpmedic.access.history import HistoryLine, history
from gpmedic.access.probe_cluster import probe_cluster
from gpmedic.access.restart import restart_at_work
from gpmedic.access.scripts import script
from gpmedic.access.sql import Database, QueryFailed
from gpmedic.access.ssh import Shell
from gpmedic.access.standby import look_at_standby
from gpmedic.capabilities import Capabilities, parse_version
from gpmedic.catalog import (
    COLUMNS_SQL,
    FTS_PROBE_SQL,
    REPLICATION_COLUMNS_SQL,
    VERSION_SQL,
    cluster_from_rows,
    columns_from_rows,
    replication_sql,
    segments_sql,
)
from gpmedic.cluster import Cluster, Segment
from gpmedic.diagnosis import Diagnosis, coordinator_unreachable, diagnose
from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable, Transient, UnreadableOutput
from gpmedic.gprecoverseg import parse_help
from gpmedic.probe import Probe
from gpmedic.same_coordinator import DatabaseSide, HostSide, difference, listens_on
from gpmedic.settings import ClusterSettings

# The role that initdb made and that runs Greenplum; its name is that of the operating system's user.
_SUPERUSER_SQL = "SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10"
_STARTED_SQL = "SELECT CAST(extract(epoch FROM pg_postmaster_start_time()) AS bigint) AS started"
# A superuser may read it, in every version with these three arguments.
_PID_FILE_SQL = "SELECT pg_catalog.pg_read_file('postmaster.pid', 0, 1000) AS pid_file"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database says of a cluster."""

    cluster: Cluster
    columns: frozenset[str]
    history: tuple[HistoryLine, ...]
    superuser: str
    identity: DatabaseSide


@dataclass(frozen=True, slots=True)
class HostLook:
    """What the coordinator's host says of it; no options where gprecoverseg was not asked, or told none."""

    user: str
    gpstate: str
    coordinator: HostSide
    recover_options: frozenset[str]


@dataclass(frozen=True)
class Observation:
    """What was seen of a cluster.

    Attributes:
        name: what gpmedic calls the cluster.
        snapshot: None where the coordinator's host answers and the database does not.
        probes: of every acting primary, and of the mirrors of those that do not answer.
        history: the newest first, at most 100 lines.
        unreachable: why there is no snapshot.
    """

    name: str
    snapshot: Cluster | None
    probes: tuple[Probe, ...] = ()
    known: Capabilities | None = None
    history: tuple[HistoryLine, ...] = ()
    unreachable: GpmedicError | None = None

    @property
    def cluster(self) -> Cluster:
        """The snapshot.

        Raises:
            Transient: the coordinator did not answer.
        """
        if self.snapshot is None:
            raise self._why()
        return self.snapshot

    @property
    def capabilities(self) -> Capabilities:
        """What this Greenplum can do; raises as `cluster` does."""
        if self.known is None:
            raise self._why()
        return self.known

    @property
    def diagnosis(self) -> Diagnosis:
        """What it means, also where the coordinator did not answer."""
        if self.unreachable is not None:
            return coordinator_unreachable(self.name, self.unreachable)
        return diagnose(self.cluster, self.probes)

    def _why(self) -> GpmedicError:
        return self.unreachable or HostUnreachable(f"{self.name} was not observed.", "Observe it again.")


def observe(settings: ClusterSettings, freshness: Freshness = Freshness.ASK_FTS) -> Observation:
    """Look at a cluster from catalog, replication, direct probes and the coordinator's host.

    The number of round trips does not depend on the number of segments. Nothing is changed; asking FTS to probe makes
    it notice now what it would notice within a minute, and that can be a failover.

    Raises:
        HostUnreachable: the coordinator's host does not answer over ssh.
        AccessRefused: what answers is not the cluster of the settings, or its user is not Greenplum's.
    """
    try:
        with Database.connect(settings.database) as database:
            snapshot = take_snapshot(settings, database, freshness)
    except Transient as error:
        return _without_database(settings, error)
    with Shell.connect(settings.ssh) as shell, ThreadPoolExecutor(2) as beside:
        known = known_options.recall(settings, snapshot.cluster.version)
        looking = beside.submit(look_at_host, settings, shell, snapshot.cluster.coordinator, ask_options=known is None)
        looking_at_standby = beside.submit(look_at_standby, shell, settings.greenplum, snapshot.cluster)
        probes = probe_cluster(settings, shell, snapshot.cluster)
        look, standby = looking.result(), looking_at_standby.result()
    require_superuser(settings, snapshot, look)
    require_one_cluster(settings, snapshot.identity, look.coordinator)
    if known is None:
        known = look.recover_options
        known_options.remember(settings, snapshot.cluster.version, known)
    capabilities = Capabilities(snapshot.cluster.version, snapshot.columns, known)
    cluster = replace(snapshot.cluster, standby_look=standby)
    return Observation(settings.name, cluster, probes, capabilities, snapshot.history)


def take_snapshot(settings: ClusterSettings, database: Database, freshness: Freshness) -> Snapshot:
    """Read the catalog, its history and the replication in an open session.

    Raises:
        AccessRefused: this is not Greenplum.
        QueryFailed: its catalog cannot be read.
    """
    version = parse_version(str(database.rows(VERSION_SQL)[0]["version"]))
    columns = columns_from_rows(database.rows(COLUMNS_SQL))
    replication_query = replication_sql(columns_from_rows(database.rows(REPLICATION_COLUMNS_SQL)))
    superuser = str(database.rows(_SUPERUSER_SQL)[0]["rolname"])
    started, pid_file = _identity(database)
    if freshness is Freshness.ASK_FTS and Capabilities(version).has_fts_on_demand:
        _optional(database, FTS_PROBE_SQL)
    segments = database.rows(segments_sql(columns))
    replication = None if replication_query is None else _optional(database, replication_query)
    cluster = cluster_from_rows(settings.name, version, segments, replication)
    identity = DatabaseSide(cluster.coordinator, started, pid_file)
    return Snapshot(cluster, columns, history(database), superuser, identity)


def _identity(database: Database) -> tuple[int, str | None]:
    pid_file = _optional(database, _PID_FILE_SQL)
    started = int(str(database.rows(_STARTED_SQL)[0]["started"]))
    return started, str(pid_file[0]["pid_file"]) if pid_file else None


def _optional(database: Database, sql: str) -> list[dict[str, object]] | None:
    """Rows, or None where the server cannot give them: gp_stat_replication fails as a whole while a primary is dead."""
    try:
        return database.rows(sql)
    except HostUnreachable:
        raise
    except (Transient, QueryFailed):
        return None


def look_at_host(
    settings: ClusterSettings, shell: Shell, coordinator: Segment | None = None, *, ask_options: bool = False
) -> HostLook:
    """What the host of the coordinator says, which is the catalog's where that is known.

    Raises:
        AccessRefused: there is no Greenplum in GPHOME.
    """
    port = settings.database.port if coordinator is None else coordinator.port
    words = ("help" if ask_options else "", "" if coordinator is None else coordinator.datadir)
    done = shell.run(prelude(settings.greenplum, port) + script("within", "runs", "observe"), *words)
    if done.exit_code == NO_GREENPLUM:
        raise AccessRefused(
            f"There is no Greenplum at {settings.greenplum.home} on {shell.host}: {' '.join(done.stderr.split())}.",
            "Correct greenplum.home in the cluster's settings.",
        )
    head, _, help_text = done.stdout.partition("\nhelp\n")
    said = dict(re.findall(r"^(user|gpstate|postmaster|directory) (.*)$", head, re.MULTILINE))
    look = HostLook(
        said.get("user", ""),
        said.get("gpstate", ""),
        HostSide(
            said.get("postmaster", "nothing was said"),
            "directory" in said,
            re.findall(r"^file (.*)$", head, re.MULTILINE),
        ),
        _options(help_text),
    )
    if not look.gpstate:
        raise AccessRefused(
            f"gpstate is not on the PATH of {settings.ssh.user}@{shell.host}, although {settings.greenplum.home} has a "
            "greenplum_path.sh; nothing was touched.",
            f"See whether {settings.greenplum.home}/bin is complete, or correct greenplum.home.",
        )
    return look


def _options(help_text: str) -> frozenset[str]:
    try:
        return parse_help(help_text)
    except UnreadableOutput:  # then nothing is known of its options, which is what an empty set says
        return frozenset()


def require_superuser(settings: ClusterSettings, snapshot: Snapshot, look: HostLook) -> None:
    """Return where gpmedic logs in as the user that runs Greenplum.

    Raises:
        AccessRefused: it does not.
    """
    if look.user != snapshot.superuser:
        raise AccessRefused(
            f"gpmedic logs in on {settings.ssh.host} as {look.user!r}, but this Greenplum runs as "
            f"{snapshot.superuser!r}; nothing was touched.",
            f"Set ssh.user to {snapshot.superuser!r}: Greenplum's utilities must be run by its own user.",
        )


def require_one_cluster(settings: ClusterSettings, database: DatabaseSide, host: HostSide) -> None:
    """The utilities must work on the cluster whose catalog was read, not on one that another setting points to.

    Raises:
        AccessRefused: the postmaster of the data directory is not the one that answered.
        HostUnreachable: it was stopped or started while we looked.
    """
    differs = difference(database, host)
    if differs is None:
        return
    with Database.connect(settings.database) as again:
        if _identity(again) != (database.started, database.pid_file):
            raise HostUnreachable(
                f"The coordinator of {settings.name} was restarted while it was looked at.", "Look again."
            )
    raise AccessRefused(
        f"The database on {settings.database.host}:{settings.database.port} is not the one in "
        f"{settings.greenplum.coordinator_data_directory} on {settings.ssh.host} "
        f"({differs}); nothing was touched.",
        "Correct database.host, ssh.host and greenplum.coordinator_data_directory: they must name one coordinator.",
    )


def _without_database(settings: ClusterSettings, error: Transient) -> Observation:
    """The host answers although the database does not: what is known of the coordinator there goes with the finding."""
    with Shell.connect(settings.ssh) as shell:
        restart = restart_at_work(settings, shell)
        if restart is None:
            why = _explained(settings, error, look_at_host(settings, shell).coordinator)
        else:
            why = restart.outage(error.message)
    return Observation(settings.name, None, unreachable=why)


def _explained(settings: ClusterSettings, error: Transient, host: HostSide) -> HostUnreachable:
    """With what its host says. It stays an outage, whatever the port: what leads there may be back in a moment."""
    port = listens_on(host)
    if port is None or port == settings.database.port:
        return HostUnreachable(f"{error.message} On its host: {host.postmaster}.", error.next_action)
    return HostUnreachable(
        f"{error.message} But the coordinator of {settings.greenplum.coordinator_data_directory} lives and listens on"
        f" port {port}.",
        f"Correct database.port, or bring up what leads from port {settings.database.port} to it.",
    )
