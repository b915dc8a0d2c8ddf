from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import recordings

from domain.clusters import V6, V7, V43, healthy
from domain.test_pair_states import as_selected
from gpmedic.catalog import (
    COLUMNS_SQL,
    REPLICATION_COLUMNS_SQL,
    cluster_from_rows,
    columns_from_rows,
    replication_sql,
    running_queries_sql,
    segments_sql,
)
from gpmedic.cluster import Cluster, Generation, Mode, Role, Status, Version
from gpmedic.errors import AccessRefused, GpmedicError, UnreadableOutput

SIX = frozenset(
    {"dbid", "content", "role", "preferred_role", "mode", "status", "port", "hostname", "address", "datadir"}
)
FOUR = SIX - {"datadir"} | {"replication_port", "san_mounts"}
CLOUDBERRY = SIX | {"warehouseid"}
NEEDED = sorted(SIX - {"datadir"})


def rows_of(cluster: Cluster) -> list[dict[str, object]]:
    """What the catalog of this cluster would answer."""
    filerep = cluster.version.generation is Generation.FILEREP
    rows = []
    for s in cluster.segments:
        row: dict[str, object] = {
            "dbid": s.dbid,
            "content": s.content,
            "role": s.role.value,
            "preferred_role": s.preferred_role.value,
            "mode": s.mode.value,
            "status": s.status.value,
            "port": s.port,
            "hostname": s.hostname,
            "address": s.address,
        }
        if filerep:
            port = None if s.content == -1 else s.port + 1000
            rows.append(row | {"replication_port": port, "fsname": "pg_system", "fselocation": s.datadir})
        else:
            rows.append(row | {"datadir": s.datadir})
    return rows


def replication_row(content: int, **fields: object) -> dict[str, object]:
    row = {"gp_segment_id": content, "application_name": "gp_walreceiver", "state": "streaming", "sync_state": "sync"}
    return row | {"sent": "0/C060000", "replayed": "0/C05FF90"} | fields


def test_columns_are_named_and_those_of_another_fork_are_left_alone() -> None:
    assert "warehouseid" not in segments_sql(CLOUDBERRY)
    assert "*" not in segments_sql(SIX)
    assert "c.datadir" in segments_sql(SIX)
    assert "pg_filespace" not in segments_sql(SIX)


def test_a_catalog_without_datadir_is_joined_with_its_filespaces() -> None:
    sql = segments_sql(FOUR)
    assert "pg_filespace_entry e ON e.fsedbid = c.dbid" in sql
    assert "c.replication_port" in sql
    assert "san_mounts" not in sql


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("columns", [FOUR, SIX, CLOUDBERRY], ids=["4.3", "6", "Cloudberry"])
def test_a_missing_column_is_named_with_its_table(columns: frozenset[str], missing: str) -> None:
    with pytest.raises(AccessRefused, match=f"gp_segment_configuration has no column {missing};") as refused:
        segments_sql(columns - {missing})
    assert "nothing was touched" in refused.value.message


def test_discovery_of_a_missing_relation_gives_no_column_instead_of_an_error() -> None:
    assert "::regclass" not in COLUMNS_SQL + REPLICATION_COLUMNS_SQL
    assert columns_from_rows([]) == frozenset()
    assert columns_from_rows([{"column_name": "dbid"}, {"column_name": "mode"}]) == {"dbid", "mode"}


def test_replication_is_asked_in_the_words_of_each_generation() -> None:
    common = {"gp_segment_id", "application_name", "state", "sync_state", "sync_error"}
    six = replication_sql(frozenset(common | {"sent_location", "replay_location"}))
    seven = replication_sql(frozenset(common | {"sent_lsn", "replay_lsn"}))
    assert six is not None
    assert seven is not None
    assert "sent_location::text AS sent, replay_location::text AS replayed" in six
    assert "sent_lsn::text AS sent, replay_lsn::text AS replayed" in seven
    assert replication_sql(frozenset()) is None
    with pytest.raises(AccessRefused, match="gp_stat_replication has no column replay_location;"):
        replication_sql(frozenset(common | {"sent_location"}))


