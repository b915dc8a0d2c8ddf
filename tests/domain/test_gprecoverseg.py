"""What gprecoverseg printed on real clusters is read; its outcome is held against the catalog, never the exit code."""

import re
from functools import cache

import pytest

from gpmedic import gprecoverseg
from gpmedic.cluster import Generation
from gpmedic.errors import UnreadableOutput, UnsafeState
from gpmedic.gprecoverseg import Instance, Outcome, Progress, RecoverReport, RecoveryType
from tests.domain.recorded import GENERATIONS, CatalogRow, catalog
from tests.transcripts import Step, runs

RUNS = [
    run
    for generation in GENERATIONS
    for run in runs(generation, "gprecoverseg")
    if not re.search(r"--help|--version|;", run.command)
]
# Between the catalog's snapshot and the run, FTS or another command changed the catalog.
CHANGED_MEANWHILE = {
    "10-long-resync/04-gprecoverseg-F-a",
    "l1-gprecoverseg-before-fts-noticed/08-primary-killed-gprecoverseg-a-at-once",
}


@cache
def parsed(text: str) -> RecoverReport:
    return gprecoverseg.parse(text)


def report(run: Step) -> RecoverReport:
    return parsed(run.stdout)


def named(beginning: str) -> Step:
    return next(run for run in RUNS if str(run).startswith(beginning))


def with_outcome(*outcomes: Outcome) -> list[object]:
    return [pytest.param(run, id=str(run)) for run in RUNS if report(run).outcome in outcomes]


def before(run: Step) -> dict[tuple[str, int, str], CatalogRow]:
    rows = catalog(run.before.segments) if run.before else ()
    return {(row.host, row.port, row.datadir): row for row in rows}


def after(run: Step) -> tuple[CatalogRow, ...]:
    return catalog(run.after.segments) if run.after else ()


def key(instance: Instance) -> tuple[str, int, str]:
    return instance.address, instance.port, instance.directory


COMPARED = [
    pytest.param(run, id=str(run)) for run in RUNS if before(run) and str(run) not in CHANGED_MEANWHILE
]  # fmt: skip


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_every_recorded_run_is_read(run: Step) -> None:
    read = report(run)
    assert len(read.parameters) + len(read.nested_parameters) == len(re.findall(r"-Recovery \d+ of \d+\n", run.stdout))
    assert len(read.unbalanced) == len(re.findall(r"-Unbalanced segment \d+ of \d+\n", run.stdout))
    assert len(read.errors) == len(re.findall(r" gprecoverseg:\S+-\[(?:ERROR|CRITICAL)\]", run.stdout))
    assert len(read.warnings) == len(re.findall(r" gprecoverseg:\S+-\[WARNING\]", run.stdout))


def test_a_run_of_cloudberry_is_read_under_its_own_name() -> None:
    for run in RUNS:
        cloudberry = run.stdout.replace("Greenplum", "Cloudberry").replace(
            "details from master", "details from coordinator"
        )
        assert parsed(cloudberry).outcome is report(run).outcome, run


def test_runs_of_every_outcome_were_recorded() -> None:
    assert {report(run).outcome for run in RUNS} == set(Outcome) - {Outcome.SKIPPED_RUNNING}


@pytest.mark.parametrize("run", COMPARED)
def test_the_recovery_parameters_name_segments_that_are_down_and_their_acting_primaries(run: Step) -> None:
    rows, read = before(run), report(run)
    for recovery in read.parameters:
        failed, source = rows[key(recovery.failed)], rows[key(recovery.source)]
        assert failed.status == "d" or recovery.target is not None
        assert (source.role, source.content) == ("p", failed.content)
    for segment in read.unbalanced:
        row = rows[key(segment.instance)]
        assert (row.role, row.preferred_role) == (segment.current_role.value, segment.balanced_role.value)


@pytest.mark.parametrize("run", COMPARED)
def test_a_recovery_leaves_out_only_segments_whose_host_is_unreachable(run: Step) -> None:
    read = report(run)
    if read.outcome is not Outcome.RECOVERED or " -i " in run.command:
        return
    meant = {key(recovery.failed) for recovery in read.parameters}
    left_out = {row.dbid for place, row in before(run).items() if row.status == "d" and place not in meant}
    assert left_out <= {segment.dbid for segment in read.unreachable}


