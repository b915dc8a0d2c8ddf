"""What a spare host must have before anything is moved to it: each row once as it should be, once as it should not."""

from dataclasses import replace
from typing import Any

import pytest

from domain.clusters import V6, V7, V43
from domain.test_spare import REQUEST, lost
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Version
from gpmedic.precheck_spare import Reference, judge_spare
from gpmedic.room import TargetDirectory
from gpmedic.settings import PolicySettings
from gpmedic.spare import SpareRequest, lost_segments
from gpmedic.spare_facts import Hop, SpareFacts
from gpmedic.spare_file import from_catalog

REFERENCE = Reference(
    "postgres (Greenplum Database) 6.24.3 build 1", "gpadmin", frozenset({"plr.gppkg", "postgis.gppkg"})
)
GB = 1 << 20  # kB


def spare_of(cluster: Cluster) -> SpareFacts:
    moved = lost_segments(cluster, REQUEST)
    places = tuple(TargetDirectory(s.datadir, 0, True, "/data", 60 * GB, 100 * GB) for s in moved)
    hops = (Hop("sdw4", "sdw2", 0), Hop("sdw2", "sdw4", 0))
    sizes = {s.content: 10 * GB for s in moved}
    ports, packages = frozenset({22}), REFERENCE.packages
    return SpareFacts("sdw4", True, "", "", "gpadmin", REFERENCE.version, 0.0, ports, places, hops, sizes, packages)


def judged(facts: SpareFacts, cluster: Cluster, request: SpareRequest = REQUEST) -> tuple[Check, ...]:
    config = from_catalog(lost_segments(cluster, request), request)
    return judge_spare(config, cluster, facts, REFERENCE, PolicySettings())


def bad(checks: tuple[Check, ...]) -> list[tuple[CheckName, Verdict]]:
    remarkable = [c for c in checks if c.verdict is not Verdict.PASS]
    assert all(c.next_action for c in remarkable)
    return sorted({(c.name, c.verdict) for c in remarkable})


def test_a_good_spare_passes_every_check() -> None:
    checks = judged(spare_of(lost()), lost())
    assert bad(checks) == []
    assert {c.name for c in checks} == {
        CheckName.TWO_HOSTS,
        CheckName.HOST_REACHABLE,
        CheckName.QUIET_SSH,
        CheckName.SAME_VERSION,
        CheckName.SAME_PACKAGES,
        CheckName.SAME_USER,
        CheckName.SSH_BETWEEN,
        CheckName.PORTS_FREE,
        CheckName.DATA_DIRECTORY,
        CheckName.DISK_SPACE,
    }


def places(**fields: Any) -> dict[str, Any]:
    return {"directories": tuple(replace(d, **fields) for d in spare_of(lost()).directories)}


