"""Full copies in place fit, or are refused, by file system."""

from collections.abc import Sequence
from dataclasses import replace

from domain.clusters import V6, healthy
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import COORDINATOR_CONTENT, Role, Segment
from gpmedic.room import Room, TargetDirectory, judge_room
from gpmedic.settings import PolicySettings

GB = 1 << 20  # kB
POLICY = PolicySettings(free_space_percent=10)
MIRRORS = tuple(s for s in healthy(V6).segments if s.role is Role.MIRROR and s.content != COORDINATOR_CONTENT)
ON_SDW1 = tuple(s for s in MIRRORS if s.hostname == "sdw1")


def a_room(free_gb: int = 60, filesystem: str = "/data") -> Room:
    """Where every content holds 10 GB, of which 2 GB are there already, on file systems of 100 GB."""
    targets = {s.content: TargetDirectory(s.datadir, 3, True, filesystem, free_gb * GB, 100 * GB) for s in MIRRORS}
    return Room(targets, {s.content: 10 * GB for s in MIRRORS}, {s.content: 2 * GB for s in MIRRORS})


def judged(targets: Sequence[Segment], room: Room) -> list[Check]:
    checks = list(judge_room(targets, room, POLICY))
    assert all(c.name is CheckName.DISK_SPACE for c in checks)
    assert all(c.next_action for c in checks if c.verdict is not Verdict.PASS)
    return checks


def test_what_is_overwritten_makes_room() -> None:
    [check] = judged(ON_SDW1[:1], a_room(18))
    assert (check.verdict, check.target) == (Verdict.PASS, "/data on sdw1")
    assert check.detail.startswith("8.0 GB needed, 18.0 GB free: 10 % would be left, 10 % wanted")
    [check] = judged(ON_SDW1[:1], replace(a_room(18), target_kb={}))
    assert check.verdict is Verdict.FAIL


def test_a_copy_that_is_smaller_than_what_it_overwrites_frees_nothing_on_paper() -> None:
    room = replace(a_room(9), target_kb={s.content: 50 * GB for s in MIRRORS})
    [check] = judged(ON_SDW1[:1], room)
    assert check.verdict is Verdict.FAIL, "9 % are free, and nothing promises that more will be"


def test_copies_into_one_file_system_are_added_up_and_those_into_two_are_not() -> None:
    assert [c.verdict for c in judged(ON_SDW1, a_room(18))] == [Verdict.FAIL]
    apart = a_room(18)
    targets = {s.content: replace(apart.targets[s.content], filesystem=f"/data{s.content}") for s in ON_SDW1}
    assert [c.verdict for c in judged(ON_SDW1, replace(apart, targets=targets))] == [Verdict.PASS, Verdict.PASS]


def test_each_host_is_judged_by_itself() -> None:
    checks = judged(MIRRORS, a_room(18))
    assert [c.target for c in checks] == ["/data on sdw2", "/data on sdw3", "/data on sdw1"]


def test_what_was_not_told_is_a_warning_that_names_it() -> None:
    whole = a_room()
    one = ON_SDW1[0].content
    sized = {content: kb for content, kb in whole.source_kb.items() if content != one}
    [check] = judged(ON_SDW1, replace(whole, source_kb=sized))
    assert (check.verdict, check.detail) == (Verdict.WARN, f"the size of content {one} could not be told")
    [check] = judged(ON_SDW1[:1], replace(whole, targets={}))
    assert (check.verdict, check.detail) == (Verdict.WARN, "free space could not be told")
    assert check.target == f"{ON_SDW1[0].datadir} on sdw1"