@pytest.mark.parametrize("run", with_outcome(Outcome.RECOVERED))
def test_what_was_recovered_is_up_in_the_catalog_afterwards(run: Step) -> None:
    rows = {(row.host, row.port, row.datadir): row for row in after(run)}
    for recovery in report(run).parameters:
        if rows:
            assert rows[key(recovery.target or recovery.failed)].status == "u"


@pytest.mark.parametrize("run", with_outcome(Outcome.REBALANCED))
def test_after_a_rebalance_without_warnings_every_role_is_the_preferred_one(run: Step) -> None:
    assert after(run)
    assert all(row.role == row.preferred_role for row in after(run))


@pytest.mark.parametrize("run", with_outcome(Outcome.REBALANCE_WARNINGS))
def test_a_rebalance_that_left_pairs_out_is_not_called_successful_although_it_says_so(run: Step) -> None:
    assert "The rebalance operation has completed successfully." in run.stdout
    assert run.exit_code == 0
    switched = {row.dbid for row in after(run) if row.role != row.preferred_role}
    assert switched == {dbid for pair in report(run).not_rebalanced for dbid in pair}


@pytest.mark.parametrize("run", with_outcome(Outcome.SOME_FAILED))
def test_the_segments_that_failed_are_still_down_in_the_catalog(run: Step) -> None:
    read = report(run)
    down = {row.place for row in after(run) if row.status == "d"}
    # A copy to another place that fails leaves the old place in the catalog, a start that fails the new one (T21).
    old_places = {
        (r.target.host, r.target.port): (r.failed.host, r.failed.port) for r in read.parameters if r.target is not None
    }
    failed = {(segment.host, segment.port) for segment in read.failed}
    assert failed and {place if place in down else old_places.get(place) for place in failed} <= down


@pytest.mark.parametrize("run", with_outcome(Outcome.NOTHING_TO_RECOVER))
def test_nothing_to_recover_means_that_nothing_is_down(run: Step) -> None:
    if " -p " in run.command:  # 6.24.3 moved the segments before, and calls the host that is down its own spare
        return
    assert not [row for row in before(run).values() if row.status == "d"]


@pytest.mark.parametrize("run", with_outcome(Outcome.SKIPPED_UNREACHABLE))
def test_segments_on_unreachable_hosts_are_named_although_the_exit_code_is_zero(run: Step) -> None:
    assert run.exit_code == 0
    dbids = {segment.dbid for segment in report(run).unreachable}
    assert dbids == {row.dbid for row in after(run) if row.status == "d"} or not after(run)
    assert report(run).unreachable_hosts in {("sdw1",), ("sdw3",)}


@pytest.mark.parametrize("run", with_outcome(Outcome.LOCK_HELD))
def test_a_held_lock_is_reported_although_the_exit_code_is_zero(run: Step) -> None:
    pid = report(run).lock_pid
    assert run.exit_code in {0, None}
    assert f"PID {pid}" in run.stdout
    assert not report(run).parameters


def test_the_lock_of_4_3_is_read_too() -> None:
    message = "An instance of gprecoverseg is already running (pid 1077)"
    read = gprecoverseg.parse(f"20261123:11:11:34:001133 gprecoverseg:default-[ERROR]:-{message}\n")
    assert (read.outcome, read.lock_pid) == (Outcome.LOCK_HELD, 1077)


def test_a_rebalance_of_4_3_that_ends_in_a_python_error_is_an_error_to_be_checked_in_the_catalog() -> None:
    run = named("02-primary-killed/27-gprecoverseg-r-a")
    assert report(run).outcome is Outcome.ERROR
    assert "wasSuccessful" in report(run).errors[-1]
    assert all(row.role == row.preferred_role for row in after(run))  # T30: it had worked


def test_the_recovery_inside_a_rebalance_is_not_taken_for_the_run_itself() -> None:
    read = report(named("c-primary-killed/18-gprecoverseg-ra"))
    assert (read.outcome, read.parameters) == (Outcome.REBALANCED, ())
    assert [key(recovery.failed) for recovery in read.nested_parameters] == [("sdw3", 7000, "/data/mirror/gpseg2")]


