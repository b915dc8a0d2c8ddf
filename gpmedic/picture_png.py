"""The picture as PNG, for messages that show no SVG."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Final

from gpmedic.picture import Picture
from gpmedic.picture_layout import lay_out
from gpmedic.picture_shapes import LIGHT, Anchor, Box, Label, Paint, Scene, Theme

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

LONGEST_SIDE: Final = 4096  # pixels
_SHARP: Final = 1.5  # pixels for each of the layout
_FINER: Final = 2  # drawn so much larger and reduced, for Pillow draws edges with steps


def picture_png(*pictures: Picture) -> bytes:
    """One picture, or two as before and after; no side is longer than `LONGEST_SIDE`."""
    return scene_png(lay_out(*pictures))


def scale_of(scene: Scene) -> float:
    """Pixels of the image for each of the layout."""
    return min(_SHARP, LONGEST_SIDE / scene.width, LONGEST_SIDE / scene.height)


def scene_png(scene: Scene) -> bytes:
    from PIL import Image, ImageDraw  # a tenth of a second that `gpmedic status` need not spend

    scale = scale_of(scene)
    size = (max(1, int(scene.width * scale)), max(1, int(scene.height * scale)))
    image = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), LIGHT[Theme.PAPER])
    pen = _Pen(ImageDraw.Draw(image), scale * _FINER)
    for shape in scene.shapes:
        if isinstance(shape, Box):
            pen.box(shape)
        elif isinstance(shape, Label):
            pen.label(shape)
        else:
            pen.line([(x, y) for x, y in shape.points], shape.width, _colour(shape.paint))
    written = io.BytesIO()
    image.resize(size, Image.Resampling.BOX).save(written, "PNG")
    return written.getvalue()


class _Pen:
    """Draws shapes in the layout's pixels."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: float) -> None:
        self.draw, self.scale = draw, scale

    def box(self, box: Box) -> None:
        corners = [box.x, box.y, box.x + box.width, box.y + box.height]
        self.draw.rounded_rectangle(
            [round(c * self.scale) for c in corners],
            box.radius * self.scale,
            fill=None if box.fill is None else _colour(box.fill),
            outline=None if box.stroke is None else _colour(box.stroke),
            width=max(1, round(box.stroke_width * self.scale)) if box.stroke is not None else 0,
        )

    def label(self, label: Label) -> None:
        font = _font(label.size * self.scale)
        wide = font.getlength(label.text)
        if wide > label.room * self.scale:  # in a proportional font a name of capitals may be wider than was counted
            font = _font(label.size * self.scale * label.room * self.scale / wide)
        place = (label.x * self.scale, (label.y + label.size * 0.35) * self.scale)
        anchor = "ms" if label.anchor is Anchor.MIDDLE else "ls"
        stroke = label.size * self.scale / 40 if label.bold else 0.0
        self.draw.text(place, label.text, _colour(label.paint), font, anchor, stroke_width=stroke)

    def line(self, points: list[tuple[float, float]], width: float, colour: str) -> None:
        scaled = [(x * self.scale, y * self.scale) for x, y in points]
        self.draw.line(scaled, colour, max(1, round(width * self.scale)), "curve")
        radius = width * self.scale / 2
        for x, y in (scaled[0], scaled[-1]):
            self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], colour)


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _colour(paint: Paint) -> str:
    return LIGHT[paint] if isinstance(paint, Theme) else paint
