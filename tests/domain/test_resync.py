"""How the mirrors caught up is kept in few samples, however long it takes, and drawn."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.incidents import at, caught_up
from gpmedic.picture_png import scene_png
from gpmedic.picture_shapes import Label, Stroke
from gpmedic.picture_svg import scene_svg
from gpmedic.resync import MOST_SAMPLES, Sample, Wait, thinned, waits, with_sample
from gpmedic.resync_chart import WIDTH, resync_chart


def test_of_a_wait_of_many_hours_few_samples_are_kept_spread_evenly() -> None:
    samples: tuple[Sample, ...] = ()
    for second in range(0, 40_000, 40):
        samples = with_sample(samples, Sample(at(second), 1, 40_000 - second))
        assert len(samples) <= MOST_SAMPLES
    assert (samples[0].at, samples[-1].at) == (at(0), at(39_960))
    steps = [(b.at - a.at).total_seconds() for a, b in pairwise(samples)]
    assert len(samples) > MOST_SAMPLES / 4
    assert max(steps) <= 2 * sorted(steps)[len(steps) // 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 3600), st.booleans()),
        max_size=120,
    )
)
def test_thinning_keeps_the_order_the_newest_and_both_ends_of_every_wait(drawn: list[tuple[int, bool]]) -> None:
    samples: tuple[Sample, ...] = ()
    every: list[Sample] = []
    now = 0
    for gap, done in drawn:
        now += gap
        wait = 1 if not every else every[-1].wait + (every[-1].contents == 0)
        every.append(Sample(at(now), 0 if done else 2, 7, wait=wait))
        samples = with_sample(samples, every[-1])
    few = thinned(samples, most=30)
    assert len(few) <= 30
    assert list(few) == sorted(few, key=lambda s: (s.wait, s.at))
    assert few[-1:] == samples[-1:]
    ends = {s for wait in waits(every) for s in (wait.samples[0], wait.samples[-1])}
    if len(ends) <= 15:
        assert ends <= set(few)


def test_the_end_of_a_wait_begins_the_next_one() -> None:
    first, second = waits(caught_up((0, 10, 1000), (60, 5, 100)))
    assert (first.seconds, first.largest, first.finished, first.mean_rate) == (10, 1000, True, 100)
    assert (second.seconds, second.largest, second.highest_rate) == (5, 100, 20)
    assert not Wait(second.samples[:-1]).finished


def test_a_wait_that_tells_no_figure_has_none() -> None:
    silent = Wait((Sample(at(0), 2), Sample(at(5), 0)))
    assert (silent.largest, silent.mean_rate, silent.highest_rate) == (None, None, None)
    assert resync_chart(silent.samples) is None


def words(of: object) -> str:
    assert of is not None
    return " ".join(s.text for s in of.shapes if isinstance(s, Label))  # type: ignore[attr-defined]


def test_the_chart_shows_bytes_and_rate_and_is_told_to_those_who_cannot_see_it() -> None:
    chart = resync_chart(caught_up((0, 100, 1000), (200, 100, 500)))
    assert chart is not None
    assert chart.width == pytest.approx(WIDTH)
    for told in ("bytes still to come", "1000 B", "500 B", "replayed or copied a second", "09:00:00", "09:05:00"):
        assert told in words(chart)
    assert chart.description.startswith("Wait 1: done after 1 min 40 s, 1000 B to come at most, 10 B/s on average.")
    svg = scene_svg(chart)
    assert "<title>How the mirrors caught up</title>" in svg
    assert "<desc>Wait 1" in svg
    assert scene_png(chart).startswith(b"\x89PNG")


def test_where_only_percents_are_told_as_on_4_3_they_are_drawn() -> None:
    samples = tuple(replace(s, remaining=None, rate=None) for s in caught_up((0, 10, 1000)))
    assert "percent still to come" in words(resync_chart(samples))
    assert "a second" not in words(resync_chart(samples))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 2**50) | st.none(), st.booleans()), min_size=1, max_size=60
    )
)
def test_every_line_and_label_stays_within_the_chart(drawn: list[tuple[int, int | None, bool]]) -> None:
    samples: tuple[Sample, ...] = ()
    now = at(0)
    for gap, left, done in drawn:
        now += timedelta(seconds=gap)
        rate = None if left is None else left / 7
        samples = with_sample(samples, Sample(now, 0 if done else 1, left, None, rate))
    chart = resync_chart(samples)
    if chart is None:
        assert all(s.remaining is None for s in samples)
        return
    for shape in chart.shapes:
        if isinstance(shape, Stroke):
            assert all(0 <= x <= chart.width and 0 <= y <= chart.height for x, y in shape.points)
    assert not re.search(r"nan|inf", scene_svg(chart))
