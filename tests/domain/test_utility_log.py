"""Log lines of the utilities are told from everything else by their structure."""

from datetime import datetime

import pytest

from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.utility_log import Level
from tests.domain.recorded import GENERATIONS
from tests.transcripts import runs

LINE = "20261123:08:46:40:010153 gpstate:gp-master:gp4admin-[WARNING]:-Host sdw1 = Down   <<<<<<<<"


def test_a_line_is_read_with_time_pid_utility_host_user_level_and_message() -> None:
    (record,) = utility_log.read(LINE + "\n", "gpstate").records
    assert record.time == datetime(2026, 11, 23, 8, 46, 40)
    assert (record.pid, record.utility, record.host, record.user) == (10153, "gpstate", "gp-master", "gp4admin")
    assert (record.level, record.message) == (Level.WARNING, "Host sdw1 = Down   <<<<<<<<")


def test_a_row_with_arrows_gets_its_indent_back() -> None:
    (record,) = utility_log.read(LINE + "\n", "gpstate").records
    assert record.marked
    assert record.row == "   Host sdw1 = Down"
    assert utility_log.labelled(record) == ("Host sdw1", "Down")


def test_a_line_of_before_host_and_user_were_known_is_read() -> None:
    text = "20261123:11:11:34:001133 gprecoverseg:default-[ERROR]:-already running\n"
    (record,) = utility_log.read(text, "gprecoverseg").records
    assert (record.host, record.user, record.message) == (None, None, "already running")


def test_lines_without_a_prefix_belong_to_the_line_before_them() -> None:
    text = f"Welcome to mdw\n{LINE}\n...\n  more\n{LINE}\n"
    first, second = utility_log.read(text, "gpstate").records
    assert (first.continuation, second.continuation) == (("...", "  more"), ())
    assert first.text == "Host sdw1 = Down   <<<<<<<< ... more"


def test_lines_of_another_utility_and_what_follows_them_are_left_out() -> None:
    foreign = LINE.replace("gpstate", "gpstop").replace(":010153", ":000007")
    (record,) = utility_log.read(f"{LINE}\nmine\n{foreign}\nits own\n", "gpstate").records
    assert record.continuation == ("mine",)


def test_two_runs_of_one_utility_are_not_told_apart_but_refused() -> None:
    with pytest.raises(UnreadableOutput):
        utility_log.read(f"{LINE}\n{LINE.replace(':010153', ':010154')}\n", "gpstate")


def test_a_line_that_has_not_ended_is_kept_apart() -> None:
    log = utility_log.read(f"{LINE}\n{LINE[:60]}", "gpstate")
    assert (len(log.records), log.rest) == (1, LINE[:60])
    with pytest.raises(UnreadableOutput):
        log.finished()


def test_a_log_line_behind_a_prompt_is_read() -> None:
    (record,) = utility_log.read(f"> {LINE}\r\n", "gpstate").records
    assert record.message.startswith("Host sdw1")


def test_a_line_that_only_looks_like_one_is_none() -> None:
    for line in (
        LINE.replace("1123", "1399"),
        LINE.replace("[WARNING]", "[SHOUT]"),
        " " + LINE,
        LINE.replace(":-", ":"),
    ):
        assert utility_log.read(line + "\n", "gpstate").records == ()


def test_other_line_ends_of_unicode_do_not_forge_log_lines() -> None:
    (record,) = utility_log.read(f"{LINE}\u2028{LINE}\x0c{LINE}\n", "gpstate").records
    assert LINE in record.message


@pytest.mark.parametrize("utility", ["gpstate", "gprecoverseg", "gpstop", "gpstart"])
def test_every_line_with_a_prefix_in_every_recording_is_read(utility: str) -> None:
    for run in (run for generation in GENERATIONS for run in runs(generation, utility)):
        prefixed = [line for line in run.stdout.split("\n") if f" {utility}:" in line[24:44] and line[:2] == "20"]
        if ";" not in run.command:
            assert [r.line for r in utility_log.read(run.stdout, utility).records if r.line in prefixed] == prefixed
