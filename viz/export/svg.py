"""A drawing as SVG: text stays text, and what it was made from travels in it."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from functools import singledispatch

import numpy as np

from viz.export.drawing import Box, Cells, Curve, Drawing, Line, Text, hexadecimal
from viz.export.provenance import Provenance
from viz.look.theme import FONT

MOST_RECTANGLES = 64 * 64
"""A table of more cells is one embedded image of a pixel a cell."""
MOST_NODES = 12_000
REPLACED = "\ufffd"


def svg(drawing: Drawing, made: Provenance, *, most: int = MOST_NODES) -> str:
    """The drawing as a document of its own, with ``<title>``, ``<desc>`` and ``<metadata>`` (JSON).

    The cells are rectangles where all tables together have at most ``most`` of them, else embedded images.
    """
    described = json.dumps(made.items(), ensure_ascii=False)
    n_cells = sum(item.colours[..., 0].size for item in drawing.items if isinstance(item, Cells))
    in_one = MOST_RECTANGLES if n_cells <= most else 0
    parts = [_table(item, in_one) if isinstance(item, Cells) else _shape(item) for item in drawing.items]
    size = f'width="{drawing.width:g}" height="{drawing.height:g}" viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{escaped(FONT)}" font-size="12">',
            f"<title>{escaped(drawing.title)}</title>",
            f"<desc>{escaped(drawing.description)}</desc>",
            f"<metadata>{escaped(described)}</metadata>",
            f'<rect width="100%" height="100%" fill="{drawing.background}"/>',
            *parts,
            "</svg>",
        ]
    )


def escaped(text: str) -> str:
    """Text for XML and HTML; characters that XML forbids become "\ufffd" (XML 1.0, section 2.2)."""
    allowed = "".join(character if _is_allowed(ord(character)) else REPLACED for character in text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        allowed = allowed.replace(character, entity)
    return allowed


def png(colours: np.ndarray) -> bytes:
    """Colours, uint8 ``[row, column, 3]``, as a PNG file of a pixel each (PNG 1.2, sections 3 and 4.1)."""
    rows, columns, _ = colours.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), colours.reshape(rows, -1)], axis=1)  # filter 0: none
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _is_allowed(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


@singledispatch
def _shape(item: object) -> str:
    raise TypeError(f"{type(item).__name__} cannot be drawn")


@_shape.register
def _(item: Box) -> str:
    stroke = f' stroke="{item.stroke}" stroke-width="2"' if item.stroke else ""
    place = f'x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}"'
    return f'<rect {place} fill="{item.fill or "none"}"{stroke} pointer-events="none"/>'


@_shape.register
def _(item: Curve) -> str:
    (x0, y0), *rest = item.points
    path = f"M{x0:g} {y0:g}C" + " ".join(f"{x:g} {y:g}" for x, y in rest)
    line = f'stroke="{item.colour}" stroke-width="{item.width:.3g}" stroke-opacity="{item.opacity:g}"'
    return f'<path class="line" d="{path}" fill="none" {line}><title>{escaped(item.says)}</title></path>'


@_shape.register
def _(item: Line) -> str:
    (x0, y0), (x1, y1) = item.start, item.end
    return f'<line x1="{x0:.6g}" y1="{y0:.6g}" x2="{x1:.6g}" y2="{y1:.6g}" stroke="{item.colour}"/>'


@_shape.register
def _(item: Text) -> str:
    turn = f' transform="rotate({item.turn:g} {item.x:g} {item.y:g})"' if item.turn else ""
    anchor = f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
    weight = ' font-weight="600"' if item.bold else ""
    style = ' style="white-space:pre"'
    place = f'x="{item.x:g}" y="{item.y:g}" dy="0.35em" font-size="{item.size:g}" fill="{item.colour}"'
    return f"<text {place}{anchor}{weight}{turn}{style}>{escaped(item.text)}</text>"


def _table(item: Cells, most: int) -> str:
    if item.colours[..., 0].size > most:
        return _image(item)
    return "\n".join(['<g class="cells" shape-rendering="crispEdges">', *_rectangles(item), "</g>"])


def _rectangles(item: Cells) -> Iterator[str]:
    rows, columns, _ = item.colours.shape
    width, height, gap = item.width / columns, item.height / rows, 1 if item.gap else 0
    for row, column in np.ndindex(rows, columns):
        place = f'x="{item.x + column * width:.6g}" y="{item.y + row * height:.6g}"'
        size = f'width="{width - gap:.6g}" height="{height - gap:.6g}"'
        yield f'<rect {place} {size} fill="{hexadecimal(item.colours[row, column])}"/>'


def _image(item: Cells) -> str:
    place = f'x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}"'
    data = base64.b64encode(png(item.colours)).decode("ascii")
    return (
        f'<image {place} preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>'
    )
