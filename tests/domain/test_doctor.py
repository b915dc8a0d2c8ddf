"""The doctor's table, and what becomes of checks that fail."""

from gpmedic.check import Verdict
from gpmedic.doctor import NEEDS, Access, Check, Finding, Seen, examine, findings_json, to_fix
from gpmedic.errors import AccessRefused


def refused() -> Seen:
    raise AccessRefused("It is closed.", "Open it.")


def passed() -> Seen:
    return Seen("It is open.")


def never() -> Seen:
    raise AssertionError("what it needs has failed, and yet it was tried")


def test_every_access_says_what_it_needs_and_waits_only_for_earlier_ones() -> None:
    assert list(NEEDS) == list(Access)
    earlier: set[Access] = set()
    for access, need in NEEDS.items():
        assert need.privilege
        assert set(need.after) <= earlier, access
        earlier.add(access)


def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    checks: dict[Access, Check] = {
        Access.SETTINGS: passed,
        Access.DATABASE: refused,
        Access.GREENPLUM: never,
        Access.ROLE: never,
        Access.SSH: passed,
        Access.DATA_DIRECTORY: never,
        Access.BRAKE: passed,
    }
    found = {finding.access: finding for finding in examine(checks)}
    assert list(found) == list(checks)
    assert to_fix(found.values()) == (Finding(Access.DATABASE, Verdict.FAIL, "It is closed.", "Open it."),)
    assert {access for access, finding in found.items() if finding.verdict is Verdict.PASS} == {
        Access.SETTINGS,
        Access.SSH,
        Access.BRAKE,
    }
    assert "it needs: database session" in found[Access.GREENPLUM].detail
    assert "it needs: Greenplum" in found[Access.ROLE].detail


def test_a_warning_stops_nothing_and_what_is_not_used_stops_what_needs_it() -> None:
    checks: dict[Access, Check] = {
        Access.SETTINGS: lambda: Seen("Odd.", Verdict.WARN),
        Access.SSH: passed,
        Access.PREFECT: lambda: Seen("not used", verdict=None),
        Access.PREFECT_LOGIN: never,
    }
    found = list(examine(checks))
    assert [finding.verdict for finding in found] == [Verdict.WARN, Verdict.PASS, None, None]
    assert not to_fix(found)


def test_what_was_known_before_counts() -> None:
    before = [Finding(Access.PREFECT_LOGIN, Verdict.PASS, "")]
    assert [finding.verdict for finding in examine({Access.WORK_POOL: passed}, before)] == [Verdict.PASS]
    assert [finding.verdict for finding in examine({Access.WORK_POOL: never})] == [None]


def test_a_failing_access_is_one_line_with_the_next_action_whatever_stood_in_it() -> None:
    finding = next(examine({Access.SETTINGS: lambda: Seen("two\nlines\x1b[31m", Verdict.FAIL, "Run: chmod 600 x")}))
    assert finding.line == "FAIL  settings: two lines [31m Next: Run: chmod 600 x"
    (shown,) = findings_json("sales", [finding])["checks"]  # type: ignore[misc]
    assert shown["verdict"] == "fail"
    assert shown["privilege"] == NEEDS[Access.SETTINGS].privilege
    assert findings_json("sales", [finding])["fine"] is False
