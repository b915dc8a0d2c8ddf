"""What gpstate printed on real clusters is read, and agrees with the catalog that was recorded beside it."""

import pytest

from gpmedic import gpstate
from gpmedic.cluster import Role
from gpmedic.errors import UnreadableOutput
from gpmedic.gpstate import DataStatus, Location, MirrorStatus, Report, SegmentStatus
from tests.domain.recorded import CatalogRow, catalog, plain_runs, unchanged
from tests.transcripts import Step

ROLES = {"p": Role.PRIMARY, "m": Role.MIRROR}
DATA_STATUS = {
    "s": DataStatus.SYNCHRONIZED,
    "n": DataStatus.NOT_IN_SYNC,
    "c": DataStatus.CHANGE_TRACKING,
    "r": DataStatus.RESYNCHRONIZING,
}
ERRORS = plain_runs("gpstate", "-e")
MIRRORS = plain_runs("gpstate", "-m")
STATUS = plain_runs("gpstate", "-s")
STANDBY = plain_runs("gpstate", "-f")
PAIRS = plain_runs("gpstate", "-c")
QUICK = plain_runs("gpstate", "-Q")
SUMMARY = plain_runs("gpstate")


def places(locations: list[Location]) -> set[tuple[str, int]]:
    return {(location.host, location.port) for location in locations}


def reported(run: Step) -> bool:
    """The run was not one of a stopped database, or of a cluster without mirrors, whose catalog was not recorded."""
    return "CRITICAL" not in run.stdout and "nm.env" not in run.command


def steady(recorded: list[Step]) -> list[object]:
    return [pytest.param(run, id=str(run)) for run in recorded if unchanged(run) and reported(run)]


def rows_of(run: Step) -> tuple[CatalogRow, ...]:
    rows = unchanged(run)
    assert rows is not None
    return rows


def named(scenario_step: str) -> Step:
    every = [*ERRORS, *MIRRORS, *STATUS, *STANDBY]
    return next(run for run in every if str(run).startswith(scenario_step))


def test_enough_was_recorded_for_the_comparisons_below() -> None:
    assert [len(steady(of)) for of in (ERRORS, MIRRORS, STATUS)] > [30, 15, 15]
    assert len(ERRORS) > 90 and len(MIRRORS) > 40 and len(STATUS) > 25 and len(STANDBY) > 10


@pytest.mark.parametrize("run", ERRORS, ids=str)
def test_every_recorded_report_of_errors_is_read(run: Step) -> None:
    report = gpstate.parse_errors(run.stdout)
    assert report.said_normal == ("All segments are running normally" in run.stdout)
    assert (report.failure is not None) == ("CRITICAL" in run.stdout)
    assert report.mirrored == ("Physical mirroring is not configured" not in run.stdout)
    assert report.unavailable == ("DATABASE IS PROBABLY UNAVAILABLE" in run.stdout)


@pytest.mark.parametrize("run", steady(ERRORS))
def test_the_sections_of_a_report_are_the_rows_of_the_catalog(run: Step) -> None:
    rows = rows_of(run)
    primaries = {row.content: row for row in rows if row.role == "p"}
    report = gpstate.parse_errors(run.stdout)
    down = {row.place for row in rows if row.status == "d"}
    tracked = {row.place for row in rows if row.role == "m" and primaries[row.content].mode == "c"}
    unsynchronized = {row.place for row in rows if row.role == "p" and row.mode == "n"}
    of_down_mirrors = {primaries[row.content].place for row in rows if row.role == "m" and row.status == "d"}

    # 4.3 leaves mirrors of change tracking primaries out of the section, and names them in the other one
    assert places([d.segment for d in report.down if not d.up_in_configuration]) == down - tracked
    assert places([p.primary for p in report.switched]) == {r.place for r in rows if r.role == "p" != r.preferred_role}
    assert places([p.mirror for p in report.switched]) == {r.place for r in rows if r.role == "m" != r.preferred_role}
    assert places([p.primary for p in report.change_tracking]) == {r.place for r in primaries.values() if r.mode == "c"}
    assert places([p.mirror for p in report.change_tracking]) == tracked
    assert places([p.primary for p in report.resynchronizing]) == {r.place for r in primaries.values() if r.mode == "r"}
    # gpstate asks the primaries themselves, so pairs whose mirror is down may be missing here
    listed = places([p.primary for p in report.unsynchronized])
    assert listed <= unsynchronized and unsynchronized - listed <= of_down_mirrors


@pytest.mark.parametrize("run", steady(ERRORS))
def test_all_is_normal_only_if_the_catalog_shows_every_pair_up_balanced_and_synchronized(run: Step) -> None:
    healthy = all(r.status == "u" and r.mode == "s" and r.role == r.preferred_role for r in rows_of(run))
    report = gpstate.parse_errors(run.stdout)
    if report.all_normal:
        assert healthy
    elif healthy:  # what the catalog does not know yet (T5)
        assert any(segment.up_in_configuration for segment in report.down)


