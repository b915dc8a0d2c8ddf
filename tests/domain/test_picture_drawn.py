"""SVG and PNG: one layout, two ways of drawing it."""

import io
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from PIL import Image

from domain.clusters import change, failed_over, healthy, large, mirror_dbid, primary_dbid, probes, resynchronizing
from domain.pictures import EXAMPLES, arbitrary, broken, seen
from gpmedic.picture import Cell, Picture, before_and_after, picture
from gpmedic.picture_cells import text_width
from gpmedic.picture_hosts import ascii_text
from gpmedic.picture_layout import lay_out
from gpmedic.picture_png import LONGEST_SIDE, picture_png, scale_of
from gpmedic.picture_shapes import DARK, LIGHT, MARKS, Anchor, Box, Label, Scene, Stroke, Theme
from gpmedic.picture_states import APPEARANCES, State, luminance
from gpmedic.picture_svg import picture_svg

SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"4": (2, 1), "14": (3, 2), "400": (50, 4), "400 on two hosts": (2, 100)}
Area = tuple[float, float, float, float]


def cells(scene: Scene) -> list[Box]:
    return [shape for shape in scene.shapes if isinstance(shape, Box) and shape.dbid is not None]


def area(shape: Box | Label) -> Area:
    """Left, top, right, bottom of what is drawn."""
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    width = min(text_width(shape.text, shape.size), shape.room)
    left = shape.x - width / 2 if shape.anchor is Anchor.MIDDLE else shape.x
    return left, shape.y - shape.size / 2, left + width, shape.y + shape.size / 2


def extent(stroke: Stroke) -> Area:
    across, down = [x for x, _ in stroke.points], [y for _, y in stroke.points]
    return min(across), min(down), max(across), max(down)


def overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(one: Area, other: Area) -> bool:
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] + 0.5 and one[3] <= other[3]


@cache
def image_of(*pictures: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture_png(*pictures))).convert("RGB")


def colours(text: str) -> tuple[int, ...]:
    return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))


def cell_of(drawn: Picture, dbid: int) -> Cell:
    return next(c for c in drawn.cells if c.dbid == dbid)


def assert_readable(scene: Scene) -> None:
    """Nothing lies over anything else, and nothing leaves the picture."""
    paper = (0.0, 0.0, scene.width, scene.height)
    boxes = [area(b) for b in cells(scene)]
    labels = [area(s) for s in scene.shapes if isinstance(s, Label) and s.text]
    assert all(inside(a, paper) for a in (*boxes, *labels))
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2))
    assert not any(overlap(a, b) for a, b in combinations(labels, 2))
    assert all(inside(label, box) for label in labels for box in boxes if overlap(label, box))
    symbols = [extent(s) for s in scene.shapes if isinstance(s, Stroke)]
    assert not any(overlap(symbol, label) for symbol in symbols for label in labels)
    assert all(inside(symbol, box) for symbol in symbols for box in boxes if overlap(symbol, box))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_cell_and_no_word_lies_over_another(size: str) -> None:
    drawn = broken(*SIZES[size])
    scene = lay_out(drawn)
    assert_readable(scene)
    assert sorted(b.dbid for b in cells(scene) if b.dbid is not None) == sorted(c.dbid for c in drawn.cells)


@pytest.mark.parametrize("size", ["14", "400"])
def test_nor_do_they_before_and_after(size: str) -> None:
    hosts, primaries = SIZES[size]
    scene = lay_out(*before_and_after(seen(large(hosts, primaries)), broken(hosts, primaries)))
    assert_readable(scene)
    frames = [area(s) for s in scene.shapes if isinstance(s, Box) and s.fill is None]
    assert all(inside(box, frame) for box in map(area, cells(scene)) for frame in frames if overlap(box, frame))


@settings(max_examples=25)
@given(arbitrary())
def test_nothing_overlaps_whatever_the_cluster_is(drawn: Picture) -> None:
    scene = lay_out(drawn)
    assert_readable(scene)
    assert sorted(b.dbid for b in cells(scene) if b.dbid is not None) == sorted(c.dbid for c in drawn.cells)
    assert_readable(lay_out(*before_and_after(drawn, drawn)))


@pytest.mark.parametrize(("size", "width", "height"), [("4", 1200, 900), ("14", 1200, 1200), ("400", 4096, 2600)])
def test_a_picture_is_of_a_size_that_is_sent_and_read(size: str, width: int, height: int) -> None:
    png = picture_png(broken(*SIZES[size]))
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.width <= width
    assert image.height <= height
    assert len(png) < 1_000_000
    assert 0.9 < image.width / image.height < 2


