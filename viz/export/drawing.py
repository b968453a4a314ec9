"""What a picture to take along is made of: a few shapes in a plane, which SVG and PDF both can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle, filled or framed. Lengths are in CSS pixels everywhere, y goes down."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A cubic Bézier curve from the first to the last of four points; ``says`` is its weight in words."""

    points: tuple[Point, Point, Point, Point]
    colour: str
    width: float
    opacity: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A thin straight line, one pixel wide."""

    start: Point
    end: Point
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text; ``turn`` is in degrees clockwise around its anchor, ``y`` the middle of small letters."""

    x: float
    y: float
    text: str
    size: float = 12
    colour: str
    anchor: Anchor = "start"
    turn: float = 0
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A table of coloured cells, ``colours`` uint8 ``[row, column, 3]``, with what each of them says.

    ``values``, float ``[row, column]``, are the numbers under the names ``rows`` and ``columns``; ``name`` says
    what they are. With a ``gap``, the background shows between two cells.
    """

    x: float
    y: float
    width: float
    height: float
    colours: np.ndarray
    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str]
    name: str
    gap: bool = False


Item = Box | Curve | Line | Text | Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes from back to front on a ground of one colour."""

    width: float
    height: float
    background: str
    title: str
    description: str
    items: tuple[Item, ...]


def hexadecimal(colour: np.ndarray) -> str:
    """A colour, uint8 ``[3]``, as ``#rrggbb``."""
    return f"#{bytes(colour).hex()}"
