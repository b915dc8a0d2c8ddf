"""A host that is lost for good: when its segments may move to a spare, by which way, and what forbids it."""

from dataclasses import replace

import pytest

from domain.clusters import (
    V6,
    V7,
    V43,
    VERSIONS,
    change,
    failed_over,
    healthy,
    mirror_down,
    primary_dbid,
    probes,
    switched,
)
from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Generation, Version
from gpmedic.diagnosis import ProbeState, diagnose
from gpmedic.errors import UnsafeState
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.plan import Action, Plan
from gpmedic.recovery_config import Dialect, RecoveryFileRefused, parse
from gpmedic.report import approval_markdown
from gpmedic.settings import PolicySettings
from gpmedic.spare import (
    WAYS,
    LostHost,
    Replacement,
    SpareRequest,
    Way,
    choose_way,
    lost_segments,
    require_two_hosts,
)
from gpmedic.spare_file import from_catalog, from_text, move_back, require_sound, to_text, typed
from gpmedic.spare_plan import make_move_plan
from gpmedic.steps import Disruption

every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)
REQUEST = SpareRequest("sdw1", "sdw4")
MOVED = (2, 3, 11, 12)


def lost(version: Version = V6) -> Cluster:
    """sdw1 is gone: primaries of 0 and 1 have failed over, the mirrors of 3 and 4 are down."""
    cluster = mirror_down(failed_over(healthy(version), 0, 1), 3, 4)
    if version.generation is Generation.FILEREP:
        with_ports = tuple(replace(s, replication_port=s.port + 4000) for s in cluster.segments)
        cluster = replace(cluster, segments=with_ports)
    return cluster


def replacement(cluster: Cluster, state: LostHost = LostHost.SILENT, request: SpareRequest = REQUEST) -> Replacement:
    way, reason = choose_way(cluster.version.generation, state, request)
    config = from_catalog(lost_segments(cluster, request), request)
    return Replacement(request, way, reason, config, "/home/gpadmin/move.cfg" if way is Way.FILE else "")


def planned(cluster: Cluster, to: Replacement | None, policy: PolicySettings | None = None) -> Plan:
    diagnosis = diagnose(cluster, probes(cluster))
    return make_move_plan(diagnosis, Capabilities(cluster.version), policy or PolicySettings(), to)


@pytest.mark.parametrize(
    ("version", "state", "way"),
    [
        (V43, LostHost.SILENT, Way.FILE),
        (V43, LostHost.EMPTY, Way.FILE),
        (V6, LostHost.SILENT, Way.NEW_HOST),
        (V6, LostHost.EMPTY, Way.FILE),
        (V7, LostHost.SILENT, Way.NEW_HOST),
    ],
)
def test_the_way_depends_on_generation_and_host_and_has_a_reason(version: Version, state: LostHost, way: Way) -> None:
    chosen, reason = choose_way(version.generation, state, REQUEST)
    assert chosen is way
    assert len(reason) > 30
    assert set(WAYS) == {(g, s) for g in Generation for s in (LostHost.SILENT, LostHost.EMPTY)}


@every_version
def test_a_host_that_answers_with_its_data_is_recovered_in_place(version: Version) -> None:
    with pytest.raises(UnsafeState, match="it is not lost") as refused:
        choose_way(version.generation, LostHost.ANSWERS, REQUEST)
    assert "flow recover" in refused.value.next_action


def test_a_persons_file_is_refused_where_gprecoverseg_would_pass_over_it() -> None:
    with_file = replace(REQUEST, file="sdw1|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n")
    with pytest.raises(UnsafeState, match="-i does nothing"):
        choose_way(Generation.WAL, LostHost.SILENT, with_file)
    assert choose_way(Generation.FILEREP, LostHost.SILENT, with_file)[0] is Way.FILE


