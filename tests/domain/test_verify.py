from dataclasses import replace
from typing import Any

import pytest

from domain.clusters import (
    CONTENTS,
    STANDBY,
    V6,
    V7,
    V43,
    VERSIONS,
    change,
    healthy,
    mirror_dbid,
    mirror_down,
    mirrorless,
    resynchronizing,
    standby_dead,
    switched,
    without_stream,
)
from gpmedic.cluster import Cluster, Role, Segment, Status, Version
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.gpstate import ErrorReport, Location, Report, SegmentInRecovery, SegmentStatus, StatusReport
from gpmedic.host_facts import DirectoryFacts, HostFacts, PidState
from gpmedic.verify import ProofName, gpstate_report, prove, proven

EVERYONE = [{"content": c, "answered": 412} for c in CONTENTS]


NORMAL = ErrorReport(said_normal=True)


def online(cluster: Cluster, **lost: Any) -> StatusReport:
    """What gpstate -s shows of it; `lost` is what it shows of the last segment instead."""
    primaries = [pair.primary for pair in cluster.pairs]
    shown = [SegmentStatus(s.hostname, s.address, s.datadir, s.port, True, "Up", pid=100) for s in primaries]
    return StatusReport(segments=(*shown[:-1], replace(shown[-1], **lost)))


def running(cluster: Cluster, *without: int) -> tuple[HostFacts, ...]:
    """The hosts, on which every postmaster runs but those of these dbids."""
    return tuple(
        HostFacts(host, True, directories=tuple(_directory(s, without) for s in cluster.segments if s.hostname == host))
        for host in cluster.hosts
    )


def _directory(segment: Segment, without: tuple[int, ...]) -> DirectoryFacts:
    state = PidState.STALE if segment.dbid in without else PidState.ALIVE
    return DirectoryFacts(segment.datadir, True, True, postmaster=state)


def broken_proofs(
    cluster: Cluster, report: ErrorReport | StatusReport | None = NORMAL, rows: Any = EVERYONE
) -> set[ProofName]:
    proofs = prove(cluster, report, rows, running(cluster))
    assert [p.name for p in proofs] == list(ProofName)
    assert proven(proofs) is all(p.holds for p in proofs)
    assert all(p.detail for p in proofs)
    return {p.name for p in proofs if not p.holds}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_healthy_cluster_is_proven_by_all(version: Version) -> None:
    assert broken_proofs(healthy(version)) == set()


def test_no_proof_at_all_proves_nothing() -> None:
    assert not proven(())


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_row_down_breaks_the_proof(version: Version) -> None:
    expected = {ProofName.NO_ROW_DOWN, ProofName.PAIRS_SYNCHRONIZED}
    if version in (V6, V7):
        expected.add(ProofName.REPLICATION)
    assert broken_proofs(mirror_down(healthy(version), 1)) == expected


def test_a_standby_marked_down_breaks_the_proof_of_rows() -> None:
    broken = broken_proofs(change(healthy(), STANDBY, status=Status.DOWN))
    assert broken == {ProofName.NO_ROW_DOWN, ProofName.STANDBY}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_standby_that_does_not_follow_or_is_not_known_to_breaks_the_proof(version: Version) -> None:
    assert broken_proofs(standby_dead(version)) == {ProofName.STANDBY}
    unknown = replace(healthy(version), standby_look=None, replication=None)
    assert ProofName.STANDBY in broken_proofs(unknown)
    catching_up = healthy(V6).replication or ()
    rows = tuple(replace(r, state="catchup") if r.content == -1 else r for r in catching_up)
    assert broken_proofs(replace(healthy(V6), replication=rows)) == {ProofName.STANDBY}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_switched_roles_break_the_proof_although_rebalance_said_success(version: Version) -> None:
    proofs = prove(switched(healthy(version), 1), NORMAL, EVERYONE, running(healthy(version)))
    assert [(p.name, p.holds) for p in proofs if not p.holds] == [(ProofName.ROLES_PREFERRED, False)]
    assert "dbid 3" in next(p.detail for p in proofs if not p.holds)


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_pair_that_catches_up_breaks_the_proof(version: Version) -> None:
    assert broken_proofs(resynchronizing(healthy(version), 1)) == {ProofName.PAIRS_SYNCHRONIZED}


def test_a_content_that_is_no_pair_breaks_the_proof() -> None:
    cluster = change(healthy(), mirror_dbid(1), role=Role.PRIMARY, preferred_role=Role.PRIMARY)
    assert ProofName.PAIRS_SYNCHRONIZED in broken_proofs(cluster)


def test_a_missing_stream_breaks_the_proof_although_the_catalog_says_synchronized() -> None:
    assert broken_proofs(without_stream(healthy(), 1)) == {ProofName.REPLICATION}


@pytest.mark.parametrize(("field", "value"), [("application_name", "pg_basebackup"), ("state", "catchup")])
def test_a_stream_that_is_a_copy_or_still_catching_up_is_no_proof(field: str, value: str) -> None:
    rows = tuple(replace(r, **{field: value}) if r.content == 1 else r for r in healthy().replication or ())
    assert broken_proofs(replace(healthy(), replication=rows)) == {ProofName.REPLICATION}


