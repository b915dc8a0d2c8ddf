"""Which copy of a content is the current one: a case for each rule, and what the real gprecoverseg copied from."""

from dataclasses import dataclass, replace

import pytest

from domain.clusters import V6, failed_over, healthy, mirror_down, mirrorless, switched
from domain.recorded import control_data
from gpmedic.check import Verdict
from gpmedic.cluster import Cluster, Generation, Mode, Role, Segment, SegmentPair, Status
from gpmedic.control_data import ControlData
from gpmedic.copies import RULES, Comparison, Copy, Current, Presence, compare, inspect
from gpmedic.errors import UnsafeState
from gpmedic.full_copy import require_newer_source
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.precheck_copies import judge_copies
from gpmedic.restart import require_serving_copies

WAL, FILEREP = Generation.WAL, Generation.FILEREP
BOTH_UP, ALONE, PROMOTED, LONE = healthy(), mirror_down(healthy(), 1), failed_over(healthy(), 1), mirrorless()

SERVING = ControlData("71", "in production", 1, "0/500")
STOPPED = replace(SERVING, state="shut down")
FOLLOWING = replace(SERVING, state="in archive recovery", checkpoint="0/400")
STOPPED_MIRROR = replace(FOLLOWING, state="shut down in recovery")
LATER = replace(FOLLOWING, checkpoint="0/600")
NEXT_TIMELINE = replace(SERVING, timeline=2, checkpoint="0/450")
GONE, UNUSABLE, UNREADABLE, NOT_SEEN = Presence.GONE, Presence.UNUSABLE, Presence.UNREADABLE, Presence.NOT_SEEN

Found = ControlData | Presence


def compared(cluster: Cluster, primary: Found, mirror: Found | None, generation: Generation = WAL) -> Comparison:
    pair = next(p for p in cluster.pairs if p.content == 1)
    return compare(pair, copy_of(pair.primary, primary), other(pair, mirror), generation)


def other(pair: SegmentPair, found: Found | None) -> Copy | None:
    if pair.mirror is None or found is None:
        assert pair.mirror is None
        assert found is None
        return None
    return copy_of(pair.mirror, found)


def copy_of(segment: Segment, found: Found) -> Copy:
    if isinstance(found, Presence):
        return Copy(segment, found)
    return Copy(segment, Presence.READ, found)


@dataclass(frozen=True)
class Case:
    cluster: Cluster
    primary: Found
    mirror: Found | None
    current: Current
    reason: str
    generation: Generation = WAL