@every_version
def test_primaries_and_mirrors_of_the_host_are_one_incident_and_one_step(version: Version) -> None:
    cluster = lost(version)
    plan = planned(cluster, replacement(cluster))
    first, *others = plan.steps
    assert (first.action, first.dbids, first.contents) == (Action.MOVE_TO_SPARE, MOVED, (0, 1, 3, 4))
    assert first.disruption is Disruption.CHANGES
    assert [s.action for s in others if s.disruption.needs_approval] == [Action.REBALANCE]
    if version is V43:
        assert first.argv == ("gprecoverseg", "-a", "-i", "/home/gpadmin/move.cfg")
        assert first.file is not None
        assert first.file.text.startswith("filespaceOrder=\nsdw1:6000:/data/primary/gpseg0 sdw4:6000:10000:/data/")
    else:
        assert (first.argv, first.file) == (("gprecoverseg", "-a", "-p", "sdw4"), None)


def test_another_place_is_another_plan_also_where_the_command_is_the_same() -> None:
    cluster = lost()
    to = replacement(cluster)
    text = to_text(to.config, V6)
    other = replace(to, config=from_text(text.replace("sdw4|6000", "sdw4|6005"), V6))
    assert planned(cluster, to).step(Action.MOVE_TO_SPARE) != planned(cluster, other).step(Action.MOVE_TO_SPARE)
    assert planned(cluster, to).fingerprint != planned(cluster, other).fingerprint


def test_the_approval_shows_old_and_new_places_the_file_and_the_way_back() -> None:
    cluster = lost(V43)
    plan = planned(cluster, replacement(cluster))
    shown = approval_markdown(plan, plan.steps[0], ())
    assert "| 0 | 2 | sdw1:6000:/data/primary/gpseg0 | sdw4:6000:/data/primary/gpseg0 |" in shown
    assert "filespaceOrder=" in shown
    assert "sdw4:6000:/data/primary/gpseg0 sdw1:6000:10000:/data/primary/gpseg0" in shown


def test_the_policy_of_differential_recovery_does_not_concern_a_move() -> None:
    cluster = lost()
    policy = PolicySettings(recovery_type=RecoveryType.DIFFERENTIAL)
    assert planned(cluster, replacement(cluster), policy).step(Action.MOVE_TO_SPARE) is not None


@pytest.mark.parametrize(
    ("cluster", "request_", "said"),
    [
        (lost(), SpareRequest("sdw1", "sdw1"), "its own spare"),
        (lost(), SpareRequest("mdw", "sdw4"), "coordinator's host"),
        (lost(), SpareRequest("sdw9", "sdw4"), "No segment"),
        (healthy(), REQUEST, "still count as acting primaries"),
        (failed_over(healthy(), 1), REQUEST, r"dbid 2 \(sdw1.*still count as acting primaries"),
        (failed_over(healthy(), 0, 1), REQUEST, "count as up"),
        (mirror_down(lost(), 2), REQUEST, "other hosts are down too"),
    ],
)
def test_what_must_not_be_moved_is_refused_with_the_next_action(
    cluster: Cluster, request_: SpareRequest, said: str
) -> None:
    with pytest.raises(UnsafeState, match=said) as refused:
        lost_segments(cluster, request_)
    assert "nothing was touched" in refused.value.message
    assert refused.value.next_action


def test_what_an_earlier_run_has_moved_is_not_moved_again() -> None:
    cluster = switched(healthy(), 0, 1)
    for dbid in MOVED:
        cluster = change(cluster, dbid, hostname="sdw4", address="sdw4")
    assert lost_segments(cluster, REQUEST) == ()
    assert planned(cluster, None).step(Action.MOVE_TO_SPARE) is None


def test_a_start_on_the_spare_that_failed_is_for_the_flow_recover() -> None:
    cluster = lost()
    for dbid in MOVED:
        cluster = change(cluster, dbid, hostname="sdw4", address="sdw4")
    with pytest.raises(UnsafeState, match="Nothing is left on the lost host") as refused:
        planned(cluster, None)
    assert "flow recover" in refused.value.next_action


def test_a_double_fault_elsewhere_comes_first() -> None:
    cluster = mirror_down(healthy(), 1)
    diagnosis = diagnose(cluster, probes(cluster, {primary_dbid(1): ProbeState.REFUSED}))
    with pytest.raises(UnsafeState, match="something else before any move"):
        make_move_plan(diagnosis, Capabilities(V6), PolicySettings(), None)


