"""What 7 understands in a recovery configuration file beside what 6 does: derived from its sources, not recorded."""

import pytest

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.gprecoverseg_config import read
from gpmedic.practice.utilities.gprecoverseg_targets import Copy, Refused

FAILED = ("sdw1", "6000", "/data/gpseg0")


@pytest.mark.parametrize(
    ("line", "copy"),
    [
        ("sdw1|6000|/data/gpseg0", None),
        ("host1|sdw1|6000|/data/gpseg0", None),
        ("I|sdw1|6000|/data/gpseg0", Copy.INCREMENTAL),
        ("D|sdw1|6000|/data/gpseg0", Copy.DIFFERENTIAL),
        ("F|host1|sdw1|6000|/data/gpseg0", Copy.FULL),
    ],
)
def test_7_reads_a_type_and_a_host_name_before_the_address(line: str, copy: Copy | None) -> None:
    (row,) = read(f"# comment\n{line}\n", "/f", Release.V7)
    assert (row.failed, row.new, row.copy) == (FAILED, (), copy)


def test_7_reads_two_groups_with_host_names() -> None:
    (row,) = read("host1|sdw1|6000|/data/gpseg0 host4|sdw4|6001|/data/gpseg0\n", "/f", Release.V7)
    assert (row.failed, row.new) == (FAILED, ("sdw4", "6001", "/data/gpseg0"))


def test_6_refuses_what_only_7_understands() -> None:
    with pytest.raises(Refused, match="expected 3 parts on failed segment group, obtained 4"):
        read("I|sdw1|6000|/data/gpseg0\n", "/f", Release.V6)
