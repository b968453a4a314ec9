"""Sizes in pictures of attention, in CSS pixels: of figures and of drawings to take along.

The page's scripts have some of them too; a test compares them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from viz.look.picture import Scale, layer_number

TURN = -45  # degrees clockwise, of the names of columns that do not fit over their cells
GAP_FROM = 7  # cells of so many pixels have a line between them
FAINTEST = 0.02  # a line of less weight is not drawn, or there would be nothing but lines
APART = 3  # the lines of two heads, or equal ones would hide each other
LARGEST_PANEL, PANEL_GAP, MEAN_GAP = 116, 6, 10  # the small heatmaps of all heads; the last before their means
MEASURE_ROW = 34  # a head in the picture of a measure
FEW = 12  # heads in a layer whose values still fit into their cells
ROWS_ARE, COLUMNS_ARE = "query (attends from)", "key (attends to)"
"""What rows and columns of a heatmap are, wherever it stands."""
LEGEND, LEGEND_WIDTH = "attention weight", 300
TICKS: dict[Scale, tuple[float, ...]] = {
    "linear": (0, 0.25, 0.5, 0.75, 1),
    "square root": (0, 0.1, 0.25, 0.5, 1),
    "logarithm": (0.001, 0.01, 0.1, 1),
}
"""The weights that a legend names."""


def named(n: int, size: float, room: float) -> range:
    """Which of ``n`` rows or columns, ``size`` apart, have their names shown, where a name needs ``room``."""
    return range(0, n, math.ceil(room / size))


def panel_place(index: int, n: int, size: float) -> float:
    """Where the panel of a layer or a head begins; after ``n`` of them their means follow, a little apart."""
    return index * (size + PANEL_GAP) + MEAN_GAP * (index == n)


def stroke(weight: float) -> tuple[float, float]:
    """The width and the opacity of the line of a weight."""
    return 0.5 + 3.5 * weight, 0.8 * weight


def layer_label(layer: int, numbers: Sequence[int] = ()) -> str:
    """A layer (from 0) beside a picture: "L3"; with the ``numbers`` that layers have in their model, its own."""
    return f"L{layer_number(layer, numbers)}"


def head_label(head: int) -> str:
    """A head (from 0) above a picture: "H4"."""
    return f"H{head + 1}"


def head_name(layer: int, head: int, *, numbers: Sequence[int] = ()) -> str:
    """A head (layer and head from 0) among all: "L3 H4"."""
    return f"{layer_label(layer, numbers)} {head_label(head)}"
