"""A drawing as pixels, for an animation that every program shows.

The font is FiraGO, which ships with ``pymupdf-fonts``; a character that it lacks is drawn as its empty box.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pymupdf_fonts import fontbuffers

from viz.export.drawing import Box, Cells, Curve, Drawing, Line, Text
from viz.export.pdf import SPELLED

TURNED_ROOM = 4  # around a text that is turned, so that nothing is cut off
ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def raster(drawing: Drawing) -> Image.Image:
    """The drawing, a pixel for each of its own."""
    image = Image.new("RGB", (round(drawing.width), round(drawing.height)), drawing.background)
    draw = ImageDraw.Draw(image)
    for item in drawing.items:
        match item:
            case Box():
                corners = (item.x, item.y, item.x + item.width, item.y + item.height)
                draw.rectangle(corners, fill=item.fill, outline=item.stroke, width=2 if item.stroke else 0)
            case Cells():
                _tile(image, item)
            case Line():
                draw.line((item.start, item.end), fill=item.colour)
            case Text():
                _write(image, draw, item)
            case Curve():
                raise ValueError("lines between tokens are not drawn as pixels")
    return image


def _tile(image: Image.Image, item: Cells) -> None:
    size = max(1, round(item.width)), max(1, round(item.height))
    cells = Image.fromarray(np.ascontiguousarray(item.colours)).resize(size, Image.Resampling.NEAREST)
    image.paste(cells, (round(item.x), round(item.y)))


def _write(image: Image.Image, draw: ImageDraw.ImageDraw, item: Text) -> None:
    text = "".join(SPELLED.get(character, character) for character in item.text)
    font = _font(round(item.size))
    if not item.turn:
        draw.text((item.x, item.y), text, fill=item.colour, font=font, anchor=ANCHORS[item.anchor])
        return
    width, height = round(font.getlength(text)) + TURNED_ROOM, round(1.6 * item.size)
    mask = Image.new("L", (2 * width, 2 * width + height))  # its middle is the place the text turns around
    middle = (width, width + height / 2)
    ImageDraw.Draw(mask).text(middle, text, fill=255, font=font, anchor=ANCHORS[item.anchor])
    mask = mask.rotate(-item.turn, resample=Image.Resampling.BICUBIC, center=middle)
    image.paste(Image.new("RGB", mask.size, item.colour), (round(item.x - middle[0]), round(item.y - middle[1])), mask)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(fontbuffers["figo"]()), size)
