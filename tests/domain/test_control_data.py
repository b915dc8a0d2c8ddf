"""What pg_controldata says, read whole or not at all."""

import pytest

from domain.recorded import control_data
from gpmedic.control_data import ControlData, read_control_data

TEXT = """pg_control version number:            9420600
Catalog version number:               301908232
Database system identifier:           7711282943095464301
Database cluster state:               in production
pg_control last modified:             Mon 23 Nov 2026 08:46:56 AM UTC
Latest checkpoint location:           0/17da5180
Prior checkpoint location:            0/10790B88
Latest checkpoint's REDO location:    0/14C21420
Latest checkpoint's TimeLineID:       12
Latest checkpoint's PrevTimeLineID:   12
Minimum recovery ending location:     0/0
Min recovery ending loc's timeline:   0
Maximum data alignment:               8
Database block size:                  32768
"""
CHECKSUM = (
    "{}alculated CRC checksum does not match value stored in {}.\nEither the file is corrupt, or it has a different"
)


def test_what_is_needed_is_read() -> None:
    data = read_control_data(TEXT)
    assert data == ControlData("7711282943095464301", "in production", 12, "0/17DA5180", "0/10790B88")
    assert data.position == 0x17DA5180
    assert ControlData("1", "in production", 1, "2/10").position == (2 << 32) + 16


def test_every_recorded_output_is_read() -> None:
    found = [read_control_data(text) for run in control_data() for text in run.said.values()]
    assert len(found) > 50
    assert None not in found
    assert {data.state for data in found if data} == {"in production", "in archive recovery", "shut down"}


def test_wherever_the_output_is_cut_it_is_not_read() -> None:
    """A position or timeline that lacks its last digit would be another one."""
    whole = TEXT.index("32768")
    assert all(read_control_data(TEXT[:end]) is None for end in range(whole))
    assert read_control_data(TEXT[: whole + 1]) is not None, "the last label only proves that the others are whole"


@pytest.mark.parametrize("label", ["Database system", "Database cluster", "Latest checkpoint location", "TimeLineID"])
def test_output_without_one_of_its_lines_is_not_read(label: str) -> None:
    assert read_control_data("".join(n for n in TEXT.splitlines(keepends=True) if label not in n)) is None


@pytest.mark.parametrize(
    "warning",
    [
        CHECKSUM.format("WARNING: C", "file"),
        CHECKSUM.format("pg_controldata: warning: c", "control file"),
        "WARNING: possible byte ordering mismatch",
        "WARNING: invalid WAL segment size",
    ],
)
def test_nothing_counts_where_it_warns_of_what_it_prints(warning: str) -> None:
    assert read_control_data(f"{warning}\n\n{TEXT}") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0/17da5180", "somewhere"),
        ("TimeLineID:       12", "TimeLineID:       twelve"),
        ("timeline:   0", "timeline:   ?"),
        ("7711282943095464301", "?"),
    ],
)
def test_values_that_cannot_be_are_not_guessed(old: str, new: str) -> None:
    assert read_control_data(TEXT.replace(old, new)) is None


def test_a_promotion_counts_before_its_first_checkpoint() -> None:
    """It writes the new timeline as that of the end of its recovery; the checkpoint is still the last restart point."""
    promoted = read_control_data(TEXT.replace("timeline:   0", "timeline:   13"))
    assert promoted is not None
    assert promoted.timeline == 13


@pytest.mark.parametrize(
    ("state", "wal", "timeline"),
    [
        pytest.param("in archive recovery", "0000000D0000000000000005", 13, id="a mirror has received more"),
        pytest.param("in archive recovery", "0000000B0000000000000005", 12, id="it has old files only"),
        pytest.param("in archive recovery", "0000000D.history", 12, id="that is no WAL file"),
        pytest.param("in production", "0000000D0000000000000005", 12, id="a primary writes its timeline down itself"),
    ],
)
def test_what_a_mirror_has_received_counts_before_its_restart_point(state: str, wal: str, timeline: int) -> None:
    """A mirror whose pair was just rebalanced streams a timeline of which it has no restart point for minutes."""
    data = read_control_data(f"{TEXT.replace('in production', state)}Newest WAL file: {wal}\n")
    assert data is not None
    assert data.timeline == timeline


def test_4_3_tells_no_timeline_of_a_recovery_and_7_no_prior_checkpoint() -> None:
    old = read_control_data(TEXT.replace("Min recovery ending loc's timeline:   0\n", ""))
    new = read_control_data(TEXT.replace("Prior checkpoint location:            0/10790B88\n", ""))
    assert old == read_control_data(TEXT)
    assert new is not None
    assert new.prior == ""