def test_a_double_fault_shows_although_the_catalog_says_up() -> None:
    report = gpstate.parse_errors(named("d1-both-killed-gpstop-ar/07-gpstate-e").stdout)
    assert report.unavailable
    assert [str(d.segment) for d in report.down if d.up_in_configuration] == ["sdw3:7001"]
    assert "could not query segment 9 (sdw3:7001)" in report.warnings


def test_the_size_of_change_tracking_is_read_in_bytes() -> None:
    report = gpstate.parse_errors(named("02-primary-killed/06-gpstate-e").stdout)
    assert [pair.size_bytes for pair in report.change_tracking] == [round(6.33 * 2**20)]


def test_a_resynchronization_is_read_with_its_empty_cell() -> None:
    report = gpstate.parse_errors(named("02-primary-killed/29-gpstate-e").stdout)
    (pair,) = report.resynchronizing
    assert (str(pair.primary), str(pair.mirror)) == ("gp-s1:40000", "gp-s2:50000")
    figures = pair.resynchronization
    assert (figures.percent, figures.synced_bytes, figures.awaiting_config_change, figures.end) == (
        100,
        262144,
        True,
        "",
    )


def test_a_running_full_recovery_is_read_with_its_figures() -> None:
    report = gpstate.parse_errors(named("h3-two-at-once-and-killed-midway/07-gpstate-e").stdout)
    (segment,) = report.in_recovery
    assert (str(segment.segment), segment.type.value) == ("sdw3:7001", "full")
    assert segment.completed_kb is not None and segment.total_kb is not None
    assert 0 < segment.completed_kb <= segment.total_kb


@pytest.mark.parametrize("run", MIRRORS, ids=str)
def test_every_recorded_list_of_mirrors_is_read(run: Step) -> None:
    report = gpstate.parse_mirrors(run.stdout)
    assert (report.failure is not None) == ("CRITICAL" in run.stdout)
    assert report.mirrored == ("Mirror not used" not in run.stdout)


@pytest.mark.parametrize("run", steady(MIRRORS))
def test_the_list_of_mirrors_is_the_catalog_in_gpstates_words(run: Step) -> None:
    expected = {}
    for row in (r for r in rows_of(run) if r.preferred_role == "m"):
        status = MirrorStatus.PASSIVE if row.status == "u" else MirrorStatus.FAILED
        status = MirrorStatus.ACTING_AS_PRIMARY if row.role == "p" else status
        data = None if status is MirrorStatus.FAILED else DATA_STATUS[row.mode]
        expected[row.place] = (row.datadir, status, data)
    report = gpstate.parse_mirrors(run.stdout)
    assert {(r.segment.host, r.segment.port): (r.datadir, r.status, r.data_status) for r in report.rows} == expected


@pytest.mark.parametrize("run", STATUS, ids=str)
def test_every_recorded_status_report_is_read(run: Step) -> None:
    report = gpstate.parse_status(run.stdout)
    assert (report.failure is not None) == ("CRITICAL" in run.stdout)
    assert len(report.segments) == run.stdout.count("Segment Info\n")


@pytest.mark.parametrize("run", steady(STATUS))
def test_the_status_of_every_segment_agrees_with_the_catalog(run: Step) -> None:
    def facts(s: SegmentStatus) -> tuple[object, ...]:
        return s.address, s.port, s.datadir, s.role, s.preferred_role, s.up_in_configuration

    expected = {
        (row.host, row.port, row.datadir, ROLES[row.role], ROLES[row.preferred_role], row.status == "u")
        for row in rows_of(run)
    }
    report = gpstate.parse_status(run.stdout)
    assert {facts(segment) for segment in report.segments} == expected
    assert len(report.segments) == len(expected)


def test_the_positions_and_lags_of_a_pair_are_read() -> None:
    report = gpstate.parse_status(named("c-primary-killed/06-gpstate-s").stdout)
    primary, mirror = report.segments[:2]
    assert (primary.mirror_status, primary.bytes_to_send, primary.pid) == ("Synchronized", 0, 2402)
    assert (mirror.mirror_status, mirror.sent_location, mirror.bytes_to_replay) == ("Streaming", "0/175C0000", 16504)
    failed = next(s for s in report.segments if not s.up_in_configuration)
    assert (failed.status, failed.sent_location, failed.is_up) == ("Down in configuration", None, False)
    assert report.coordinator is not None
    assert (report.coordinator.host, report.coordinator.standby_state) == ("mdw", "Standby host passive")