CASES = (
    Case(LONE, GONE, None, Current.UNKNOWN, "the only copy is lost"),
    Case(LONE, UNUSABLE, None, Current.UNKNOWN, "the only copy is lost"),
    Case(LONE, UNREADABLE, None, Current.UNKNOWN, "the only copy could not be read"),
    Case(LONE, NOT_SEEN, None, Current.UNKNOWN, "the only copy could not be read"),
    Case(LONE, STOPPED, None, Current.PRIMARY, "it is the only copy"),
    Case(ALONE, GONE, UNUSABLE, Current.UNKNOWN, "both copies are lost"),
    Case(BOTH_UP, GONE, GONE, Current.UNKNOWN, "both copies are lost"),
    Case(BOTH_UP, NOT_SEEN, FOLLOWING, Current.UNKNOWN, "proves nothing of what came after"),
    Case(BOTH_UP, GONE, FOLLOWING, Current.UNKNOWN, "proves nothing of what came after"),
    Case(ALONE, UNREADABLE, FOLLOWING, Current.UNKNOWN, "could not be read, and its mirror was behind"),
    Case(ALONE, GONE, NEXT_TIMELINE, Current.UNKNOWN, "could not be read, and its mirror was behind"),
    Case(ALONE, SERVING, replace(FOLLOWING, system="72"), Current.UNKNOWN, "system identifiers differ"),
    Case(BOTH_UP, NEXT_TIMELINE, replace(FOLLOWING, system="72"), Current.UNKNOWN, "system identifiers differ"),
    Case(ALONE, SERVING, NEXT_TIMELINE, Current.MIRROR, "it was promoted although the catalog calls it a mirror"),
    Case(BOTH_UP, SERVING, NEXT_TIMELINE, Current.MIRROR, "it was promoted although the catalog calls it a mirror"),
    Case(PROMOTED, FOLLOWING, NEXT_TIMELINE, Current.MIRROR, "it was promoted although the catalog calls it a mirror"),
    Case(BOTH_UP, SERVING, SERVING, Current.UNKNOWN, "the acting mirror was started as a primary"),
    Case(BOTH_UP, SERVING, STOPPED, Current.UNKNOWN, "the acting mirror was started as a primary"),
    Case(BOTH_UP, FOLLOWING, FOLLOWING, Current.UNKNOWN, "the acting primary was never promoted"),
    Case(BOTH_UP, STOPPED_MIRROR, LATER, Current.UNKNOWN, "the acting primary was never promoted"),
    Case(PROMOTED, NEXT_TIMELINE, SERVING, Current.PRIMARY, "it was promoted after the other failed"),
    Case(ALONE, SERVING, GONE, Current.PRIMARY, "the other copy is lost"),
    Case(BOTH_UP, SERVING, UNUSABLE, Current.PRIMARY, "the other copy is lost"),
    Case(BOTH_UP, SERVING, UNREADABLE, Current.PRIMARY, "synchronized when both failed; the other copy could not be"),
    Case(BOTH_UP, SERVING, FOLLOWING, Current.EITHER, "the acting primary serves"),
    Case(BOTH_UP, SERVING, SERVING, Current.EITHER, "the acting primary serves", FILEREP),
    Case(BOTH_UP, SERVING, LATER, Current.UNKNOWN, "a later checkpoint on the same timeline"),
    Case(ALONE, SERVING, LATER, Current.UNKNOWN, "a later checkpoint on the same timeline"),
    Case(PROMOTED, SERVING, LATER, Current.UNKNOWN, "a later checkpoint on the same timeline"),
    Case(PROMOTED, FOLLOWING, SERVING, Current.PRIMARY, "its checkpoint is only a restart point"),
    Case(PROMOTED, STOPPED_MIRROR, SERVING, Current.PRIMARY, "its checkpoint is only a restart point"),
    Case(ALONE, SERVING, NOT_SEEN, Current.PRIMARY, "it went on alone; the other copy could not be read"),
    Case(ALONE, SERVING, FOLLOWING, Current.PRIMARY, "it went on alone, and nothing contradicts it"),
    Case(ALONE, SERVING, SERVING, Current.PRIMARY, "it went on alone, and nothing contradicts it"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.primary}/{case.mirror}: {case.reason}")
def test_the_current_copy_is_that_of_the_first_rule_that_holds(case: Case) -> None:
    found = compared(case.cluster, case.primary, case.mirror, case.generation)
    assert case.reason in found.reason
    assert found.current is case.current


def test_every_rule_decides_a_case() -> None:
    decided = {compared(c.cluster, c.primary, c.mirror, c.generation).reason for c in CASES}
    assert [rule.reason for rule in RULES if rule.reason not in decided] == []


def test_roles_that_are_switched_change_nothing_about_it() -> None:
    assert compared(switched(BOTH_UP, 1), NEXT_TIMELINE, replace(FOLLOWING, timeline=2)).current is Current.EITHER


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.primary}/{case.mirror}: {case.reason}")
def test_only_a_copy_that_is_proven_current_is_served_or_copied_over_the_other(case: Case) -> None:
    found = compared(case.cluster, case.primary, case.mirror, case.generation)
    for require in (require_serving_copies, require_newer_source):
        if case.current in {Current.MIRROR, Current.UNKNOWN}:
            with pytest.raises(UnsafeState):
                require([found])
        else:
            require([found])


def test_only_copies_that_are_proven_lost_are_called_lost() -> None:
    for found in (UNREADABLE, NOT_SEEN, FOLLOWING):
        assert not compared(ALONE, GONE, found).lost
        assert not compared(ALONE, found, GONE).lost
    assert compared(ALONE, UNUSABLE, GONE).lost
    assert compared(LONE, GONE, None).lost


