"""A drawing as a PDF of one page, whose text can be selected and searched.

Fonts: FiraGO and Noto Sans, which ship with ``pymupdf-fonts``, are embedded; for Chinese, Japanese and Korean the page
names a font that PDF readers have. A character that none of them has is written as its number, ``[U+1F526]``.
"""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import groupby

import numpy as np
from pymupdf_fonts import fontbuffers
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from viz.export.drawing import Box, Cells, Curve, Drawing, Item, Line, Text, hexadecimal
from viz.export.provenance import Provenance
from viz.export.svg import MOST_RECTANGLES, png

POINTS = 0.75  # a CSS pixel
MAIN, OTHERS = "figo", ("notos",)
ASIAN = {"gbk": "STSong-Light", "cp949": "HYSMyeongJo-Medium"}
"""Fonts that PDF readers have, by the encoding whose characters are in them: Chinese with kana, and Korean."""
SPELLED = {"␣": "_", "⇥": "[tab]", "␍": "[CR]", "⍽": "[nbsp]", "⟨": "‹", "⟩": "›"}
Run = tuple[str, str]
"""A text and the font that has all of its characters."""


def pdf(drawing: Drawing, made: Provenance) -> bytes:
    """The drawing as a PDF; what it was made from is also in the properties of the document."""
    _fonts()
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(drawing.width * POINTS, drawing.height * POINTS), pageCompression=1)
    canvas.setTitle(drawing.title)
    canvas.setCreator("Headlight")
    canvas.setSubject(_storable(drawing.description))
    canvas.setKeywords(_storable(json.dumps(made.items(), ensure_ascii=False)))
    canvas.scale(POINTS, -POINTS)  # pixels, and y goes down
    canvas.translate(0, -drawing.height)
    canvas.setFillColor(HexColor(drawing.background))
    canvas.rect(0, 0, drawing.width, drawing.height, stroke=0, fill=1)
    for item in drawing.items:
        _draw(canvas, item)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw(canvas: Canvas, item: Item) -> None:
    canvas.saveState()
    match item:
        case Box():
            if item.fill:
                canvas.setFillColor(HexColor(item.fill))
            if item.stroke:
                canvas.setStrokeColor(HexColor(item.stroke))
                canvas.setLineWidth(2)
            canvas.rect(
                item.x, item.y, item.width, item.height, stroke=int(bool(item.stroke)), fill=int(bool(item.fill))
            )
        case Curve():
            canvas.setStrokeColor(HexColor(item.colour))
            canvas.setStrokeAlpha(item.opacity)
            canvas.setLineWidth(item.width)
            canvas.bezier(*(number for point in item.points for number in point))
        case Line():
            canvas.setStrokeColor(HexColor(item.colour))
            canvas.setLineWidth(1)
            canvas.line(*item.start, *item.end)
        case Text():
            _write(canvas, item)
        case Cells() if item.gap and item.colours[..., 0].size <= MOST_RECTANGLES:
            _tile(canvas, item)
        case Cells():
            canvas.translate(item.x, item.y + item.height)
            canvas.scale(1, -1)
            canvas.drawImage(ImageReader(io.BytesIO(_enlarged(item))), 0, 0, item.width, item.height)
    canvas.restoreState()


def _tile(canvas: Canvas, item: Cells) -> None:
    rows, columns, _ = item.colours.shape
    width, height = item.width / columns, item.height / rows
    for row, column in np.ndindex(rows, columns):
        canvas.setFillColor(HexColor(hexadecimal(item.colours[row, column])))
        canvas.rect(item.x + column * width, item.y + row * height, width - 1, height - 1, stroke=0, fill=1)


def _enlarged(item: Cells) -> bytes:
    """The cells as a PNG in which each is several pixels, so that no reader blurs them into each other."""
    rows, columns, _ = item.colours.shape
    times = max(1, min(16, 512 // max(rows, columns)))
    return png(item.colours.repeat(times, axis=0).repeat(times, axis=1))


def _write(canvas: Canvas, item: Text) -> None:
    runs = _runs(item.text)
    widths = [pdfmetrics.stringWidth(text, font, item.size) for text, font in runs]
    canvas.setFillColor(HexColor(item.colour))
    canvas.translate(item.x, item.y)
    canvas.scale(1, -1)
    canvas.rotate(-item.turn)
    x = -sum(widths) * {"start": 0, "middle": 0.5, "end": 1}[item.anchor]
    for (text, font), width in zip(runs, widths, strict=True):
        canvas.setFont(font, item.size)
        canvas.drawString(x, -0.35 * item.size, text)
        x += width


def _runs(text: str) -> list[Run]:
    """The text with each character in a font that has it; what is read from right to left stands in that order."""
    placed = [_placed(character) for character in text]
    runs = [("".join(part for part, _ in group), font) for font, group in groupby(placed, key=lambda run: run[1])]
    return [run for part, font in runs for run in _ordered(part, font)]


def _ordered(text: str, font: str) -> list[Run]:
    is_hebrew = groupby(text, key=lambda character: unicodedata.bidirectional(character) in ("R", "AL", "NSM"))
    return [("".join(reversed(list(part))) if backwards else "".join(part), font) for backwards, part in is_hebrew]


def _placed(character: str) -> Run:
    for font in (MAIN, *OTHERS):
        if ord(character) in _fonts()[font].face.charToGlyph:
            return character, font
    if unicodedata.east_asian_width(character) in "WF" and ord(character) < 0x10000:
        for encoding, font in ASIAN.items():
            if _is_in(character, encoding):
                return character, font
    return SPELLED.get(character, f"[U+{ord(character):04X}]"), MAIN


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _fonts() -> Mapping[str, TTFont]:
    """The fonts that are embedded, read and made known once."""
    fonts = {name: TTFont(name, io.BytesIO(fontbuffers[name]())) for name in (MAIN, *OTHERS)}
    for font in (*fonts.values(), *map(UnicodeCIDFont, ASIAN.values())):
        pdfmetrics.registerFont(font)
    return fonts