@pytest.mark.parametrize(
    ("fields", "name", "verdict"),
    [
        ({"reachable": False, "detail": "refused"}, CheckName.HOST_REACHABLE, Verdict.FAIL),
        ({"noise": "*** welcome ***"}, CheckName.QUIET_SSH, Verdict.FAIL),
        ({"version": "postgres (Greenplum Database) 6.20.0"}, CheckName.SAME_VERSION, Verdict.FAIL),
        ({"version": ""}, CheckName.SAME_VERSION, Verdict.FAIL),
        ({"packages": frozenset({"plr.gppkg"})}, CheckName.SAME_PACKAGES, Verdict.FAIL),
        ({"packages": None}, CheckName.SAME_PACKAGES, Verdict.FAIL),
        ({"packages": (REFERENCE.packages or frozenset()) | {"madlib.gppkg"}}, CheckName.SAME_PACKAGES, Verdict.WARN),
        ({"user": "root"}, CheckName.SAME_USER, Verdict.FAIL),
        ({"clock_skew": 90.0}, CheckName.CLOCK, Verdict.WARN),
        ({"hops": (Hop("sdw4", "sdw2", 255, "denied"),)}, CheckName.SSH_BETWEEN, Verdict.FAIL),
        ({"hops": (Hop("sdw2", "sdw4", 0, "You have mail."),)}, CheckName.SSH_BETWEEN, Verdict.FAIL),
        ({"hops": ()}, CheckName.SSH_BETWEEN, Verdict.FAIL),
        ({"listening": frozenset({22, 6001})}, CheckName.PORTS_FREE, Verdict.FAIL),
        ({"listening": None}, CheckName.PORTS_FREE, Verdict.WARN),
        (places(entries=3), CheckName.DATA_DIRECTORY, Verdict.FAIL),
        (places(parent_writable=False), CheckName.DATA_DIRECTORY, Verdict.FAIL),
        (places(free_kb=49 * GB), CheckName.DISK_SPACE, Verdict.FAIL),  # 40 GB fit, 10 % are wanted beside them
        (places(free_kb=None), CheckName.DISK_SPACE, Verdict.WARN),
        ({"source_kb": {0: GB}}, CheckName.DISK_SPACE, Verdict.WARN),
    ],
)
def test_what_a_spare_lacks_is_named_with_the_next_action(
    fields: dict[str, Any], name: CheckName, verdict: Verdict
) -> None:
    assert bad(judged(replace(spare_of(lost()), **fields), lost())) == [(name, verdict)]


def test_a_directory_that_was_not_looked_at_is_not_taken_for_an_empty_one() -> None:
    assert (CheckName.DATA_DIRECTORY, Verdict.FAIL) in bad(judged(replace(spare_of(lost()), directories=()), lost()))


def test_both_copies_on_one_host_fail() -> None:
    request = replace(REQUEST, spare="sdw2")
    checks = judged(replace(spare_of(lost()), host="sdw2"), lost(), request)
    assert bad(checks) == [(CheckName.TWO_HOSTS, Verdict.FAIL)]


def test_another_name_of_the_machine_that_holds_the_primary_is_no_second_host() -> None:
    alias = replace(spare_of(lost()), same_machine=frozenset({"sdw2"}))
    assert bad(judged(alias, lost())) == [(CheckName.TWO_HOSTS, Verdict.FAIL)]


def test_the_replication_port_of_4_3_must_be_free_too() -> None:
    checks = judged(replace(spare_of(lost(V43)), listening=frozenset({7001})), lost(V43))
    assert (CheckName.PORTS_FREE, Verdict.FAIL) in bad(checks)


def test_segments_on_several_file_systems_are_counted_by_each() -> None:
    facts = spare_of(lost())
    first, *others = facts.directories
    small = replace(first, filesystem="/ssd", free_kb=15 * GB, total_kb=100 * GB)
    checks = judged(replace(facts, directories=(small, *others)), lost())
    failed = [c for c in checks if c.verdict is Verdict.FAIL]
    assert [c.target for c in failed] == ["/ssd on sdw4"]


def test_what_a_host_says_stays_on_its_line() -> None:
    facts = replace(spare_of(lost()), hops=(Hop("sdw4", "sdw2", 255, "no\n\x1b[2Jway"),))
    assert all(c.detail.isprintable() for c in judged(facts, lost()))


@pytest.mark.parametrize(("version", "verdict"), [(V43, Verdict.PASS), (V6, Verdict.PASS), (V7, Verdict.WARN)])
def test_without_an_archive_of_gppkg_nothing_is_installed_up_to_6_and_a_person_compares_on_7(
    version: Version, verdict: Verdict
) -> None:
    cluster = lost(version)
    facts = replace(spare_of(cluster), packages=None)
    config = from_catalog(lost_segments(cluster, REQUEST), REQUEST)
    checks = judge_spare(config, cluster, facts, replace(REFERENCE, packages=None), PolicySettings())
    (check,) = [c for c in checks if c.name is CheckName.SAME_PACKAGES]
    assert check.verdict is verdict
    assert ("gppkg" in check.next_action) is (verdict is Verdict.WARN)
