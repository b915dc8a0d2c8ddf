"""The catalog of each generation, as gpmedic finds it."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from gpmedic.cluster import Role
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.facts import Answer, Release
from gpmedic.practice.greenplum_catalog import VERSIONS
from tests.practice.conftest import Host, unique_name

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"

WAL_COLUMNS = ["dbid", "content", "role", "preferred_role", "mode", "status", "port", "hostname", "address", "datadir"]
FILEREP_COLUMNS = [*WAL_COLUMNS[:-1], "replication_port", "san_mounts"]


@pytest.fixture(scope="module", params=["4.3", "7"])
def other(request: pytest.FixtureRequest) -> Iterator[PracticeCluster]:
    with PracticeCluster(unique_name(), request.param) as cluster:
        yield cluster


def _columns(cluster: PracticeCluster) -> list[str]:
    return Host(cluster).sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'gp_segment_configuration'::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )


@pytest.mark.parametrize(("release", "recording"), [(Release.V4_3, "gp4/01-healthy"), (Release.V6, "gp6/a-healthy")])
def test_version_is_what_the_recorded_clusters_printed(release: Release, recording: str) -> None:
    steps = json.loads((TRANSCRIPTS / f"{recording}.json").read_text())["steps"]
    assert any(f"master Greenplum Version: '{VERSIONS[release]}'" in (step.get("stdout") or "") for step in steps)


def test_columns_of_6(six: PracticeCluster, mdw: Host) -> None:
    assert _columns(six) == WAL_COLUMNS
    assert mdw.sql("SELECT version()") == [VERSIONS[Release.V6]]


def test_columns_of_the_other_generations(other: PracticeCluster) -> None:
    assert _columns(other) == (FILEREP_COLUMNS if other.release is Release.V4_3 else WAL_COLUMNS)
    assert Host(other).sql("SELECT version()") == [VERSIONS[other.release]]


def test_4_3_keeps_data_directories_in_filespaces_and_has_no_replication_view(other: PracticeCluster) -> None:
    if other.release is not Release.V4_3:
        pytest.skip("4.3 alone")
    found = Host(other).sql(
        "SELECT c.dbid || ' ' || f.fsname || ' ' || e.fselocation FROM gp_segment_configuration c"
        " JOIN pg_filespace_entry e ON e.fsedbid = c.dbid JOIN pg_filespace f ON f.oid = e.fsefsoid"
    )
    assert set(found) == {f"{s.dbid} pg_system {s.datadir}" for s in other.facts().segments}
    assert Host(other).run("psql -d postgres -c 'SELECT * FROM gp_stat_replication'").returncode != 0


def test_7_names_wal_positions_lsn(other: PracticeCluster) -> None:
    if other.release is not Release.V7:
        pytest.skip("7 alone")
    found = Host(other).sql("SELECT gp_segment_id FROM gp_stat_replication WHERE sent_lsn = flush_lsn ORDER BY 1")
    assert "0" in found
    assert Host(other).sql("SELECT gp_request_fts_probe_scan()") == ["t"]


def test_every_pair_of_6_and_the_standby_has_a_replication_row(mdw: Host) -> None:
    found = mdw.sql("SELECT gp_segment_id, state, sync_state FROM gp_stat_replication ORDER BY 1")
    assert found == [f"{content}|streaming|sync" for content in range(-1, 6)]


def test_a_missing_replication_row_is_missing(mdw: Host) -> None:
    mdw.cluster.break_(Fault.REPLICATION_ROW_MISSING, content=3)
    assert "3" not in mdw.sql("SELECT gp_segment_id FROM gp_stat_replication")
    mdw.cluster.heal(Fault.REPLICATION_ROW_MISSING, content=3)
    assert "3" in mdw.sql("SELECT gp_segment_id FROM gp_stat_replication")


def test_every_acting_primary_answers_a_query_over_all_contents(mdw: Host) -> None:
    found = mdw.sql("SELECT gp_segment_id, count(*) > 300 FROM gp_dist_random('pg_class') GROUP BY 1 ORDER BY 1")
    assert found == [f"{content}|t" for content in range(6)]


def test_a_probe_on_demand_waits_for_fts(mdw: Host) -> None:
    assert mdw.sql("SELECT gp_request_fts_probe_scan()") == ["t"]


def test_the_coordinator_wants_its_password_over_tcp(six: PracticeCluster) -> None:
    database = six.settings.database
    assert database.password_file is not None
    password = database.password_file.read_text().strip().split(":")[-1]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(host=database.host, port=database.port, user="gpadmin", dbname="postgres", password="no")
    session = psycopg2.connect(
        host=database.host, port=database.port, user="gpadmin", dbname="postgres", password=password
    )
    with session.cursor() as cursor:
        cursor.execute("SELECT name FROM gpmedic_practice.identity")
        assert cursor.fetchall() == [(six.name,)]
    session.close()


def test_a_dead_acting_primary_fails_the_query_over_all_contents(other: PracticeCluster) -> None:
    other.break_(Fault.KILL_BOTH, content=4)
    host = Host(other)
    done = host.run("psql -X -d postgres -c \"SELECT count(*) FROM gp_dist_random('pg_class')\"")
    assert done.returncode == 1
    assert "failed to acquire resources on one or more segments" in done.stderr
    assert "(seg4 " in done.stderr
    assert host.sql("SELECT 1") == ["1"]
    other.heal(Fault.KILL_BOTH, content=4)
    acting = {Role.PRIMARY: Answer.ACCEPTS}
    other.wait_until(lambda f: all(s.answer is acting.get(s.role, s.answer) for s in f.data_segments))
    assert "4" in host.sql("SELECT DISTINCT gp_segment_id FROM gp_dist_random('gp_id')")
