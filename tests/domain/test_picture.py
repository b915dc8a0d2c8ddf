from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import (
    CONTENTS,
    STANDBY,
    V43,
    VERSIONS,
    change,
    failed_over,
    healthy,
    large,
    mirror_dbid,
    mirror_down,
    mirrorless,
    primary_dbid,
    probes,
    resynchronizing,
    switched,
)
from domain.pictures import EXAMPLES, SEGMENTS, arbitrary, broken, seen, states
from gpmedic.cluster import Cluster, Role, Status, Version
from gpmedic.picture import Picture, before_and_after, numbers, picture
from gpmedic.picture_hosts import NAME_LENGTH
from gpmedic.picture_states import APPEARANCES, RULES, Emphasis, State, luminance
from gpmedic.probe import ProbeState

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999"}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_segment_is_in_the_state_that_matters_most(example: str) -> None:
    drawn, dbid, state = EXAMPLES[example]
    assert states(drawn)[dbid] is state


def test_every_state_has_an_example_a_rule_and_a_row() -> None:
    assert {state for _, _, state in EXAMPLES.values()} == set(State)
    assert {state for state, _ in RULES} == set(State)
    assert set(APPEARANCES) == set(State)


def test_no_two_states_share_a_symbol_a_letter_or_their_words() -> None:
    for told in ("symbol", "letter", "words"):
        assert len({getattr(looks, told) for looks in APPEARANCES.values()}) == len(State)


def test_colours_are_those_that_colour_blind_people_can_tell_apart() -> None:
    assert {looks.colour for looks in APPEARANCES.values()} <= OKABE_ITO


@pytest.mark.parametrize("state", State, ids=str)
def test_what_stands_on_a_colour_can_be_read(state: State) -> None:
    colour, ink = luminance(APPEARANCES[state].colour), luminance(APPEARANCES[state].contrast)
    assert (max(colour, ink) + 0.05) / (min(colour, ink) + 0.05) >= 4.5, "WCAG AA"


def test_a_mirror_that_cannot_take_over_is_part_of_the_double_fault() -> None:
    drawn, *_ = EXAMPLES["primary dead while its mirror catches up"]
    assert {c.content for c in drawn.cells if c.state is State.DOUBLE_FAULT} == {3}
    assert drawn.headline.startswith("Double fault of content 3")


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_all_is_well_only_where_nothing_is_wrong(version: Version) -> None:
    assert seen(healthy(version)).headline == "All 14 segments are up, in sync and in their preferred roles"
    assert seen(mirrorless(version)).headline == "All 8 segments are up; some have no mirror"
    for cluster in (
        mirror_down(healthy(version), 1),
        failed_over(healthy(version), 1),
        resynchronizing(healthy(version), 1),
        switched(healthy(version), 1),
    ):
        assert not seen(cluster).healthy


@pytest.mark.parametrize("example", [e for e, (p, _, _) in EXAMPLES.items() if not p.healthy], ids=str)
def test_the_headline_names_what_is_wrong(example: str) -> None:
    drawn, *_ = EXAMPLES[example]
    wrong = [t.state for t in drawn.tallies if APPEARANCES[t.state].emphasis is Emphasis.LOUD]
    assert wrong
    assert all(state.value in drawn.headline.lower() for state in wrong)
    assert not drawn.headline.startswith("All ")


def test_a_failed_over_primary_keeps_its_place_and_shows_its_new_role() -> None:
    drawn = seen(failed_over(healthy(), 0))
    host = next(h for h in drawn.hosts if h.name == "sdw1")
    assert [(c.name, c.switched) for c in host.primaries] == [("M0", True), ("P1", False)]


def test_a_host_of_which_no_segment_lives_is_named_first() -> None:
    drawn = broken(5, 2)
    assert drawn.dead_hosts == ("sdw5",)
    assert drawn.headline.startswith("All of host sdw5 is dead, 4 down")
    assert not seen(healthy()).dead_hosts


def test_a_host_is_not_called_dead_for_its_only_segment_or_while_a_mirror_lives_that_cannot_serve() -> None:
    assert not seen(change(healthy(), STANDBY, status=Status.DOWN)).dead_hosts
    cluster = resynchronizing(healthy(), *CONTENTS)
    alike = seen(cluster, {primary_dbid(c): ProbeState.REFUSED for c in CONTENTS})
    assert {c.state for h in alike.hosts[2:] for c in h.cells} == {State.DOUBLE_FAULT}
    assert not alike.dead_hosts


def test_many_dead_hosts_do_not_fill_the_headline() -> None:
    cluster = large(30, 2)
    dark = replace(cluster, segments=tuple(replace(s, status=Status.DOWN) for s in cluster.segments))
    assert "all of 27 more hosts, double fault of contents 0-59" in seen(dark).headline
    assert len(seen(dark).headline) < 200


def test_hosts_stand_in_the_order_in_which_people_count() -> None:
    names = [host.name for host in seen(large(12, 1)).hosts]
    assert names == ["mdw", "smdw", *(f"sdw{n}" for n in range(1, 13))]


