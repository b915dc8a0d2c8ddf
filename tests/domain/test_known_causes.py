"""Which lines of a segment's log name a cause that is known from the field."""

import pytest

from gpmedic.known_causes import KNOWN_CAUSES, known_cause
from gpmedic.table import plain

LINES = (
    '2026-11-02 11:03:09 UTC,,,p411,th0,,,,0,,,seg0,,,,,"FATAL","XX000","could not connect to the primary server: '
    'FATAL:  no pg_hba.conf entry for replication connection from host ""10.1.0.7"", user ""gpadmin"", SSL off"',
    "FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 00000001000000000000001A has already"
    " been removed",
    'PANIC:  could not write to file "pg_wal/xlogtemp.4711": No space left on device',
    'FATAL:  data directory "/data/primary/gpseg1" has invalid permissions',
    'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use',
)


@pytest.mark.parametrize(("line", "cause"), list(zip(LINES, KNOWN_CAUSES, strict=True)))
def test_a_known_line_names_its_cause_whatever_follows_it(line: str, cause: object) -> None:
    told = known_cause(f"LOG:  starting\n{line}\nLOG:  waiting for WAL to become available")
    assert told is not None
    assert told.cause is cause
    assert told.line in plain(line)


def test_the_newest_line_counts_and_an_unknown_one_names_nothing() -> None:
    told = known_cause("\n".join(LINES))
    assert told is not None
    assert told.cause is KNOWN_CAUSES[-1]
    assert known_cause("LOG:  database system is ready to accept read only connections\n") is None


def test_what_a_mirror_said_before_it_streamed_again_is_over() -> None:
    streams = "LOG:  started streaming WAL from primary at 0/C000000 on timeline 1"
    assert known_cause(f"{LINES[1]}\n{streams}\nLOG:  received fast shutdown request") is None
    told = known_cause(f"{streams}\n{LINES[1]}")  # as while it tries again and again
    assert told is not None
    assert told.cause is KNOWN_CAUSES[1]


def test_what_a_primary_says_of_a_mirror_that_has_asked_it_in_vain_is_not_its_own_trouble() -> None:
    assert known_cause("ERROR:  requested WAL segment 00000001000000000000001A has already been removed") is None


def test_a_line_of_a_log_cannot_write_on_the_terminal() -> None:
    told = known_cause("\x1b[2Jno pg_hba.conf entry for replication connection from host x\x07")
    assert told is not None
    assert told.line.isprintable()