def test_running_queries_are_asked_in_the_words_of_each_generation() -> None:
    common = {"usename", "query_start", "datname"}
    old = running_queries_sql(frozenset(common | {"procpid", "current_query"}))
    new = running_queries_sql(frozenset(common | {"pid", "query", "state"}))
    assert "procpid AS pid" in old
    assert "current_query <> '<IDLE>'" in old  # "<IDLE> in transaction" is rolled back as well
    assert "state IS NULL AND query <> ''" in new  # of another user's session its state may be hidden
    assert "state <> 'idle'" in new
    assert "%" not in old + new  # the driver would take it for a parameter
    with pytest.raises(AccessRefused, match="pg_stat_activity has no column query,"):
        running_queries_sql(frozenset({"pid"}))


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_rows_become_the_cluster_that_they_describe(version: Version) -> None:
    whole = healthy(version)
    cluster = cluster_from_rows("lab", version, rows_of(whole), None)
    assert [s.datadir for s in cluster.segments] == [s.datadir for s in whole.segments]
    assert [s.role for s in cluster.segments] == [s.role for s in whole.segments]
    if version is V43:
        assert cluster.segment(2).replication_port == 7000
        assert cluster.segment(2).filespaces == (("pg_system", "/data/primary/gpseg0"),)
    else:
        assert cluster.segments == whole.segments


def test_a_segment_of_4_3_keeps_all_its_filespaces_and_lives_in_pg_system() -> None:
    rows = rows_of(healthy(V43))
    rows += [{**row, "fsname": "fast", "fselocation": f"/ssd/{row['dbid']}"} for row in rows if row["content"] != -1]
    rows.sort(key=lambda r: (r["dbid"], r["fsname"]))
    segment = cluster_from_rows("lab", V43, rows, None).segment(2)
    assert segment.datadir == "/data/primary/gpseg0"
    assert segment.filespaces == (("fast", "/ssd/2"), ("pg_system", "/data/primary/gpseg0"))


def test_a_segment_of_4_3_without_pg_system_is_not_understood() -> None:
    rows = [{**row, "fsname": "fast"} if row["dbid"] == 2 else row for row in rows_of(healthy(V43))]
    with pytest.raises(UnreadableOutput, match="no filespace pg_system"):
        cluster_from_rows("lab", V43, rows, None)


@pytest.mark.parametrize("column", [*NEEDED, "datadir"])
def test_a_row_that_lacks_a_column_is_refused_with_its_name(column: str) -> None:
    rows = rows_of(healthy())
    del rows[3][column]
    wanted = "fsname" if column == "datadir" else column
    with pytest.raises(AccessRefused, match=f"has no column {wanted}"):
        cluster_from_rows("lab", V6, rows, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mode", "z"),
        ("role", None),
        ("status", "U"),
        ("preferred_role", ""),
        ("port", None),
        ("dbid", "7; rm"),
        ("content", True),
        ("hostname", ""),
        ("hostname", "sdw1\nsdw2"),
        ("datadir", "/data/\x00"),
    ],
)
def test_a_value_that_is_not_known_is_reported_and_never_guessed(column: str, value: object) -> None:
    rows = rows_of(healthy())
    rows[3][column] = value
    with pytest.raises(UnreadableOutput, match="gp_segment_configuration"):
        cluster_from_rows("lab", V6, rows, None)


def test_a_dbid_that_stands_there_twice_is_not_understood() -> None:
    rows = rows_of(healthy())
    with pytest.raises(UnreadableOutput, match="dbid 2 stands there twice"):
        cluster_from_rows("lab", V6, [*rows, rows[2]], None)


@pytest.mark.parametrize("roles", [(), ("m",), ("p", "p"), ("p", "m", "m")])
def test_a_catalog_needs_exactly_one_coordinator_and_at_most_one_standby(roles: tuple[str, ...]) -> None:
    rows = rows_of(healthy())
    template, segments = rows[0], rows[2:]
    coordinators = [{**template, "dbid": 100 + i, "role": role} for i, role in enumerate(roles)]
    with pytest.raises(UnreadableOutput, match="content -1 has the roles"):
        cluster_from_rows("lab", V6, [*coordinators, *segments], None)


def test_replication_rows_of_nulls_mean_that_there_is_no_stream() -> None:
    nulls = dict.fromkeys(replication_row(2), None) | {"gp_segment_id": 2}
    rows = [replication_row(0), replication_row(1, sync_state=None, replayed=None), nulls]
    cluster = cluster_from_rows("lab", V6, rows_of(healthy()), rows)
    assert cluster.replication is not None
    assert [(r.content, r.state, r.sync_state, r.sent, r.replayed) for r in cluster.replication] == [
        (0, "streaming", "sync", "0/C060000", "0/C05FF90"),
        (1, "streaming", "", "0/C060000", None),
    ]


