"""A database and a data directory of two clusters: each sign alone is enough."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.clusters import healthy
from gpmedic.same_coordinator import DatabaseSide, HostSide, difference

FILE = ("4711", "/data/master/gpseg-1", "1700000000", "5432")
FILE_OF_4_3 = ("4711", "/data/master/gpseg-1", "  5432001    32768")
DATABASE = DatabaseSide(healthy().coordinator, 1700000000, "\n".join((*FILE, "/tmp", "*", "ready")))  # noqa: S108
HOST = HostSide("pid 4711 of postmaster.pid lives", True, FILE)


@pytest.mark.parametrize("file", [FILE, FILE_OF_4_3])
def test_one_coordinator_seen_from_both_sides_shows_no_difference(file: Sequence[str]) -> None:
    assert difference(replace(DATABASE, pid_file="\n".join(file) + "\n"), replace(HOST, pid_file=file)) is None


def test_a_role_that_may_not_read_files_is_no_difference() -> None:
    assert difference(replace(DATABASE, pid_file=None), HOST) is None


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (replace(HOST, postmaster="the coordinator is stopped"), "the coordinator is stopped"),
        (replace(HOST, is_of_catalog=False), "lies in /data/master/gpseg-1, which is another directory there"),
        (replace(HOST, pid_file=(*FILE[:3], "5433")), "names port 5433, the catalog 5432"),
        (replace(HOST, pid_file=("815", *FILE[1:])), "says ['815', "),
        (replace(HOST, pid_file=FILE_OF_4_3), "'5432001    32768'], that of the database ['4711'"),
        (replace(HOST, pid_file=()), "says [], that"),
    ],
)
def test_each_sign_of_two_coordinators_is_told_by_itself(host: HostSide, words: str) -> None:
    assert words in (difference(DATABASE, host) or "")


def test_where_files_may_not_be_read_their_starts_are_compared() -> None:
    unread = replace(DATABASE, pid_file=None, started=1700000000 + 3600)
    assert "3600 s apart" in (difference(unread, HOST) or "")
    assert difference(replace(unread, started=1700000089), HOST) is None
