"""The picture as SVG: one file that needs no other, in the colours of the reader's screen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape

from gpmedic.picture import Picture
from gpmedic.picture_layout import lay_out
from gpmedic.picture_shapes import DARK, LIGHT, Anchor, Box, Label, Paint, Scene, Shape, Stroke, Theme

# Each takes 0.6 of its size a character, which the layout counts on.
_FONTS: Final = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


def picture_svg(*pictures: Picture) -> str:
    """One picture, or two as before and after."""
    return scene_svg(lay_out(*pictures))


def scene_svg(scene: Scene, say: Callable[[str], str] = str) -> str:
    """The drawing.

    Args:
        say: says its texts in the reader's language.
    """
    width, height = _number(scene.width), _number(scene.height)
    paper = Box(0, 0, scene.width, scene.height, Theme.PAPER, radius=0)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' role="img">',
        f"<title>{_text(say(scene.title))}</title>",
        f"<desc>{_text(say(scene.description))}</desc>",
        f"<style>{_style(LIGHT)}@media (prefers-color-scheme: dark){{{_style(DARK)}}}</style>",
        f'<g font-family="{_FONTS}" stroke-linecap="round" stroke-linejoin="round">',
        *(line for shape in (paper, *scene.shapes) for line in _drawn(shape, say)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _style(colours: Mapping[Theme, str]) -> str:
    return "".join(f".f-{t.value}{{fill:{c}}}.s-{t.value}{{stroke:{c}}}" for t, c in colours.items())


def _drawn(shape: Shape, say: Callable[[str], str]) -> Iterator[str]:
    if isinstance(shape, Box):
        place = f'x="{_number(shape.x)}" y="{_number(shape.y)}" rx="{_number(shape.radius)}"'
        size = f'width="{_number(shape.width)}" height="{_number(shape.height)}"'
        edge = "" if shape.stroke is None else f' stroke-width="{_number(shape.stroke_width)}"'
        dbid = "" if shape.dbid is None else f' data-dbid="{shape.dbid}"'
        told = f"<title>{_text(say(shape.title))}</title>" if shape.title else ""
        yield f"<rect {place} {size} {_painted(shape.fill, shape.stroke)}{edge}{dbid}>{told}</rect>"
    elif isinstance(shape, Label):
        anchor = ' text-anchor="middle"' if shape.anchor is Anchor.MIDDLE else ""
        weight = ' font-weight="bold"' if shape.bold else ""
        # The middle of capitals and digits: about a third of the size above the line that they stand on.
        place = f'x="{_number(shape.x)}" y="{_number(shape.y + shape.size * 0.35)}" font-size="{_number(shape.size)}"'
        yield f"<text {place}{anchor}{weight} {_painted(shape.paint)}>{_text(say(shape.text))}</text>"
    else:
        yield _line(shape)


def _line(stroke: Stroke) -> str:
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in stroke.points)
    return f'<polyline points="{points}" {_painted(None, stroke.paint)} stroke-width="{_number(stroke.width)}"/>'


def _painted(fill: Paint | None, stroke: Paint | None = None) -> str:
    """Classes for the colours of a theme, and its light ones as attributes for readers without style sheets."""
    paints = {"fill": fill, "stroke": stroke}
    classes = " ".join(f"{what[0]}-{paint.value}" for what, paint in paints.items() if isinstance(paint, Theme))
    colours = {what: LIGHT[paint] if isinstance(paint, Theme) else paint for what, paint in paints.items()}
    attributes = [f'{what}="{colour or "none"}"' for what, colour in colours.items() if colour or what == "fill"]
    return " ".join([f'class="{classes}"', *attributes] if classes else attributes)


def _text(text: str) -> str:
    """Characters that XML cannot hold at all are replaced, the others escaped."""
    return escape("".join(c if c.isprintable() else "?" for c in text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