@pytest.mark.parametrize("spare", ["sdw2", "sdw3"])
def test_a_host_with_one_copy_is_no_spare_for_the_other(spare: str) -> None:
    cluster = lost()
    moved = lost_segments(cluster, REQUEST)
    with pytest.raises(UnsafeState, match="one host lost would lose both copies"):
        require_two_hosts(cluster, moved, spare)
    require_two_hosts(cluster, moved, "sdw4")
    require_two_hosts(cluster, moved, "smdw")


@every_version
def test_the_file_that_is_made_is_sound_and_leads_back(version: Version) -> None:
    cluster = lost(version)
    moved = lost_segments(cluster, REQUEST)
    config = typed(from_catalog(moved, REQUEST), version)
    text = to_text(config, version)
    require_sound(from_text(text, version), cluster, moved, "sdw4")
    back_text = to_text(move_back(config, cluster), version)
    back = parse(back_text, Dialect.of_version(version))
    by_name = [line.startswith("F|") for line in (*text.splitlines(), *back_text.splitlines())]
    assert by_name == [version is V7] * len(by_name)
    homes = [(line.target.address, line.target.port, line.target.directory) for line in back.lines if line.target]
    assert homes == [(s.address, s.port, s.datadir) for s in moved]
    assert {line.failed.address for line in back.lines} == {"sdw4"}


def test_filespaces_of_4_3_go_along_in_the_order_of_the_file() -> None:
    cluster = lost(V43)
    spaces = (("fast", "/ssd/gpseg0"), ("pg_system", "/data/primary/gpseg0"), ("big", "/big/sdw1/gpseg0"))
    only = [replace(cluster.segment(2), filespaces=spaces)]
    text = to_text(from_catalog(only, REQUEST), V43)
    first, line = text.splitlines()
    assert first == "filespaceOrder=big:fast"
    assert line.endswith("sdw4:6000:10000:/data/primary/gpseg0:/big/sdw4/gpseg0:/ssd/gpseg0")


SOUND = "".join(
    f"sdw1|{port}|/data/{role}/gpseg{content} sdw4|{port}|/data/{role}/gpseg{content}\n"
    for role, port, content in (
        ("primary", 6000, 0),
        ("primary", 6001, 1),
        ("mirror", 7001, 3),
        ("mirror", 7000, 4),
    )
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("".join(SOUND.splitlines(True)[:3]), "dbid 12 .* is missing"),
        (
            SOUND.replace(" sdw4|6000|/data/primary/gpseg0", " sdw1|6000|/data/primary/gpseg0"),
            "full copy over the data",
        ),
        (SOUND.replace(" sdw4|6000|/data/primary/gpseg0", ""), "line 1: it moves nothing"),
        (SOUND.replace("sdw4|6000", "sdw5|6000"), "line 1: it does not lead to sdw4"),
        (
            SOUND + "sdw2|6000|/data/primary/gpseg2 sdw4|6100|/data/primary/gpseg2\n",
            "line 5: the segment is the acting",
        ),
        (SOUND + "sdw3|7000|/data/mirror/gpseg2 sdw4|7100|/data/mirror/gpseg2\n", "not a segment of the lost host"),
        (SOUND.replace("sdw4|6001", "sdw4|6000"), "share a directory or a port"),
        (SOUND + SOUND.splitlines()[0], "named twice"),
    ],
)
def test_a_persons_file_that_is_not_exactly_the_move_is_refused(text: str, said: str) -> None:
    cluster = lost()
    moved = lost_segments(cluster, REQUEST)
    require_sound(from_text(SOUND, V6), cluster, moved, "sdw4")
    with pytest.raises(UnsafeState, match=said):
        require_sound(from_text(text, V6), cluster, moved, "sdw4")


def test_types_are_read_and_kept_where_the_version_knows_them() -> None:
    text = "F|sdw1|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n"
    assert to_text(from_text(text, V7), V7) == text
    with pytest.raises(RecoveryFileRefused):
        from_text(text, V6)


def test_a_file_without_types_stays_as_a_person_has_written_it() -> None:
    assert to_text(from_text(SOUND, V7), V7) == SOUND