def test_the_copy_from_which_the_real_gprecoverseg_copied_is_the_current_one_in_every_recording() -> None:
    judged = 0
    for run in control_data():
        rows = [
            Segment(
                r.dbid, r.content, Role(r.role), Role(r.preferred_role), Mode(r.mode), Status(r.status), r.port, r.host,
                r.host, r.datadir,
            )
            for r in run.before
        ]  # fmt: skip
        for pair in Cluster("gp6", V6, tuple(rows)).pairs:
            if pair.mirror is None or pair.mirror.is_up or not {s.dbid for s in pair.segments} <= set(run.said):
                continue
            primary, mirror = (inspect(s, run.said[s.dbid], True) for s in pair.segments)
            assert compare(pair, primary, mirror, WAL).current is Current.PRIMARY
            judged += 1
    assert judged > 20


# What a host says of a copy

MISSING = 'pg_controldata: could not open file "/d/global/pg_control" for reading: No such file or directory'
DENIED = 'pg_controldata: could not open file "/d/global/pg_control" for reading: Permission denied'


@pytest.mark.parametrize(
    ("said", "exists", "presence"),
    [
        (None, None, NOT_SEEN),
        (MISSING, None, NOT_SEEN),
        (None, False, GONE),
        (MISSING, True, UNUSABLE),
        (MISSING.replace("could", "error: could"), True, UNUSABLE),
        (DENIED, True, UNREADABLE),
        ("sh: pg_controldata: not found", True, UNREADABLE),
        ("", True, UNREADABLE),
        (None, True, UNREADABLE),
    ],
)
def test_what_is_lost_is_told_from_what_could_not_be_read(
    said: str | None, exists: bool | None, presence: Presence
) -> None:
    copy = inspect(BOTH_UP.segment(3), said, exists, ["a line"])
    assert (copy.presence, copy.data, copy.history) == (presence, None, ("a line",))


def test_what_an_approval_rests_on_is_what_was_found_of_each_copy() -> None:
    first = compared(ALONE, SERVING, FOLLOWING)
    assert first.covered == (
        "content 1: the acting primary; dbid 3 read, 71 in production 1 0/500;"
        " dbid 9 read, 71 in archive recovery 1 0/400"
    )
    others = [
        compared(ALONE, STOPPED, FOLLOWING),
        compared(ALONE, replace(SERVING, checkpoint="0/501"), FOLLOWING),
        compared(ALONE, replace(SERVING, timeline=2), FOLLOWING),
        compared(ALONE, SERVING, replace(FOLLOWING, checkpoint="0/401")),
        compared(ALONE, SERVING, NOT_SEEN),
        compared(ALONE, SERVING, GONE),
    ]
    assert len({first.covered, *(o.covered for o in others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("primary", "mirror", "verdict"),
    [
        (SERVING, STOPPED_MIRROR, "pass"),
        (NEXT_TIMELINE, SERVING, "pass"),  # what a failover leaves behind
        (SERVING, NEXT_TIMELINE, "fail"),  # promoted after its source, and served
        (SERVING, replace(STOPPED_MIRROR, system="72"), "fail"),
        (SERVING, UNREADABLE, "warn"),
        (NOT_SEEN, STOPPED_MIRROR, "warn"),
        (SERVING, GONE, None),  # there is nothing to rewind
    ],
)
def test_an_incremental_recovery_does_not_rewind_a_copy_that_served_later(
    primary: Found, mirror: Found, verdict: str | None
) -> None:
    checks = list(judge_copies([compared(ALONE, primary, mirror)], RecoveryType.INCREMENTAL))
    assert [c.verdict.value for c in checks] == ([] if verdict is None else [verdict])
    assert all(c.next_action for c in checks if c.verdict.value != "pass")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.primary}/{case.mirror}: {case.reason}")
def test_a_differential_recovery_overwrites_no_copy_that_a_copy_of_its_own_page_would_not(case: Case) -> None:
    """pg_rewind leaves a copy on an equal timeline alone; a differential recovery copies over it all the same."""
    found = compared(case.cluster, case.primary, case.mirror, case.generation)
    checks = list(judge_copies([found], RecoveryType.DIFFERENTIAL))
    if found.mirror is None or found.mirror.presence.lost:
        assert checks == []
        return
    (check,) = checks
    assert (check.verdict is Verdict.FAIL) is (case.current in {Current.MIRROR, Current.UNKNOWN})
