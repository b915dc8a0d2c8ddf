"""Clusters to judge: six contents on three hosts, coordinator and standby, as in the recordings."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from gpmedic.capabilities import parse_version
from gpmedic.cluster import Cluster, Generation, Mode, Replication, Role, Segment, StandbyLook, Status, Version
from gpmedic.diagnosis import Probe, ProbeState

V43 = parse_version("PostgreSQL 8.2.15 (Greenplum Database 4.3.99.00 build 1) on x86_64")
V6 = parse_version("PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498) on x86_64")
V7 = parse_version("PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:abc) on x86_64")
VERSIONS = (V43, V6, V7)

_MIRROR_HOST = {0: "sdw2", 1: "sdw3", 2: "sdw3", 3: "sdw1", 4: "sdw1", 5: "sdw2"}
COORDINATOR, STANDBY = 1, 14
CONTENTS = tuple(range(6))


def primary_dbid(content: int) -> int:
    return 2 + content


def mirror_dbid(content: int) -> int:
    return 8 + content


@cache
def healthy(version: Version = V6) -> Cluster:
    segments = [_segment(COORDINATOR, -1, Role.PRIMARY, "mdw", 5432), _segment(STANDBY, -1, Role.MIRROR, "smdw", 5432)]
    for content in CONTENTS:
        host = f"sdw{content // 2 + 1}"
        segments.append(_segment(primary_dbid(content), content, Role.PRIMARY, host, 6000 + content % 2))
        mirror = _segment(mirror_dbid(content), content, Role.MIRROR, _MIRROR_HOST[content], 7000 + content % 2)
        segments.append(mirror)
    return Cluster("lab", version, tuple(segments), _streams((-1, *CONTENTS), version), _standby_look(version, True))


def mirrorless(version: Version = V6) -> Cluster:
    whole = healthy(version)
    kept = tuple(s for s in whole.segments if s.role is Role.PRIMARY or s.content == -1)
    return replace(whole, segments=kept, replication=_streams((-1,), version))


@cache
def large(hosts: int, primaries: int) -> Cluster:
    """So many hosts with so many primaries and as many mirrors each, which are spread over the next hosts."""
    contents = range(hosts * primaries)
    standby = 2 + 2 * len(contents)
    segments = [_segment(COORDINATOR, -1, Role.PRIMARY, "mdw", 5432), _segment(standby, -1, Role.MIRROR, "smdw", 5432)]
    for content in contents:
        host, place = divmod(content, primaries)
        partner = (host + 1 + place) % hosts
        segments.append(_segment(2 + content, content, Role.PRIMARY, f"sdw{host + 1}", 6000 + place))
        mirror = 2 + len(contents) + content
        segments.append(_segment(mirror, content, Role.MIRROR, f"sdw{partner + 1}", 7000 + place))
    return Cluster("lab", V6, tuple(segments), _streams((-1, *contents), V6))


def change(cluster: Cluster, dbid: int, **fields: object) -> Cluster:
    changed = [replace(s, **fields) if s.dbid == dbid else s for s in cluster.segments]  # type: ignore[arg-type]
    return replace(cluster, segments=tuple(changed))


def mirror_down(cluster: Cluster, *contents: int) -> Cluster:
    """As FTS leaves it after the mirrors of these contents were killed."""
    filerep = cluster.version.generation is Generation.FILEREP
    for content in contents:
        pair = next(p for p in cluster.pairs if p.content == content)
        assert pair.mirror is not None
        lone, dead = (Mode.CHANGE_TRACKING, Mode.SYNCHRONIZED) if filerep else (Mode.NOT_IN_SYNC, Mode.NOT_IN_SYNC)
        cluster = change(cluster, pair.primary.dbid, mode=lone)
        cluster = change(cluster, pair.mirror.dbid, mode=dead, status=Status.DOWN)
        cluster = without_stream(cluster, content)
    return cluster


def switched(cluster: Cluster, *contents: int) -> Cluster:
    """Both up, the roles exchanged."""
    for content in contents:
        pair = next(p for p in cluster.pairs if p.content == content)
        assert pair.mirror is not None
        cluster = change(cluster, pair.primary.dbid, role=Role.MIRROR)
        cluster = change(cluster, pair.mirror.dbid, role=Role.PRIMARY)
    return cluster


def failed_over(cluster: Cluster, *contents: int) -> Cluster:
    """As FTS leaves it after the primaries of these contents were killed."""
    return mirror_down(switched(cluster, *contents), *contents)


def resynchronizing(cluster: Cluster, *contents: int) -> Cluster:
    filerep = cluster.version.generation is Generation.FILEREP
    mode = Mode.RESYNCHRONIZING if filerep else Mode.NOT_IN_SYNC
    for segment in cluster.segments:
        if segment.content in contents:
            cluster = change(cluster, segment.dbid, mode=mode)
    return cluster


def without_stream(cluster: Cluster, content: int) -> Cluster:
    if cluster.replication is None:
        return cluster
    return replace(cluster, replication=tuple(r for r in cluster.replication if r.content != content))


def standby_dead(version: Version = V6) -> Cluster:
    """The standby does not follow; the catalog never says so (T24)."""
    return replace(without_stream(healthy(version), -1), standby_look=_standby_look(version, False))


def _standby_look(version: Version, follows: bool) -> StandbyLook | None:
    if version.generation is not Generation.FILEREP:
        return None
    return StandbyLook(follows, "Standby host passive" if follows else "Status could not be determined")


def probes(cluster: Cluster, answers: dict[int, ProbeState] | None = None, detail: str = "") -> Sequence[Probe]:
    """Every acting primary answers, except for the dbids given; those of mirrors are added."""
    answers = answers or {}
    asked = [s.dbid for s in cluster.acting_primaries]
    asked += [dbid for dbid in answers if dbid not in asked]
    return [Probe(d, answers.get(d, ProbeState.ANSWERS), detail if d in answers else "") for d in asked]


def _segment(dbid: int, content: int, role: Role, host: str, port: int) -> Segment:
    mode = Mode.NOT_IN_SYNC if dbid == COORDINATOR else Mode.SYNCHRONIZED
    folder = "master" if content == -1 else "primary" if role is Role.PRIMARY else "mirror"
    datadir = f"/data/{folder}/gpseg{content}"
    return Segment(dbid, content, role, role, mode, Status.UP, port, host, host, datadir)


def _streams(contents: Sequence[int], version: Version) -> tuple[Replication, ...] | None:
    if version.generation is Generation.FILEREP:
        return None
    return tuple(Replication(c, "gp_walreceiver", "streaming", "sync", "0/C060000", "0/C060000") for c in contents)
