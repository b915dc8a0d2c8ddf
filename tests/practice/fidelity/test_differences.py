"""Every recorded call of a utility is compared with its stand-in, or the table of differences says why not."""

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.practice.fidelity import (
    test_gpinitstandby_fidelity,
    test_gprecoverseg_fidelity,
    test_gprecoverseg_lock_fidelity,
    test_gpstate_fidelity,
    test_gpstop_fidelity,
    test_options_fidelity,
)
from tests.practice.fidelity.calls import UTILITIES, Outcome, calls, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Difference, Table, What, listed
from tests.transcripts import Step, recordings


class Comparison(NamedTuple):
    """Which runs are the business of one file of fidelity tests, and how it gets the two sides."""

    runs: list[Step]
    rendered: Callable[[Step, Table], Outcome]
    recorded: Callable[[Step, Table], Outcome]


COMPARISONS = tuple(
    Comparison(file.RUNS, file.rendered, file.recorded)
    for file in (
        test_gpstate_fidelity,
        test_gprecoverseg_fidelity,
        test_gprecoverseg_lock_fidelity,
        test_gpstop_fidelity,
        test_gpinitstandby_fidelity,
        test_options_fidelity,
    )
)
PRINTED_BY_A_UTILITY = re.compile(rf"^\d{{8}}:\d\d:\d\d:\d\d:\d{{6}} (?:{'|'.join(UTILITIES)}):", re.M)


def equal(comparison: Comparison, step: Step, table: Table) -> bool:
    """Whether the stand-in does what was recorded; an option that it refuses is one difference more."""
    try:
        return comparison.rendered(step, table) == comparison.recorded(step, table)
    except SystemExit:
        return False


def test_every_recorded_call_is_compared_once_unless_it_is_listed_as_different() -> None:
    times = Counter(str(step) for comparison in COMPARISONS for step in comparison.runs)
    assert [str(step) for step in calls() if times[str(step)] != 1] == [], "Compare them, or list them with the reason."
    assert times.keys() == {str(step) for step in calls()}


def test_what_a_utility_has_printed_is_never_taken_for_something_else() -> None:
    """But for gpinitsystem, which has no stand-in: it ends by running gpstart."""
    recorded = [*recordings("gp6"), *recordings("gp4")]
    printed = [step for step in recorded if PRINTED_BY_A_UTILITY.search(step.stdout)]
    assert [str(step) for step in printed if not utility_of(step)] == ["j-cluster-without-mirrors/01-gpinitsystem"]


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: f"{row.where} {row.what.name}")
def test_a_row_is_of_a_recorded_call_and_says_why(row: Difference) -> None:
    assert row.where in UTILITIES or row.where in [str(step) for step in calls()]
    assert row.reason.endswith(".")
    assert bool(row.lines) == (row.what is What.LINES)


def concerned(row: Difference) -> list[tuple[Comparison, Step]]:
    return [
        (comparison, step)
        for comparison in COMPARISONS
        for step in comparison.runs
        if row.where in (str(step), utility_of(step)) and (row.what is What.RUN or not listed(step, What.RUN))
    ]


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: f"{row.where} {row.what.name}")
def test_without_a_row_a_stand_in_and_a_recording_would_differ(row: Difference) -> None:
    without = tuple(other for other in DIFFERENCES if other is not row)
    both = [equal(comparison, step, without) for comparison, step in concerned(row)]
    assert not all(both), "It has become equal: take it off the table."