@pytest.mark.parametrize(("told", "shown"), [(42.9, 42), (0, 0), (99.99, 99), (100, 100), (-3, 0), (250, 100)])
def test_progress_is_rounded_down_so_that_100_percent_is_the_end(told: float, shown: int) -> None:
    cluster = resynchronizing(healthy(), 2)
    cells = {c.dbid: c for c in picture(cluster, probes(cluster), {mirror_dbid(2): told}).cells}
    assert cells[mirror_dbid(2)].percent == shown
    assert cells[primary_dbid(2)].percent is None


def test_progress_of_what_does_not_resynchronize_or_is_no_number_is_not_shown() -> None:
    told = {mirror_dbid(2): 42.0}
    assert all(c.percent is None for c in picture(healthy(), (), told).cells)
    told = {mirror_dbid(2): float("nan"), primary_dbid(2): float("inf")}
    assert all(c.percent is None for c in picture(resynchronizing(healthy(), 2), (), told).cells)


def test_what_was_not_probed_is_said() -> None:
    assert not seen(healthy()).note
    assert picture(healthy()).note.startswith("6 acting primaries were not probed")
    assert picture(healthy(), probes(healthy())[1:]).note.startswith("1 acting primary was not probed")


def test_hosts_go_by_their_first_label_where_it_tells_them_apart() -> None:
    def named(one: str, other: str) -> list[str]:
        cluster = change(mirrorless(), primary_dbid(0), hostname=one)
        cluster = change(cluster, primary_dbid(1), hostname=other)
        return [h.name for h in seen(cluster).hosts if {c.dbid for c in h.cells} & {primary_dbid(0), primary_dbid(1)}]

    assert named("sdw8.a.example.com", "sdw9.a.example.com") == ["sdw8", "sdw9"]
    assert named("sdw8.a.example", "sdw8.b.example") == ["sdw8.a.example", "sdw8.b.example"]
    assert named("10.0.0.1", "10.0.0.2") == ["10.0.0.1", "10.0.0.2"]
    assert named("x" * 100 + "1", "x" * 100 + "2") == ["xxxxxxxxx..xxxxxxxx1", "xxxxxxxxx..xxxxxxxx2"]
    assert named("x" * 50 + "1" + "x" * 50, "x" * 50 + "2" + "x" * 50) == [
        "xxxxxxxxx..xxxxxxxxx",
        "xxxxxxxx..xxxxxxxx#2",
    ]


def test_before_and_after_mark_exactly_what_changed() -> None:
    before, after = before_and_after(seen(healthy()), seen(failed_over(healthy(), 3)))
    assert (before.caption, after.caption) == ("before", "after")
    for drawn in (before, after):
        assert {c.dbid for c in drawn.cells if c.changed} == {primary_dbid(3), mirror_dbid(3)}


def test_a_segment_that_moved_came_or_went_is_marked_too() -> None:
    moved = change(healthy(), mirror_dbid(3), hostname="sdw9")
    before, after = before_and_after(seen(healthy()), seen(moved))
    assert [c.host for p in (before, after) for c in p.cells if c.changed] == ["sdw1", "sdw9"]
    before, after = before_and_after(seen(mirrorless(V43)), seen(healthy(V43)))
    assert {c.dbid for c in after.cells if c.changed and c.role is Role.MIRROR} == {mirror_dbid(c) for c in range(6)}


@given(arbitrary(), arbitrary())
def test_whatever_changed_is_marked_and_nothing_else(one: Picture, other: Picture) -> None:
    before, after = before_and_after(one, other)
    common = set(one.cells) & set(other.cells)
    for marked in (before, after):
        assert {replace(c, changed=False) for c in marked.cells if not c.changed} == common
    assert before_and_after(one, one)[0] == replace(one, caption="before")


@given(st.lists(SEGMENTS, max_size=30), st.sampled_from(VERSIONS))
def test_every_segment_of_whatever_cluster_appears_exactly_once(drawn, version) -> None:  # type: ignore[no-untyped-def]
    segments = tuple(replace(s, dbid=number) for number, s in enumerate(drawn, 1))
    shown = picture(Cluster("lab", version, segments))
    assert sorted(c.dbid for c in shown.cells) == [s.dbid for s in segments]
    assert sum(t.count for t in shown.tallies) == len(segments)
    names = [h.name for h in shown.hosts]
    assert len(set(names)) == len(names) == len({s.hostname for s in segments})
    assert all(name.isascii() and name.isprintable() and 0 < len(name) <= NAME_LENGTH for name in names)


@given(st.sets(st.integers(0, 40)))
def test_neighbouring_numbers_are_drawn_together_and_none_is_lost(some: set[int]) -> None:
    read = [range(int(s.split("-")[0]), int(s.split("-")[-1]) + 1) for s in numbers(some).split(", ") if s]
    assert [n for span in read for n in span] == sorted(some)


def test_a_probe_that_found_a_mirror_dead_is_shown_although_its_primary_is_well() -> None:
    drawn = seen(healthy(), {mirror_dbid(3): ProbeState.REFUSED})
    assert states(drawn)[mirror_dbid(3)] is State.DEAD
    assert states(drawn)[primary_dbid(3)] is State.HEALTHY