@pytest.mark.parametrize("column", sorted(replication_row(0)))
def test_a_replication_row_that_lacks_a_column_is_refused_with_its_name(column: str) -> None:
    row = replication_row(0)
    del row[column]
    with pytest.raises(AccessRefused, match=f"gp_stat_replication has no column {column};"):
        cluster_from_rows("lab", V6, rows_of(healthy()), [row])


@pytest.mark.parametrize("missing", ["gp_segment_id", "application_name", "state", "sync_state"])
def test_a_replication_view_that_lacks_a_column_is_refused_with_its_name(missing: str) -> None:
    columns = {"gp_segment_id", "application_name", "state", "sync_state", "sent_lsn", "replay_lsn"} - {missing}
    with pytest.raises(AccessRefused, match=f"gp_stat_replication has no column {missing};"):
        replication_sql(frozenset(columns))


def test_replication_that_was_not_read_is_told_from_no_replication() -> None:
    assert cluster_from_rows("lab", V6, rows_of(healthy()), None).replication is None
    assert cluster_from_rows("lab", V6, rows_of(healthy()), []).replication == ()


@pytest.mark.parametrize(("recorded", "version"), [("gp4", V43), ("gp6", V6)])
def test_every_recorded_catalog_is_understood(recorded, version: Version) -> None:  # type: ignore[no-untyped-def]
    snapshots = [s for step in recordings(recorded) for s in (step.before, step.after) if s is not None and s.segments]
    assert len(snapshots) > 20
    for snapshot in snapshots:
        rows = [as_selected(row) for row in snapshot.segments]
        streams = None if snapshot.replication is None else [as_replication(row) for row in snapshot.replication]
        cluster = cluster_from_rows("lab", version, rows, streams)
        assert len(cluster.segments) == len(rows)


def as_replication(row: Mapping[str, object]) -> dict[str, object]:
    return {**row, "sent": row["sent_location"], "replayed": row["replay_location"]}


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-._/"), min_size=1, max_size=30)


@st.composite
def catalogs(draw: st.DrawFn) -> list[dict[str, object]]:
    """Any catalog of 6 that is well-formed, its rows in any order, with a column that nobody knows."""
    contents = draw(st.integers(0, 6))
    letters = st.sampled_from
    rows: list[dict[str, object]] = []
    for content in range(-1, contents):
        first = draw(letters("pm")) if content >= 0 else "p"
        for role in (first, "m" if first == "p" else "p")[: draw(st.integers(1, 2)) if content == -1 else 2]:
            rows.append(
                {
                    "dbid": len(rows) + 1,
                    "content": content,
                    "role": role,
                    "preferred_role": draw(letters("pm")),
                    "mode": draw(letters("scrn")),
                    "status": draw(letters("ud")),
                    "port": draw(st.integers(1, 65535)),
                    "hostname": draw(NAMES),
                    "address": draw(NAMES),
                    "datadir": "/" + draw(NAMES),
                    "warehouseid": draw(st.none() | st.integers()),
                }
            )
    return draw(st.permutations(rows))


@given(catalogs())
def test_a_catalog_says_the_same_in_any_order_of_its_rows(rows: list[dict[str, object]]) -> None:
    cluster = cluster_from_rows("lab", V6, rows, None)
    assert {s.dbid for s in cluster.segments} == {row["dbid"] for row in rows}
    for row in rows:
        segment = cluster.segment(int(str(row["dbid"])))
        assert (segment.role, segment.mode, segment.status) == (
            Role(str(row["role"])),
            Mode(str(row["mode"])),
            Status(str(row["status"])),
        )
    assert {p.content for p in cluster.pairs} | set(cluster.odd_contents) == set(cluster.contents)
    ordered = sorted(rows, key=lambda r: int(str(r["dbid"])))
    assert cluster_from_rows("lab", V6, ordered, None).pairs == cluster.pairs


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from("pmscrnud")


@given(catalogs(), st.data())
def test_a_spoiled_catalog_is_read_or_refused_but_never_crashes(rows: list[dict[str, object]], data) -> None:  # type: ignore[no-untyped-def]
    rows = [dict(row) for row in rows]
    for _ in range(data.draw(st.integers(1, 4))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        column = data.draw(st.sampled_from(sorted(row)))
        if data.draw(st.booleans()):
            row[column] = data.draw(ANYTHING)
        elif len(row) > 1:
            del row[column]
    try:
        cluster = cluster_from_rows("lab", V6, rows, None)
    except GpmedicError as error:
        assert error.next_action
        assert "\n" not in str(error)
    else:
        assert cluster.coordinator.content == -1