@pytest.mark.parametrize("size", ["4", "14", "400"])
def test_the_smallest_writing_is_still_large_enough(size: str) -> None:
    scene = lay_out(broken(*SIZES[size]))
    smallest = min(s.size for s in scene.shapes if isinstance(s, Label))
    assert smallest * scale_of(scene) >= 16, "pixels"


def test_a_picture_of_thousands_of_segments_is_reduced_to_what_can_be_opened() -> None:
    scene = lay_out(seen(large(300, 8)))
    assert max(scene.width, scene.height) * scale_of(scene) <= LONGEST_SIDE


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_pixels_of_a_cell_have_the_colour_of_its_state(example: str) -> None:
    drawn, dbid, state = EXAMPLES[example]
    scene, image = lay_out(drawn), image_of(drawn)
    box = next(b for b in cells(scene) if b.dbid == dbid)
    at = (int((box.x + 4) * scale_of(scene)), int((box.y + box.height / 2) * scale_of(scene)))
    assert image.getpixel(at) == colours(APPEARANCES[state].colour)


def test_no_two_states_are_drawn_alike_without_colour() -> None:
    """The symbol alone, its letter, word and colour left out, differs in a good part of its pixels."""
    symbols: dict[State, list[bool]] = {}
    for drawn, dbid, state in EXAMPLES.values():
        scene, image = lay_out(drawn), image_of(drawn)
        box = next(b for b in cells(scene) if b.dbid == dbid)
        middle = 0.5 if APPEARANCES[state].letter == "." else 0.32
        left, top = box.x + 14 - 8, box.y + box.height * middle - 8
        cut = image.crop(tuple(round(v * scale_of(scene)) for v in (left, top, left + 16, top + 16)))  # type: ignore[arg-type]
        colour = colours(APPEARANCES[state].colour)
        pixels = [cut.getpixel((x, y)) for y in range(cut.height) for x in range(cut.width)]
        symbols[state] = [sum(abs(a - b) for a, b in zip(p, colour, strict=True)) > 150 for p in pixels]  # type: ignore[arg-type]
    assert set(symbols) == set(State)
    for (one, pixels), (other, others) in combinations(symbols.items(), 2):
        differing = sum(a != b for a, b in zip(pixels, others, strict=False))
        assert differing > 40, f"{one} and {other}"


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_cell_tells_its_state_in_a_letter_and_in_a_word(example: str) -> None:
    drawn, dbid, state = EXAMPLES[example]
    scene = lay_out(drawn)
    box = next(b for b in cells(scene) if b.dbid == dbid)
    told = [s.text for s in scene.shapes if isinstance(s, Label) and inside(area(s), area(box))]
    assert cell_of(drawn, dbid).name in told
    assert APPEARANCES[state].tag in told
    assert APPEARANCES[state].letter in (".", *told)
    assert any(APPEARANCES[state].words in s.text for s in scene.shapes if isinstance(s, Label)), "the legend"


def test_every_state_has_a_symbol() -> None:
    assert set(MARKS) == set(State)
    assert len(set(MARKS.values())) == len(State)


def test_progress_stands_in_the_cell_large_or_small() -> None:
    for cluster, dbid in ((resynchronizing(healthy(), 2), mirror_dbid(2)), (resynchronizing(large(50, 4), 2), 204)):
        drawn = picture(cluster, probes(cluster), {dbid: 42.0})
        box = next(b for b in cells(lay_out(drawn)) if b.dbid == dbid)
        told = [s.text for s in lay_out(drawn).shapes if isinstance(s, Label) and inside(area(s), area(box))]
        assert any("42%" in text for text in told)


def test_before_and_after_frame_exactly_what_changed() -> None:
    pictures = before_and_after(seen(healthy()), seen(failed_over(healthy(), 3)))
    scene = lay_out(*pictures)
    frames = [area(s) for s in scene.shapes if isinstance(s, Box) and s.fill is None]
    framed = [b.dbid for b in cells(scene) if any(inside(area(b), frame) for frame in frames)]
    assert sorted(d for d in framed if d is not None) == sorted([primary_dbid(3), mirror_dbid(3)] * 2)
    assert any("differs" in s.text for s in scene.shapes if isinstance(s, Label))