def test_a_killed_run_is_unfinished_and_tells_how_far_it_came() -> None:
    read = report(named("h3-two-at-once-and-killed-midway/14-gprecoverseg-aF"))
    assert read.outcome is Outcome.UNFINISHED
    (progress,) = read.progress
    assert (progress.host, progress.dbid) == ("sdw3", 9)
    assert progress.total_kb is not None
    assert 0 <= progress.done_kb <= progress.total_kb
    assert progress.amount == f"{progress.done_kb}/{progress.total_kb} kB"


def test_a_run_that_was_declined_at_the_prompt_is_read() -> None:
    run = named("h2-prompt-and-r-while-down/11-gprecoverseg-r-answer-n")
    assert (report(run).outcome, run.exit_code) == (Outcome.DECLINED, 4)


def test_a_failed_rewind_names_segment_type_and_log() -> None:
    (failed,) = report(named("i1-pg_rewind-fails-wal-missing/05-gprecoverseg-a")).failed
    assert failed.type is RecoveryType.INCREMENTAL
    assert failed.logfile is not None and "pg_rewind" in failed.logfile


def test_a_move_to_a_spare_host_names_the_target() -> None:
    read = report(named("08-host-down-spare/14-gprecoverseg-i-a"))
    assert [recovery.target and recovery.target.host for recovery in read.parameters] == ["gp-s4", "gp-s4"]
    assert [recovery.type for recovery in read.parameters] == [RecoveryType.FULL, RecoveryType.FULL]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sdw2 (dbid 4): 253021/479744 kB (52%) copied", Progress("sdw2", 4, 253021, 479744, 52, "copied")),
        ("sdw2 (dbid 4):  22233/479744 kB (4%) copied", Progress("sdw2", 4, 22233, 479744, 4, "copied")),
        (
            "sdw1 (dbid 2):      0/90 kB (0%), 0/1 tablespace (/data/primary/gpseg0/backup_label  )",
            Progress("sdw1", 2, 0, 90, 0, "0/1 tablespace (/data/primary/gpseg0/backup_label  )"),
        ),
        (
            "sdw2 (dbid 4):      16,454,866   4%   16.52MB/s    0:00:00 (xfr#216, ir-chk=9669/9907) :Syncing pg_data",
            Progress("sdw2", 4, 16069, None, 4, "16.52MB/s    0:00:00 (xfr#216, ir-chk=9669/9907) :Syncing pg_data"),
        ),
        ("sdw2 (dbid 4): Done!", None),
        ("253021/479744 kB (52%) copied", None),
    ],
)
def test_progress_is_read_from_a_line_of_a_worker(line: str, expected: Progress | None) -> None:
    assert gprecoverseg.parse_progress(line) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[INFO]:-Updating configuration for mirrors", "[INFO]:-Updating configuration for fun"),
        ("[INFO]:-Triggering FTS probe\n", "[INFO]:-Triggering FTS probe\nbash: fork: Cannot allocate memory\n"),
        ("[INFO]:-Triggering FTS probe", "[WARNING]:-The mirror on sdw2 is older than its primary"),
        ("   Failed instance port                 = 6000", "   Failed instance port                 = six"),
        ("   Failed instance port ", "   Failed instance colour "),
        ("Recovery 1 of 1", "Recovery 1 of 2"),
        ("Synchronization mode                 = Incremental", "Synchronization mode                 = Partial"),
        ("Starting gprecoverseg with args: -a", "Obtaining Segment details from master..."),
    ],
)
def test_an_unknown_line_is_named_and_never_guessed(old: str, new: str) -> None:
    known = named("c-primary-killed/11-gprecoverseg-a").stdout
    assert old in known
    with pytest.raises(UnreadableOutput) as caught:
        gprecoverseg.parse(known.replace(old, new, 1))
    assert caught.value.utility == "gprecoverseg"


def of_7(*lines: str) -> RecoverReport:
    """A run of 7, of which nothing is recorded: level and message of each line."""
    first = "[INFO]:-Starting gprecoverseg with args: -a"
    printed = (f"20261123:11:11:34:001133 gprecoverseg:cdw:gpadmin-{line}\n" for line in (first, *lines))
    return gprecoverseg.parse("".join(printed))