def test_a_host_that_cannot_be_asked_is_named_with_its_error() -> None:
    report = gpstate.parse_status(named("08-host-down-spare/09-gpstate-s").stdout)
    assert {s.error for s in report.segments if s.host == "gp-s3"} == {"Error getting status from host gp-s3"}
    assert {s.error for s in report.segments if s.host != "gp-s3"} == {None}


@pytest.mark.parametrize("run", STANDBY, ids=str)
def test_every_recorded_report_of_the_standby_is_read(run: Step) -> None:
    report = gpstate.parse_standby(run.stdout)
    assert report.works == ("-WAL Sender State: streaming" in run.stdout)


def test_a_dead_standby_shows_in_its_own_report_only() -> None:
    assert not gpstate.parse_standby(named("k-standby-master-killed/04-gpstate-f").stdout).works
    assert gpstate.parse_errors(named("k-standby-master-killed/05-gpstate-e").stdout).all_normal


PARSERS = {
    "-e": gpstate.parse_errors,
    "-s": gpstate.parse_status,
    "-f": gpstate.parse_standby,
    "-Q": gpstate.parse_quick,
    "te": gpstate.parse_summary,
}


def test_the_report_of_cloudberry_is_read_under_its_own_name() -> None:
    for run in (*QUICK, *SUMMARY, *ERRORS[-5:]):
        parse = PARSERS[run.command.strip()[-2:]]
        cloudberry = run.stdout.replace("Greenplum", "Cloudberry").replace("master", "coordinator")
        six = parse(run.stdout)
        assert six.failure is not None or parse(cloudberry) == six, run


def test_coordinator_is_read_where_6_says_master() -> None:
    for run in (*ERRORS, *STATUS, *STANDBY, *QUICK, *SUMMARY):
        parse = PARSERS[run.command.strip()[-2:]]
        seven = run.stdout.replace("Master", "Coordinator").replace(" master", " coordinator")
        six = parse(run.stdout)
        assert six.failure is not None or parse(seven) == six, run


@pytest.mark.parametrize("run", PAIRS, ids=str)
def test_every_recorded_list_of_pairs_is_read(run: Step) -> None:
    report = gpstate.parse_pairs(run.stdout)
    assert report.mirrored == ("Mirror not used" not in run.stdout)
    assert len(report.rows) == run.stdout.count(" Active, ")


@pytest.mark.parametrize("run", steady(PAIRS))
def test_the_list_of_pairs_is_the_catalog_in_gpstates_words(run: Step) -> None:
    rows = rows_of(run)
    by_preference = {(row.content, row.preferred_role): row for row in rows}
    acting = {(row.content, row.role): row for row in rows}
    expected = {
        (
            primary.place,
            by_preference[content, "m"].place,
            primary.role == "m",
            acting[content, "m"].status == "u",
            DATA_STATUS[acting[content, "p"].mode],
        )
        for (content, preferred), primary in by_preference.items()
        if preferred == "p"
    }
    read = gpstate.parse_pairs(run.stdout).rows
    assert expected == {
        ((r.primary.host, r.primary.port), (r.mirror.host, r.mirror.port), r.switched, r.complete, r.data_status)
        for r in read
    }


@pytest.mark.parametrize("run", QUICK, ids=str)
def test_the_quick_report_counts_and_names_what_is_down_in_the_catalog(run: Step) -> None:
    report = gpstate.parse_quick(run.stdout)
    rows = unchanged(run)
    if rows and reported(run):
        assert report.up == len([row for row in rows if row.status == "u"])
        assert places([row.segment for row in report.down]) == {row.place for row in rows if row.status == "d"}
    assert (report.failure is not None) == ("CRITICAL" in run.stdout)


@pytest.mark.parametrize("run", SUMMARY, ids=str)
def test_the_summary_counts_what_the_catalog_shows(run: Step) -> None:
    report = gpstate.parse_summary(run.stdout)
    assert (report.failure is not None) == ("CRITICAL" in run.stdout)
    rows = unchanged(run)
    if rows and reported(run):
        assert report.primaries is not None and report.mirrors is not None
        for counts, preferred in ((report.primaries, "p"), (report.mirrors, "m")):
            own = [row for row in rows if row.preferred_role == preferred]
            down = [row for row in own if row.status == "d"]
            assert (counts.total, counts.failures) == (len(own), len(down))
        assert report.switched == len([row for row in rows if row.preferred_role == "m" and row.role == "p"])


def test_the_summary_of_a_cluster_without_mirrors_has_no_counts_of_mirrors() -> None:
    alone = next(run for run in SUMMARY if "Mirrors not configured" in run.stdout)
    report = gpstate.parse_summary(alone.stdout)
    assert (report.mirrors, report.standby_host) == (None, None)
    assert report.primaries is not None and report.primaries.total == 2


