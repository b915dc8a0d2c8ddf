"""The picture in a small room: what is wrong is there whatever the size, and nothing stands outside of the room."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import change, failed_over, healthy, large, primary_dbid
from domain.pictures import arbitrary, broken, seen
from gpmedic.cluster import Status
from gpmedic.picture import Picture
from gpmedic.picture_condensed import picture_within
from gpmedic.picture_text import Glyphs, cell_text, picture_text


def test_what_fits_is_the_whole_picture() -> None:
    drawn = seen(failed_over(healthy(), 0))
    assert picture_within(drawn, 80, 24) == picture_text(drawn, width=80)


def test_the_key_is_left_out_before_anything_is_condensed() -> None:
    drawn = seen(failed_over(healthy(), 0))
    text = picture_within(drawn, 80, 14)
    assert picture_text(drawn, width=80).startswith(text)
    assert "mdw" in text


@pytest.mark.parametrize("size", [(80, 24), (80, 12), (200, 50)])
def test_of_400_segments_those_that_are_wrong_are_seen_and_the_others_are_counted(size: tuple[int, int]) -> None:
    cluster = large(50, 4)
    for content in (3, 77):
        cluster = change(cluster, primary_dbid(content), status=Status.DOWN)
    drawn = seen(cluster)
    width, height = size
    text = picture_within(drawn, width, height)
    assert len(text.splitlines()) <= height
    for cell in drawn.cells:
        if cell.dbid in {primary_dbid(3), primary_dbid(77)}:
            assert cell_text(cell) in text
    assert "hosts with" in text or len(picture_text(drawn, width=width).splitlines()) <= height


def test_hosts_that_find_no_room_are_counted_the_worst_are_shown() -> None:
    text = picture_within(broken(50, 4), 80, 8)
    assert len(text.splitlines()) <= 8
    assert "more hosts with" in text


def test_many_words_at_the_top_leave_a_line_to_the_hosts_and_to_the_legend() -> None:
    drawn = replace(broken(50, 4), title="a cluster of a long name " * 20)
    lines = picture_within(drawn, 60, 6).splitlines()
    assert len(lines) <= 6
    assert any("more hosts with" in line for line in lines)


@given(arbitrary(), st.integers(60, 200), st.integers(6, 50), st.sampled_from(Glyphs))
def test_no_line_is_longer_than_the_room_and_there_are_not_more(
    drawn: Picture, width: int, height: int, glyphs: Glyphs
) -> None:
    lines = picture_within(drawn, width, height, glyphs).splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