def test_a_segment_is_found_again_at_its_place_after_the_change() -> None:
    scene = lay_out(*before_and_after(seen(healthy()), seen(failed_over(healthy(), 3))))
    places: dict[int | None, list[Box]] = {}
    for box in cells(scene):
        places.setdefault(box.dbid, []).append(box)
    assert len({(b.x - a.x, b.y - a.y, b.width - a.width) for a, b in places.values()}) == 1


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"/><a href="x">', "a&b", "]]>", "\x00\x1b[31m", "\ufffe", "x" * 500]
)
def test_a_hostile_name_stays_a_name_in_the_svg(name: str) -> None:
    hostile = change(healthy(), primary_dbid(0), hostname=name)
    root = ElementTree.fromstring(picture_svg(seen(hostile)))  # noqa: S314  our own
    tame = ElementTree.fromstring(picture_svg(seen(change(healthy(), primary_dbid(0), hostname="tame"))))  # noqa: S314
    assert Counter(e.tag for e in root.iter()) == Counter(e.tag for e in tame.iter())
    assert any(f"on {ascii_text(name)}: acting primary" in (e.text or "") for e in root.iter(f"{SVG}title"))
    assert picture_png(seen(hostile))
    assert_readable(lay_out(seen(hostile)))


def test_the_svg_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    svg = picture_svg(broken(5, 2))
    root = ElementTree.fromstring(svg)  # noqa: S314  our own
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == {
        *("svg", "title", "desc", "style", "g", "rect", "text", "polyline"),
    }
    assert svg.count("http") == 1, "the name space"
    assert not any(word in svg for word in ("href", "url(", "@import", "onload", "<!"))


def test_the_svg_tells_in_words_what_it_shows() -> None:
    root = ElementTree.fromstring(picture_svg(seen(failed_over(healthy(), 3))))  # noqa: S314  our own
    assert root.findtext(f"{SVG}title") == "lab, Greenplum 6.24.3"
    assert "1 down, 1 not in sync" in (root.findtext(f"{SVG}desc") or "")
    told = [rect.findtext(f"{SVG}title") for rect in root.iter(f"{SVG}rect") if rect.get("data-dbid") == "5"]
    assert told == ["M3 (dbid 5) on sdw2: acting mirror, preferred primary; down"]


def test_the_svg_of_before_and_after_is_called_by_both() -> None:
    svg = picture_svg(*before_and_after(seen(healthy()), seen(failed_over(healthy(), 3))))
    told = ElementTree.fromstring(svg).findtext(f"{SVG}title")  # noqa: S314  our own
    assert told == "BEFORE: lab, Greenplum 6.24.3; AFTER: lab, Greenplum 6.24.3"


def test_the_svg_follows_a_dark_screen() -> None:
    svg = picture_svg(seen(healthy()))
    assert "@media (prefers-color-scheme: dark)" in svg
    assert all(f".f-{theme.value}{{fill:{DARK[theme]}}}" in svg for theme in Theme)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_writing_can_be_read_on_a_light_and_on_a_dark_screen(theme: dict[Theme, str]) -> None:
    for ink in (Theme.INK, Theme.FAINT):
        for ground in (Theme.PAPER, Theme.CELL):
            bright, dim = sorted((luminance(theme[ink]), luminance(theme[ground])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, "WCAG AA"


@settings(max_examples=25)
@given(arbitrary())
def test_the_svg_of_whatever_cluster_is_xml_that_names_every_segment_once(drawn: Picture) -> None:
    root = ElementTree.fromstring(picture_svg(drawn))  # noqa: S314  our own
    found = [rect.get("data-dbid") for rect in root.iter(f"{SVG}rect") if rect.get("data-dbid")]
    assert sorted(map(int, filter(None, found))) == sorted(c.dbid for c in drawn.cells)


@settings(max_examples=10)
@given(arbitrary())
def test_the_png_of_whatever_cluster_opens(drawn: Picture) -> None:
    Image.open(io.BytesIO(picture_png(drawn))).verify()


def test_the_same_cluster_gives_the_same_picture() -> None:
    assert picture_png(seen(healthy())) == picture_png(seen(healthy()))
    assert picture_svg(seen(healthy())) == picture_svg(seen(healthy()))


def test_pillow_is_loaded_only_when_a_png_is_drawn() -> None:
    code = "import sys, gpmedic.picture_png, gpmedic.picture_svg; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