SEVEN = """\
20261123:08:46:40:010153 gpstate:cdw:gpadmin-[INFO]:-Starting gpstate with args: -e
20261123:08:46:40:010153 gpstate:cdw:gpadmin-[INFO]:-local Greenplum Version: 'postgres (Greenplum Database) 7.1.0'
20261123:08:46:40:010153 gpstate:cdw:gpadmin-[INFO]:-coordinator Greenplum Version: 'PostgreSQL 12.12 (Greenplum ...)'
20261123:08:46:40:010153 gpstate:cdw:gpadmin-[INFO]:-Obtaining Segment details from coordinator...
20261123:08:46:40:010153 gpstate:cdw:gpadmin-[INFO]:-Gathering data from segments...
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-----------------------------------------------------
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-Segment Mirroring Status Report
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-----------------------------------------------------
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-Unsynchronized Segment Pairs
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-   Current Primary   Port   WAL sync remaining bytes   Startup \
recovery remaining bytes   Mirror   Port
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-   sdw3              7000   0                          1048576 \
                           sdw2     6000
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-----------------------------------------------------
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-Segments in recovery
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-   Segment   Port   Recovery type   Stage                         \
            Completed bytes (kB)   Percentage completed
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-   sdw2      6000   differential    Syncing pg_data of dbid 4     \
            16,454,866             4%
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-*****************************************************
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-Please monitor the output of the 'Wal sync remaining bytes' and \
'Startup recovery remaining bytes' columns when tracking recovery of segments.
20261123:08:46:42:010153 gpstate:cdw:gpadmin-[INFO]:-*****************************************************
"""


def test_the_columns_that_7_added_are_read() -> None:
    report = gpstate.parse_errors(SEVEN)
    (pair,) = report.unsynchronized
    assert (pair.remaining_bytes, pair.startup_bytes, str(pair.mirror)) == (0, 1048576, "sdw2:6000")
    (segment,) = report.in_recovery
    assert (segment.type.value, segment.stage, segment.percent) == ("differential", "Syncing pg_data of dbid 4", 4.0)
    assert (segment.completed_kb, segment.total_kb) == (16454866, None)
    assert not report.all_normal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-Unsynchronized Segment Pairs", "-Segment Pairs of Doubtful Synchrony"),
        ("Config status   Status", "Config status   Health"),
        ("Down            Down in configuration", "Maybe           Down in configuration"),
        ("sdw2      6000   Down", "sdw2      6OOO   Down"),
        ("sdw2      6000   Down", "sdw2     6000    Down"),
        ("[INFO]:-Gathering data from segments...", "[INFO]:-Gathering rumours from segments..."),
        ("[INFO]:-Gathering data from segments...\n", "[INFO]:-Gathering data from segments...\nsdw1: disk is full\n"),
        ("[WARNING]:-pg_stat_replication shows no", "[WARNING]:-pg_stat_replication shows half a"),
        ("Starting gpstate with args: -e", "Obtaining Segment details from master..."),
    ],
)
def test_an_unknown_line_is_named_and_never_guessed(old: str, new: str) -> None:
    known = named("c-primary-killed/04-gpstate-e").stdout
    assert old in known
    with pytest.raises(UnreadableOutput) as caught:
        gpstate.parse_errors(known.replace(old, new, 1))
    assert caught.value.utility == "gpstate"
    assert caught.value.line


def test_a_report_of_another_kind_is_not_taken_for_a_healthy_one() -> None:
    with pytest.raises(UnreadableOutput):
        gpstate.parse_errors(named("a-healthy/05-gpstate-m").stdout)
    with pytest.raises(UnreadableOutput):
        gpstate.parse_mirrors(named("a-healthy/04-gpstate-e").stdout)


def test_a_lost_row_of_the_list_of_mirrors_is_noticed_by_the_counts_below() -> None:
    text = named("c-primary-killed/05-gpstate-m").stdout
    lines = text.split("\n")
    lost = [line for line in lines if "Acting as Primary" not in line]
    assert len(lost) == len(lines) - 1
    with pytest.raises(UnreadableOutput):
        gpstate.parse_mirrors("\n".join(lost))


def test_nothing_printed_is_unreadable() -> None:
    with pytest.raises(UnreadableOutput):
        gpstate.parse_errors("")


def test_the_command_is_gpstate_and_the_option_of_the_report() -> None:
    assert [gpstate.argv(report) for report in (Report.ERRORS, Report.SUMMARY)] == [("gpstate", "-e"), ("gpstate",)]


def test_the_catalog_beside_the_runs_was_understood() -> None:
    snapshot = ERRORS[0].after or ERRORS[0].before
    assert snapshot is not None
    assert {row.datadir[0] for row in catalog(snapshot.segments)} == {"/"}