def test_a_copy_that_is_already_running_is_not_taken_for_nothing_to_do() -> None:
    read = of_7(
        "[WARNING]:-Found pg_basebackup running for segments with contentIds [0, 3], skipping recovery of these"
        " segments",
        "[INFO]:-No segments to recover",
    )
    assert (read.outcome, read.skipped_contents) == (Outcome.SKIPPED_RUNNING, (0, 3))


def test_a_differential_recovery_that_failed_is_read() -> None:
    read = of_7(
        "[INFO]:-Obtaining Segment details from coordinator...",
        "[INFO]:-Failed to recover the following segments",
        "[INFO]:- hostname: sdw2; port: 6000; logfile: /home/gpadmin/gpAdminLogs/rsync.x.dbid4.out;"
        " recoverytype: differential",
        "[ERROR]:-gprecoverseg differential recovery failed. Please check the gpsegrecovery.py log file and rsync log"
        " file for more details.",
    )
    assert read.outcome is Outcome.SOME_FAILED
    assert [failed.type for failed in read.failed] == [RecoveryType.DIFFERENTIAL]


def test_a_recovery_that_was_not_even_begun_names_the_reason() -> None:
    read = of_7(
        "[INFO]:-Failed to setup recovery for the following segments",
        "[ERROR]:- hostname: sdw4; port: 6000; error: for segment with port 6000: Segment directory '/data/a' exists",
        "[ERROR]:-gprecoverseg error: ",
    )
    assert read.outcome is Outcome.ERROR
    assert [failed.error is not None for failed in read.failed] == [True]


def test_a_rebalance_that_the_replay_lag_forbids_is_an_error() -> None:
    read = of_7(
        "[INFO]:-Determining primary and mirror segment pairs to rebalance",
        "[INFO]:-Allowed replay lag during rebalance is 10 GB",
        "[CRITICAL]:-gprecoverseg failed. (Reason='56780000000 bytes of wal is still to be replayed on mirror with dbid"
        " 2, let mirror catchup on replay then trigger rebalance.') exiting...",
    )
    assert read.outcome is Outcome.ERROR
    assert "56780000000 bytes" in read.errors[-1]


def test_the_options_are_those_that_the_help_describes() -> None:
    help_text = next(run for run in runs("gp6", "gprecoverseg") if "--help" in run.command).stdout
    options = gprecoverseg.parse_help(help_text)
    assert {"-a", "-F", "-i", "-o", "-p", "-r", "-s", "-B", "-b", "--no-progress", "--hba-hostnames"} <= options
    assert "--differential" not in options
    assert "--differential" in gprecoverseg.parse_help(help_text + "\n--differential\nOptional. Copy what differs.\n")
    assert {"-?", "-h", "--help"} <= gprecoverseg.parse_help("-? | -h | --help\nDisplays the online help.\n")


def test_a_help_without_options_is_unreadable() -> None:
    with pytest.raises(UnreadableOutput):
        gprecoverseg.parse_help("bash: gprecoverseg: command not found\n")


def test_the_arguments_of_each_recovery() -> None:
    argv = gprecoverseg.recover_argv
    assert argv(Generation.WAL) == argv(Generation.FILEREP) == ("gprecoverseg", "-a")
    assert argv(Generation.WAL, RecoveryType.FULL, "/tmp/a file") == ("gprecoverseg", "-a", "-F", "-i", "/tmp/a file")  # noqa: S108
    assert argv(Generation.WAL, RecoveryType.DIFFERENTIAL) == ("gprecoverseg", "-a", "--differential")
    assert gprecoverseg.rebalance_argv(Generation.FILEREP) == ("gprecoverseg", "-a", "-r")


def test_4_3_is_never_asked_for_a_differential_recovery() -> None:
    with pytest.raises(UnsafeState):
        gprecoverseg.recover_argv(Generation.FILEREP, RecoveryType.DIFFERENTIAL)


def test_differential_and_a_file_are_never_given_together() -> None:
    with pytest.raises(UnsafeState):
        gprecoverseg.recover_argv(Generation.WAL, RecoveryType.DIFFERENTIAL, "/etc/recovery")
