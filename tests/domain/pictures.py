"""Clusters in which every state of the picture occurs, and arbitrary ones."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st

from domain.clusters import (
    COORDINATOR,
    STANDBY,
    V43,
    VERSIONS,
    change,
    failed_over,
    healthy,
    large,
    mirror_dbid,
    mirror_down,
    mirrorless,
    primary_dbid,
    probes,
    resynchronizing,
    standby_dead,
    switched,
    without_stream,
)
from gpmedic.cluster import Cluster, Mode, Role, Segment, Status
from gpmedic.host_facts import PidState
from gpmedic.picture import Picture, picture
from gpmedic.picture_states import State
from gpmedic.probe import Probe, ProbeState


def seen(cluster: Cluster, answers: dict[int, ProbeState] | None = None) -> Picture:
    return picture(cluster, probes(cluster, answers))


def _hangs(cluster: Cluster, dbid: int) -> Picture:
    hanging = Probe(dbid, ProbeState.TIMED_OUT, postmaster=PidState.ALIVE)
    return picture(cluster, [hanging if p.dbid == dbid else p for p in probes(cluster)])


def states(of: Picture) -> dict[int, State]:
    return {cell.dbid: cell.state for cell in of.cells}


_REFUSED = ProbeState.REFUSED
_BOTH_DOWN = change(mirror_down(healthy(), 3), primary_dbid(3), status=Status.DOWN)

# What was seen, and the state of one segment in it.
EXAMPLES: Mapping[str, tuple[Picture, int, State]] = {
    "both copies down in the catalog": (seen(_BOTH_DOWN), mirror_dbid(3), State.DOUBLE_FAULT),
    "primary dead, mirror down": (
        seen(mirror_down(healthy(), 3), {primary_dbid(3): _REFUSED}),
        primary_dbid(3),
        State.DOUBLE_FAULT,
    ),
    "both dead, the catalog says up": (
        seen(healthy(), {primary_dbid(3): _REFUSED, mirror_dbid(3): _REFUSED}),
        mirror_dbid(3),
        State.DOUBLE_FAULT,
    ),
    "primary dead while its mirror catches up": (
        seen(resynchronizing(healthy(), 3), {primary_dbid(3): _REFUSED}),
        mirror_dbid(3),
        State.DOUBLE_FAULT,
    ),
    "primary dead, failover pending": (seen(healthy(), {primary_dbid(3): _REFUSED}), primary_dbid(3), State.DEAD),
    "mirrorless primary dead": (seen(mirrorless(), {primary_dbid(3): _REFUSED}), primary_dbid(3), State.DEAD),
    "mirror down": (seen(mirror_down(healthy(), 3)), mirror_dbid(3), State.DOWN),
    "failed over": (seen(failed_over(healthy(), 3)), primary_dbid(3), State.DOWN),
    "standby down": (seen(change(healthy(), STANDBY, status=Status.DOWN)), STANDBY, State.DOWN),
    "primary hangs": (_hangs(mirror_down(healthy(), 3), primary_dbid(3)), primary_dbid(3), State.HANGS),
    "no state of this generation": (
        seen(change(healthy(), primary_dbid(3), mode=Mode.CHANGE_TRACKING)),
        primary_dbid(3),
        State.UNKNOWN,
    ),
    "an answer that is not understood": (
        seen(healthy(), {primary_dbid(3): ProbeState.UNKNOWN}),
        primary_dbid(3),
        State.UNKNOWN,
    ),
    "starting": (seen(healthy(), {primary_dbid(3): ProbeState.STARTING}), primary_dbid(3), State.STARTING),
    "no stream to the mirror": (seen(without_stream(healthy(), 3)), mirror_dbid(3), State.NO_STREAM),
    "no stream to the standby": (seen(standby_dead()), STANDBY, State.NO_STREAM),
    "standby of 4.3 that does not follow": (seen(standby_dead(V43)), STANDBY, State.NO_STREAM),
    "change tracking": (seen(mirror_down(healthy(V43), 3)), primary_dbid(3), State.CHANGE_TRACKING),
    "serves alone": (seen(mirror_down(healthy(), 3)), primary_dbid(3), State.NOT_IN_SYNC),
    "serves alone in the other role": (seen(failed_over(healthy(), 3)), mirror_dbid(3), State.NOT_IN_SYNC),
    "resynchronizing": (seen(resynchronizing(healthy(), 3)), mirror_dbid(3), State.RESYNCHRONIZING),
    "resynchronizing on 4.3": (seen(resynchronizing(healthy(V43), 3)), mirror_dbid(3), State.RESYNCHRONIZING),
    "roles switched": (seen(switched(healthy(), 3)), primary_dbid(3), State.SWITCHED),
    "mirrorless": (seen(mirrorless()), primary_dbid(3), State.MIRRORLESS),
    "healthy": (seen(healthy()), mirror_dbid(3), State.HEALTHY),
    "coordinator, whose mode means nothing": (seen(healthy()), COORDINATOR, State.HEALTHY),
}


def broken(hosts: int, primaries: int) -> Picture:
    """A large cluster after a bad night: a host dead, mirrors catching up, roles switched."""
    cluster = large(hosts, primaries)
    gone = {s.dbid: s for s in cluster.segments if s.hostname == f"sdw{hosts}"}
    cluster = failed_over(cluster, *(s.content for s in gone.values() if s.role is Role.PRIMARY))
    cluster = mirror_down(cluster, *(s.content for s in gone.values() if s.role is Role.MIRROR))
    whole = [p for p in cluster.pairs if p.synchronized]
    for last, first in [(whole[-1], whole[0])] if len(whole) > 1 else []:
        cluster = resynchronizing(switched(cluster, last.content), first.content)
    return picture(cluster, probes(cluster), {s.dbid: 100.0 for s in cluster.segments if s.role is Role.MIRROR})


HOSTS = st.sampled_from(
    ["mdw", "sdw1", "sdw2", "sdw10", "sdw2.example.com", "", "<&\"'>", "\x1b[31m", "é" * 40, "x" * 300]
)
SEGMENTS = st.builds(
    Segment,
    dbid=st.just(0),
    content=st.integers(-1, 9),
    role=st.sampled_from(Role),
    preferred_role=st.sampled_from(Role),
    mode=st.sampled_from(Mode),
    status=st.sampled_from(Status),
    port=st.just(6000),
    hostname=HOSTS,
    address=st.just("a"),
    datadir=st.just("/d"),
)


@st.composite
def arbitrary(draw: st.DrawFn) -> Picture:
    drawn = draw(st.lists(SEGMENTS, max_size=24))
    segments = tuple(replace(s, dbid=number) for number, s in enumerate(drawn, 1))
    asked = draw(st.lists(st.integers(1, 24), unique=True, max_size=8))
    answers = [
        Probe(d, draw(st.sampled_from(ProbeState)), postmaster=draw(st.sampled_from([None, *PidState]))) for d in asked
    ]
    progress = draw(st.dictionaries(st.integers(1, 24), st.floats()))
    name = draw(st.text(max_size=50))
    return picture(Cluster(name, draw(st.sampled_from(VERSIONS)), segments), answers, progress)
