"""How often a wait looks, and which of its figures are kept."""

import pytest

from gpmedic.pace import FAR, KEPT_AFTER, KEPT_WITHIN, NEAR, Milestones, pause
from gpmedic.sync import ContentProgress, Observation, SyncProgress, advance

CHEAP = 0.001


def progress(*remaining: int | None) -> SyncProgress:
    """A look each second, with so many bytes to go."""
    seen: SyncProgress | None = None
    for at, left in enumerate(remaining):
        seen = advance(seen, Observation(at, (ContentProgress(0, remaining=left, position=at),)))
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        (None, NEAR),
        (progress(100), NEAR),  # one look does not tell how fast it goes
        (progress(None, None), NEAR),  # a generation that does not tell how much is left
        (progress(1000, 0), NEAR),
        (progress(1000, 900, 800), NEAR),
        (progress(3000, 2900, 2800), 2.8),
        (progress(100_000, 99_900), FAR),
        (progress(100, 200), FAR),  # more is written than the mirror takes
    ],
)
def test_a_wait_looks_often_near_the_end_and_seldom_far_from_it(seen: SyncProgress | None, seconds: float) -> None:
    assert pause(seen, CHEAP) == pytest.approx(seconds)


def test_looks_that_are_dear_are_rare() -> None:
    assert pause(None, look_cost=0.08) == 8.0


def test_a_figure_is_kept_for_each_new_point_and_once_a_minute() -> None:
    kept = Milestones()
    assert kept.reached(0.0, 0)
    assert not kept.reached(50.0, KEPT_AFTER - 1)
    assert kept.reached(50.0, KEPT_AFTER)
    assert not kept.reached(50.9, 3 * KEPT_AFTER)
    assert not kept.reached(20.0, 3 * KEPT_AFTER)  # it was further before
    assert not kept.reached(None, 3 * KEPT_AFTER)
    assert kept.reached(20.0, KEPT_AFTER + KEPT_WITHIN)
    assert kept.reached(51.0, 2 * KEPT_AFTER + KEPT_WITHIN)


@pytest.mark.parametrize("hours", [1, 24])
def test_a_long_wait_keeps_a_bounded_number_of_figures(hours: int) -> None:
    kept, seconds = Milestones(), hours * 3600
    # It goes on, flaps by some points, and stands still for the second half.
    figures = [(min(100.0, 200 * at / seconds) - at % 7, at) for at in range(seconds)]
    assert sum(kept.reached(percent, at) for percent, at in figures) <= 100 + seconds / KEPT_WITHIN