def test_replication_that_could_not_be_read_proves_nothing() -> None:
    assert broken_proofs(replace(healthy(), replication=None)) == {ProofName.REPLICATION, ProofName.STANDBY}


@pytest.mark.parametrize("report", [ErrorReport(), StatusReport(), None])
def test_gpstate_that_complains_or_could_not_be_read_breaks_the_proof(
    report: ErrorReport | StatusReport | None,
) -> None:
    assert broken_proofs(healthy(), report) == {ProofName.GPSTATE}


def test_rows_of_a_recovery_count_only_where_the_catalog_or_gpstate_shows_anything_else() -> None:
    row = SegmentInRecovery(Location("sdw3", 7001), RecoveryType.FULL, 45896, 159700, 28.0)
    old = ErrorReport(in_recovery=(row,))
    assert broken_proofs(healthy(), old) == set()
    for beside in (replace(old, warnings=("it warns",)), replace(old, failure="cannot connect")):
        assert broken_proofs(healthy(), beside) == {ProofName.GPSTATE}
    at_work = broken_proofs(mirror_down(healthy(), 1), old)
    assert at_work >= {ProofName.GPSTATE, ProofName.NO_ROW_DOWN, ProofName.PAIRS_SYNCHRONIZED}


@pytest.mark.parametrize("rows", [[], EVERYONE[:-1], [{"content": str(c)} for c in CONTENTS], [{}]])
def test_every_content_must_have_answered_the_query(rows: Any) -> None:
    assert broken_proofs(healthy(), rows=rows) == {ProofName.EVERY_CONTENT_ANSWERS}


def test_a_cluster_without_mirrors_is_proven_without_streams_of_mirrors() -> None:
    assert broken_proofs(mirrorless(), online(mirrorless())) == set()


@pytest.mark.parametrize(
    "lost", [{"up_in_configuration": False}, {"status": "Down"}, {"pid": None}, {"datadir": "/data/other"}], ids=str
)
def test_without_mirrors_gpstate_must_show_every_segment_of_the_catalog_online(lost: dict[str, object]) -> None:
    assert (gpstate_report(healthy()), gpstate_report(mirrorless())) == (Report.ERRORS, Report.STATUS)
    assert broken_proofs(mirrorless(), online(mirrorless(), **lost)) == {ProofName.GPSTATE}
    assert broken_proofs(mirrorless(), StatusReport(failure="cannot connect")) == {ProofName.GPSTATE}


def test_what_a_cluster_does_not_have_is_not_applicable_rather_than_proven() -> None:
    def answers(cluster: Cluster) -> dict[ProofName, str]:
        return {p.name: p.answer for p in prove(cluster, NORMAL, EVERYONE)}

    assert {name for name, said in answers(healthy()).items() if said != "yes"} == {ProofName.MIRRORS_RUN}
    assert answers(healthy(V43))[ProofName.REPLICATION] == "not applicable"
    assert answers(healthy(V43))[ProofName.PAIRS_SYNCHRONIZED] == "yes"
    assert answers(mirrorless())[ProofName.REPLICATION] == "not applicable"
    assert answers(mirrorless())[ProofName.PAIRS_SYNCHRONIZED] == "not applicable"
    assert answers(replace(healthy(), replication=None))[ProofName.REPLICATION] == "NO"


def test_what_was_proven_is_counted() -> None:
    proofs = {p.name: p.detail for p in prove(healthy(), NORMAL, EVERYONE)}
    assert proofs[ProofName.NO_ROW_DOWN] == "14 rows, every one up"
    assert proofs[ProofName.PAIRS_SYNCHRONIZED] == "6 pairs synchronized"
    assert proofs[ProofName.REPLICATION] == "6 mirrors are streaming"
    assert proofs[ProofName.EVERY_CONTENT_ANSWERS] == "6 contents answered"
    alone = {p.name: p.detail for p in prove(mirrorless(), NORMAL, EVERYONE)}
    assert alone[ProofName.PAIRS_SYNCHRONIZED] == "the cluster has no mirrors"


def test_a_catalog_without_contents_proves_nothing() -> None:
    empty = replace(healthy(), segments=healthy().segments[:2])
    assert broken_proofs(empty) == {ProofName.EVERY_CONTENT_ANSWERS}


def test_a_mirror_by_files_that_has_ended_breaks_the_proof_although_the_catalog_calls_it_synchronized() -> None:
    cluster, dead = healthy(V43), mirror_dbid(3)
    silent = tuple(h for h in running(cluster) if h.host != "sdw1")
    for hosts in (running(cluster, dead), silent, ()):
        broken = [p for p in prove(cluster, NORMAL, EVERYONE, hosts) if not p.holds]
        assert [p.name for p in broken] == [ProofName.MIRRORS_RUN]
    [proof] = [p for p in prove(cluster, NORMAL, EVERYONE, running(cluster, dead)) if not p.holds]
    assert f"dbid {dead} " in proof.detail
    assert "dbid 8 " not in proof.detail
    assert proven(prove(healthy(V6), NORMAL, EVERYONE)), "there the streams show it"
