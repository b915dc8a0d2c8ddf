"""Facts as they were when a step was recorded: the catalog from its snapshot, processes from what the scenario did.

A snapshot does not show which processes live. By default a row that is up has one and a row that is down has not, but
left its postmaster.pid behind. Where a scenario did something else, a line of the table in worlds.py says so.
"""

import re
from collections.abc import Mapping, Sequence

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import (
    Answer,
    Copying,
    Facts,
    HostFacts,
    Release,
    ReplicationFacts,
    SegmentFacts,
)
from tests.practice.fidelity.worlds import Taken, World, world
from tests.transcripts import Recorded, Row, Snapshot, Step, recordings

VERSIONS: Mapping[Recorded, tuple[Release, str, str]] = {
    "gp4": (
        Release.V4_3,
        "PostgreSQL 8.2.15 (Greenplum Database 4.3.99.00 build Deepgreen DB) on x86_64-unknown-linux-gnu, "
        "compiled by GCC gcc (Debian 12.2.0-14+deb12u1) 12.2.0 compiled on Nov 23 2026 08:29:32",
        "postgres (Greenplum Database) 4.3.99.00 build Deepgreen DB",
    ),
    "gp6": (
        Release.V6,
        "PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498a400ca5230e81abb94861f23389315213) on "
        "x86_64-unknown-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit compiled on "
        "Nov 23 2026 08:29:57",
        "postgres (Greenplum Database) 6.24.3 build commit:25d3498a400ca5230e81abb94861f23389315213",
    ),
}
HOSTS: Mapping[Recorded, tuple[str, ...]] = {
    "gp4": ("gp-master", "gp-s1", "gp-s2", "gp-s3", "gp-s4"),
    "gp6": ("mdw", "smdw", "sdw1", "sdw2", "sdw3", "sdw4"),
}


STREAM: Row = {
    "application_name": "gp_walreceiver",
    "state": "streaming",
    "sync_state": "sync",
    **dict.fromkeys(("sent_location", "write_location", "flush_location", "replay_location"), "0/1000000"),
}


def facts_of(generation: Recorded, step: Step) -> Facts:
    """The facts that the real utility met when this step was recorded."""
    release, server_version, utility_version = VERSIONS[generation]
    around = world(step)
    snapshot = _snapshot(generation, step)
    segments = tuple(_segment(row, snapshot, around, release) for row in snapshot.segments)
    return Facts(
        name=step.scenario,
        release=release,
        server_version=server_version,
        utility_version=utility_version,
        user="gpadmin" if generation == "gp6" else "gp4admin",
        segments=segments,
        hosts=tuple(HostFacts(name, reachable=name not in around.unreachable) for name in HOSTS[generation]),
        replication=_replication(snapshot, segments) if release is not Release.V4_3 else (),
    )


def _replication(snapshot: Snapshot, segments: Sequence[SegmentFacts]) -> tuple[ReplicationFacts, ...]:
    """Streams as recorded, but none to or from a dead process. Where an acting primary is dead the view itself fails:
    then every living synchronized pair streams, as they did before."""
    dead = {s.content for s in segments if s.pid is None}
    rows = [row for row in snapshot.replication or () if row["application_name"]]
    if snapshot.errors:
        known = {row["gp_segment_id"] for row in rows}
        synchronized = {s.content for s in segments if s.mode is Mode.SYNCHRONIZED}
        rows += [{**STREAM, "gp_segment_id": content} for content in synchronized - known - dead]
    walreceiver = "gp_walreceiver"
    return tuple(_stream(r) for r in rows if r["gp_segment_id"] not in dead or r["application_name"] != walreceiver)


def _snapshot(generation: Recorded, step: Step) -> Snapshot:
    """The nearest snapshot: of the step itself, else the last one before it, else the next one."""
    if step.scenario.startswith("j"):
        return Snapshot(_mirrorless())
    both = (step.before, step.after) if world(step).taken is Taken.BEFORE else (step.after, step.before)
    own = [s for s in both if s is not None and s.segments]
    if own and (own[0].replication is not None or generation == "gp4"):
        return own[0]
    every = [s for s in recordings(generation) if s.scenario == step.scenario]
    at = next(i for i, s in enumerate(every) if s.name == step.name.split("#")[0])
    earlier = [s for other in every[at::-1] for s in (other.after, other.before)]
    later = [s for other in every[at:] for s in (other.before, other.after)]
    healthy = next(s.before for s in recordings(generation) if s.before)
    # A poll goes on until the state is reached that the next snapshot shows.
    order = (*later, *earlier, healthy) if "#" in step.name else (*earlier, *later, healthy)
    near = next(s for s in order if s and s.segments)
    return Snapshot(own[0].segments, near.replication, errors=own[0].errors) if own else near


def _mirrorless() -> tuple[Row, ...]:
    """The small cluster of scenario j, as psql -At printed it."""
    step = next(s for s in recordings("gp6") if s.scenario.startswith("j2") and "gp_segment_configuration" in s.command)
    names = ("dbid", "content", "role", "preferred_role", "mode", "status", "port", "hostname", "address", "datadir")
    rows = [line.split("|") for line in step.stdout.splitlines()]
    return tuple({name: _number(value) for name, value in zip(names, row, strict=True)} for row in rows)


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def _segment(row: Row, snapshot: Snapshot, around: World, release: Release) -> SegmentFacts:
    dbid, role, status = int(row["dbid"]), Role(row["role"]), Status(row["status"])
    mode = around.modes.get(dbid, Mode(row["mode"]))
    host = str(row["hostname"])
    alive = (status is Status.UP or dbid in around.alive) and dbid not in around.dead and not around.stopped
    answer = Answer.ACCEPTS if role is Role.PRIMARY else Answer.RECOVERS
    if not alive:
        answer = Answer.REFUSED
    if host in around.unreachable:
        answer = Answer.UNREACHABLE
    positions = {r["gp_segment_id"]: r["sent_location"] for r in snapshot.replication or ()}
    resync = role is Role.MIRROR and mode is Mode.RESYNCHRONIZING
    return SegmentFacts(
        dbid=dbid,
        content=int(row["content"]),
        role=role,
        preferred_role=Role(row["preferred_role"]),
        mode=mode,
        status=status,
        port=int(row["port"]),
        hostname=host,
        address=str(row["address"]),
        datadir=str(row.get("datadir") or row["filespaces"].partition("=")[2]),
        replication_port=row.get("replication_port"),
        pid=1000 + dbid if alive else None,
        answer=answer,
        stale_pid_file=not alive and dbid not in around.wiped,
        stale_pid=1000 + dbid,
        write_location=(positions.get(row["content"]) or "0/1000000")
        if alive and role is Role.PRIMARY and release is not Release.V4_3
        else None,
        change_tracking_bytes=1_000_000 if release is Release.V4_3 else None,
        copying=Copying(around.copy, 160_000_000, 160_000_000, 0.0) if resync else None,
    )


def _stream(row: Row) -> ReplicationFacts:
    return ReplicationFacts(
        content=int(row["gp_segment_id"]),
        pid=1,
        application_name=str(row["application_name"]),
        state=str(row["state"]),
        sync_state=str(row["sync_state"]),
        sent=row["sent_location"],
        written=row["write_location"],
        flushed=row["flush_location"],
        replayed=row["replay_location"],
        backend_start="2026-11-23 09:29:07.079632+00",
    )
