"""The table of legal pair states of the reference, over every combination that a catalog can hold."""

from functools import cache
from itertools import product

import pytest
from transcripts import recordings

from domain.clusters import V6, V7, V43, change, healthy, mirror_dbid, mirrorless, primary_dbid, probes
from gpmedic.capabilities import Capabilities
from gpmedic.catalog import cluster_from_rows
from gpmedic.cluster import Generation, Mode, Role, Status, Version
from gpmedic.diagnosis import Condition, Diagnosis, ProbeState, diagnose
from gpmedic.errors import UnsafeState
from gpmedic.pair_states import PairState, pair_state
from gpmedic.plan import make_plan
from gpmedic.settings import PolicySettings

# Written out by hand from the reference, and apart from the table in the code: "primary mirror" as status and mode.
LEGAL = {
    Generation.FILEREP: {"us us": "synchronized", "uc ds": "down", "uc dr": "down", "ur ur": "resync"},
    Generation.WAL: {"us us": "synchronized", "un dn": "down", "un un": "resync"},
}
EXPECTED = {
    ("synchronized", "preferred"): set(),
    ("synchronized", "switched"): {Condition.ROLES_SWITCHED},
    ("down", "preferred"): {Condition.MIRROR_DOWN},
    ("down", "switched"): {Condition.FAILED_OVER},
    ("resync", "preferred"): {Condition.RESYNCHRONIZING},
    ("resync", "switched"): {Condition.RESYNCHRONIZING, Condition.ROLES_SWITCHED},
}
INSTANCE = list(product(Role, Role, Mode, Status))  # role, preferred role, mode, status
CONTENT = 2


@cache  # two tests go over the same 3000 clusters
def judged(version: Version, one: tuple[Role, Role, Mode, Status], other: tuple[Role, Role, Mode, Status]) -> Diagnosis:
    cluster = healthy(version)
    for dbid, (role, preferred, mode, status) in ((primary_dbid(CONTENT), one), (mirror_dbid(CONTENT), other)):
        cluster = change(cluster, dbid, role=role, preferred_role=preferred, mode=mode, status=status)
    return diagnose(cluster, probes(cluster))


def expected(version: Version, one: tuple[Role, Role, Mode, Status], other: tuple[Role, Role, Mode, Status]) -> set:  # type: ignore[type-arg]
    by_role = {one[0]: one, other[0]: other}
    if len(by_role) != 2 or one[1] is other[1]:
        return {Condition.UNKNOWN_STATE}
    primary, mirror = by_role[Role.PRIMARY], by_role[Role.MIRROR]
    state = LEGAL[version.generation].get(f"{primary[3]}{primary[2]} {mirror[3]}{mirror[2]}")
    if state is None:
        return {Condition.UNKNOWN_STATE}
    return EXPECTED[state, "preferred" if primary[0] is primary[1] else "switched"]


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_every_combination_of_two_rows_is_named_as_the_reference_says_or_is_unknown(version: Version) -> None:
    seen = set()
    for one, other in product(INSTANCE, INSTANCE):
        found = {f.condition for f in judged(version, one, other).findings}
        assert found == expected(version, one, other), (one, other)
        seen |= found
    assert seen == {
        Condition.UNKNOWN_STATE,
        Condition.ROLES_SWITCHED,
        Condition.MIRROR_DOWN,
        Condition.FAILED_OVER,
        Condition.RESYNCHRONIZING,
    }


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_an_unknown_state_is_reported_and_never_acted_on(version: Version) -> None:
    refused = 0
    for one, other in product(INSTANCE, INSTANCE):
        if expected(version, one, other) != {Condition.UNKNOWN_STATE}:
            continue
        diagnosis = judged(version, one, other)
        with pytest.raises(UnsafeState, match="nothing was touched"):
            make_plan(diagnosis, Capabilities(version), PolicySettings())
        refused += 1
    assert refused > 900


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_a_primary_without_mirror_is_legal_only_up_and_in_its_preferred_role(version: Version) -> None:
    modes = {"s"} if version is V43 else {"s", "n"}
    for role, preferred, mode, status in INSTANCE:
        cluster = mirrorless(version)
        fields = {"role": role, "preferred_role": preferred, "mode": mode, "status": status}
        cluster = change(cluster, primary_dbid(CONTENT), **fields)
        legal = role is Role.PRIMARY and preferred is Role.PRIMARY and status is Status.UP and mode in modes
        found = {f.condition for f in diagnose(cluster, probes(cluster)).findings}
        assert found == (set() if legal else {Condition.UNKNOWN_STATE}), (role, preferred, mode, status)


def test_a_content_with_three_rows_is_unknown() -> None:
    cluster = healthy()
    cluster = change(cluster, mirror_dbid(1), content=0)
    found = diagnose(cluster, probes(cluster)).having(Condition.UNKNOWN_STATE)
    assert found is not None
    assert found.contents == (0,)


def test_an_unknown_pair_whose_primary_is_silent_says_both_and_claims_no_double_fault() -> None:
    cluster = change(healthy(), mirror_dbid(0), mode=Mode.RESYNCHRONIZING)
    diagnosis = diagnose(cluster, probes(cluster, {primary_dbid(0): ProbeState.REFUSED}))
    assert [f.condition for f in diagnosis.findings] == [Condition.UNKNOWN_STATE]
    assert "refuses connections" in diagnosis.findings[0].detail


@pytest.mark.parametrize(("generation", "version"), [("gp4", V43), ("gp6", V6)])
def test_every_state_that_a_real_cluster_was_ever_recorded_in_is_known(generation, version) -> None:  # type: ignore[no-untyped-def]
    states = set()
    for step in recordings(generation):
        snapshots = [s.segments for s in (step.before, step.after) if s is not None and s.segments]
        for rows in [*snapshots, *(rows for _, rows in step.changes)]:
            cluster = cluster_from_rows("lab", version, [as_selected(row) for row in rows], None)
            assert not cluster.odd_contents
            states |= {pair_state(p, version.generation) for p in cluster.pairs}
    assert PairState.UNKNOWN not in states
    assert {PairState.SYNCHRONIZED, PairState.MIRROR_DOWN} <= states


def as_selected(row) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """A recorded row as `segments_sql` would give it: the recordings of 4.3 join the filespaces into one column."""
    selected = dict(row)
    if "filespaces" in selected:
        name, _, path = str(selected.pop("filespaces")).partition("=")
        selected |= {"fsname": name, "fselocation": path}
    return selected
