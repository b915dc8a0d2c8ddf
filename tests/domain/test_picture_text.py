import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import change, failed_over, healthy, large, mirror_dbid, primary_dbid, probes, resynchronizing
from domain.pictures import EXAMPLES, arbitrary, broken, seen
from gpmedic.picture import Picture, before_and_after, picture
from gpmedic.picture_states import APPEARANCES, State
from gpmedic.picture_text import NARROWEST, Glyphs, Ink, cell_text, picture_text

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SIZES = {"4": (2, 1), "14": (3, 2), "400": (50, 4), "400 on two hosts": (2, 100)}


def words(text: str) -> list[str]:
    """What stands between blanks in the grid, which lies between the first and the second empty line."""
    return [word for line in re.split(r"\n[ |]*\n", text)[1].splitlines()[1:] for word in line.split()]


def test_a_failed_over_segment_is_seen_at_its_host_with_role_state_and_place() -> None:
    assert picture_text(seen(failed_over(healthy(), 0)), width=80).splitlines() == [
        "lab, Greenplum 6.24.3",
        "1 down, 1 not in sync, 2 in switched roles",
        "",
        "host  primaries   mirrors",
        "mdw   CO✓",
        "smdw              SB✓",
        "sdw1  M0↓D⇄ P1✓   M3✓   M4✓",
        "sdw2  P2✓   P3✓   P0≠N⇄ M5✓",
        "sdw3  P4✓   P5✓   M1✓   M2✓",
        "",
        "↓D    1  down: content 0",
        "≠N    1  not in sync, serves without a second copy: content 0",
        "✓    12  up and in sync, in its preferred role",
        "",
        "P acting primary, M acting mirror, then the content; CO coordinator, SB standby.",
        "A segment stands where its preferred role puts it.",
        "⇄ acts in the other role than the preferred one.",
    ]


@pytest.mark.parametrize("glyphs", Glyphs, ids=str)
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_state_is_seen_in_the_grid_and_explained_in_the_legend(example: str, glyphs: Glyphs) -> None:
    drawn, dbid, state = EXAMPLES[example]
    cell = next(c for c in drawn.cells if c.dbid == dbid)
    text = picture_text(drawn, width=120, glyphs=glyphs)
    assert cell_text(cell, glyphs) in words(text)
    assert APPEARANCES[state].words in text
    assert text.isascii() or glyphs is Glyphs.UNICODE


@pytest.mark.parametrize("glyphs", Glyphs, ids=str)
def test_no_two_states_look_alike_without_colour(glyphs: Glyphs) -> None:
    healthy_cell = seen(healthy()).hosts[2].primaries[0]
    by_state = [next((c for c in p.cells if c.dbid == dbid), healthy_cell) for p, dbid, _ in EXAMPLES.values()]
    looks = {c.state: cell_text(c, glyphs)[len(c.name) :].rstrip("~⇄") for c in by_state}
    assert len(set(looks.values())) == len(looks) == len(State)


def test_symbols_take_one_column_of_a_terminal() -> None:
    assert all(unicodedata.east_asian_width(looks.symbol) not in "WF" for looks in APPEARANCES.values())
    assert all(len(looks.symbol) == 1 and looks.letter.isascii() for looks in APPEARANCES.values())


def test_progress_stands_behind_the_mirror_that_catches_up() -> None:
    cluster = resynchronizing(healthy(), 2)
    text = picture_text(picture(cluster, probes(cluster), {mirror_dbid(2): 42.7}))
    assert "M2↻R42%" in words(text)
    assert "P2↻R" in words(text)


def test_colours_add_nothing_but_colour() -> None:
    drawn = broken(5, 2)
    inked = picture_text(drawn, ink=Ink.ANSI)
    assert ESCAPE.sub("", inked) == picture_text(drawn)
    for looks in (APPEARANCES[State.DOWN], APPEARANCES[State.HEALTHY]):
        assert ";".join(str(int(looks.colour[i : i + 2], 16)) for i in (1, 3, 5)) in inked


@pytest.mark.parametrize("glyphs", Glyphs, ids=str)
@pytest.mark.parametrize("width", [NARROWEST, 80, 100, 120])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_line_is_longer_than_the_terminal_and_no_segment_is_left_out(size: str, width: int, glyphs: Glyphs) -> None:
    drawn = broken(*SIZES[size])
    text = picture_text(drawn, width=width, glyphs=glyphs)
    assert max(map(len, text.splitlines())) <= width
    shown = words(text)
    assert all(shown.count(cell_text(cell, glyphs)) == 1 for cell in drawn.cells)


def test_400_segments_on_50_hosts_take_a_line_a_host() -> None:
    text = picture_text(broken(50, 4), width=100)
    assert len(text.splitlines()) < 70


def test_many_segments_of_a_host_are_folded_into_lines_of_equal_length() -> None:
    lines = picture_text(seen(large(2, 10)), width=60).splitlines()
    sdw1 = lines.index(next(line for line in lines if line.startswith("sdw1")))
    sdw2 = lines.index(next(line for line in lines if line.startswith("sdw2")))
    per_line = [len(line.split()) for line in lines[sdw1:sdw2]]
    assert len(per_line) > 1
    assert per_line[0] - 1 - max(per_line[1:]) <= 1


def test_before_and_after_stand_side_by_side_where_they_fit_and_mark_what_changed() -> None:
    pictures = before_and_after(seen(healthy()), seen(failed_over(healthy(), 0)))
    wide = picture_text(*pictures, width=140)
    row = next(line for line in wide.splitlines() if line.startswith("sdw1"))
    assert row.split(" | ")[1].startswith("sdw1  *M0↓D⇄ P1✓")
    assert row.startswith("sdw1  *P0✓ P1✓")
    assert {m for m in words(wide) if m.startswith("*")} == {"*P0✓", "*M0✓", "*M0↓D⇄", "*P0≠N⇄"}
    narrow = picture_text(*pictures, width=80)
    assert narrow.index("BEFORE: lab") < narrow.index("AFTER: lab")
    assert "|" not in narrow
    assert all("* differs between before and after." in text for text in (wide, narrow))


@pytest.mark.parametrize("width", [60, 120, 200])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_before_and_after_keep_to_the_width_too(size: str, width: int) -> None:
    hosts, primaries = SIZES[size]
    text = picture_text(*before_and_after(seen(large(hosts, primaries)), broken(hosts, primaries)), width=width)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nsdw9  P9✓", "日本語" * 20, "x" * 500, "\u202eevil", ""])
def test_a_hostile_host_name_breaks_neither_line_nor_terminal(name: str) -> None:
    drawn = seen(change(healthy(), primary_dbid(0), hostname=name))
    text = picture_text(drawn, width=80)
    assert "\x1b" not in text
    assert text.replace("\n", "").isprintable()
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) == len(
        picture_text(seen(change(healthy(), primary_dbid(0), hostname="y"))).splitlines()
    )


@given(arbitrary(), st.integers(NARROWEST, 160), st.sampled_from(Glyphs))
def test_whatever_cluster_keeps_to_the_width(drawn: Picture, width: int, glyphs: Glyphs) -> None:
    for text in (
        picture_text(drawn, width=width, glyphs=glyphs),
        picture_text(drawn, drawn, width=width, glyphs=glyphs),
    ):
        assert max(map(len, text.splitlines())) <= width
        assert text.replace("\n", "").isprintable()
    shown = words(picture_text(drawn, width=width, glyphs=glyphs))
    cells = [cell_text(c, glyphs) for c in drawn.cells]
    assert all(shown.count(cell) >= cells.count(cell) for cell in cells)
