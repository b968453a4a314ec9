"""What all Plotly figures share: ground and font, axes, heatmaps with their colour bars, curves, marks and notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.look.theme import FONT, PRESENTED, REM, TYPE, Theme, for_plotly, short_token, shortened

FONT_SIZE = round(REM * TYPE["label"])
MARGIN = {"l": 64, "r": 16, "t": 16, "b": 48}
BELOW_LEGEND = {**MARGIN, "t": 36}
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
LEGEND_BELOW = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}
MOST_POINTS = 500  # more than there are pixels for, and each is sent again at every look
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of six curves, beside the colour of each."""
HEIGHT = 1.2
"""By how much a presentation makes a figure higher: less than its letters, since a screen has room for several."""
LARGEST, BAR = 72, 90
"""Pixels in a presentation: the largest square cell, and what the colours beside it take."""
NAME, LEANING_NAME = 1.05, 1.15
"""Letters from a name to the next, in rows and in columns."""
LENGTHS = {"size", "l", "r", "t", "b", "thickness", "xshift", "yshift", "ypad", "standoff"}
"""What a figure says in pixels."""
Points = Sequence[tuple[float, float | None]]


def figure(data: Sequence[dict[str, Any]], theme: Theme, **layout: Any) -> go.Figure:
    """Traces on a transparent ground, in the page's font."""
    plain = {
        "height": 360,
        "margin": MARGIN,
        "font": {"family": FONT, "size": FONT_SIZE, "color": theme.text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": LEGEND,
        "template": "none",
    }
    return go.Figure({"data": list(data), "layout": plain | layout})


def presented(shown: go.Figure, room: tuple[float, float] | None = None) -> go.Figure:
    """The figure for a projector: its letters, marks and margins larger by :data:`viz.look.theme.PRESENTED`.

    In a ``room``, width and height in pixels, square cells become as large as it allows, other figures no higher than
    it is, and of names that would touch only some are left.
    """
    enlarged = go.Figure(_enlarged(shown.to_plotly_json())).update_layout(height=HEIGHT * shown.layout.height)
    return enlarged if room is None else _fitted(enlarged, *room)


def _fitted(shown: go.Figure, width: float, height: float) -> go.Figure:
    layout: Any = shown.layout
    traces: Any = shown.data
    margin, rows, columns = layout.margin, layout.yaxis.tickvals or (), layout.xaxis.tickvals or ()
    above, square = margin.t + margin.b, layout.yaxis.scaleanchor == "x" and rows and columns
    if square:
        bar = BAR * any(one.type == "heatmap" and one.showscale is not False for one in traces)
        cell = min(LARGEST, (height - above) / len(rows), (width - margin.l - margin.r - bar) / len(columns))
        height = cell * len(rows) + above
        layout.xaxis.update(_some(layout.xaxis, cell, LEANING_NAME * layout.font.size))
    else:
        height = min(layout.height, height)
    if rows:
        layout.yaxis.update(_some(layout.yaxis, (height - above) / len(rows), NAME * layout.font.size))
    return shown.update_layout(height=height)


def _some(shown: Any, apart: float, needed: float) -> dict[str, Any]:
    """Of the names of an axis, ``apart`` pixels from each other, every so many that each has what it needs."""
    every = math.ceil(needed / max(apart, 1))
    return {name: shown[name][::every] for name in ("tickvals", "ticktext") if shown[name]}


def _enlarged(part: Any) -> Any:
    """A part of a figure with its :data:`LENGTHS` enlarged."""
    if isinstance(part, dict):
        return {
            name: PRESENTED * value if name in LENGTHS and isinstance(value, int | float) else _enlarged(value)
            for name, value in part.items()
        }
    return [_enlarged(one) for one in part] if isinstance(part, list | tuple) else part


def colours(theme: Theme) -> tuple[str, ...]:
    """A colour for each of six curves."""
    return theme.curves


def axis(title: str, theme: Theme, **options: Any) -> dict[str, Any]:
    """An axis with a faint grid."""
    return {"title": {"text": title}, "gridcolor": theme.faint, "zerolinecolor": theme.faint, **options}


def cell_axis(**options: Any) -> dict[str, Any]:
    """An axis of cells: they need neither grid nor ticks."""
    return {"showgrid": False, "zeroline": False, "ticks": "", **options}


def token_ticks(tokens: Sequence[str]) -> dict[str, Any]:
    """A token, or the two of a row, at each position of an axis, from 0."""
    return _ticks([short_token(token) for token in tokens])


def named_ticks(names: Sequence[str]) -> dict[str, Any]:
    """A name at each position of an axis, from 0, letter for letter, and cut where it is long."""
    return _ticks(list(map(shortened, names)))


def _ticks(names: Sequence[str]) -> dict[str, Any]:
    return {"tickvals": list(range(len(names))), "ticktext": list(map(for_plotly, names))}


def names_width(tokens: Sequence[str], letter: int = 7) -> int:
    """Pixels for the longest name, where a letter takes ``letter``."""
    return 16 + letter * max((len(short_token(token)) for token in tokens), default=0)


def heatmap(values: np.ndarray, stops: Sequence[str], low: float, high: float, **options: Any) -> dict[str, Any]:
    """``values`` ``[row, column]`` in the colours ``stops``, which go from ``low`` to ``high`` in even steps."""
    return {
        "type": "heatmap",
        "z": values,
        "zmin": low,
        "zmax": high,
        "colorscale": [[i / (len(stops) - 1), colour] for i, colour in enumerate(stops)],
        "colorbar": {"thickness": 10, "outlinewidth": 0},
        **options,
    }


def signed_heatmap(values: np.ndarray, theme: Theme, limit: float | None = None, **options: Any) -> dict[str, Any]:
    """Numbers around 0, the colours as far below as above: to ``limit``, else to the largest of them."""
    limit = limit or float(np.abs(values).max(initial=0)) or 1.0
    return heatmap(values.astype(np.float32), theme.diverging, -limit, limit, **options)


def colour_bar_below(title: str, **options: Any) -> dict[str, Any]:
    """A colour bar that lies below the cells."""
    return {
        "title": {"text": title, "side": "bottom"},
        "orientation": "h",
        "thickness": 10,
        "outlinewidth": 0,
        "y": 0,
        "yanchor": "top",
        "ypad": 10,
        **options,
    }


def curve(name: str, points: Points, hover: str, **options: Any) -> dict[str, Any]:
    """A trace through ``points`` ``(x, y)``; where y is None, the line has a gap."""
    return {
        "type": "scatter",
        "name": name,
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "hovertemplate": hover,
        **options,
    }


def thinned(points: Points) -> Points:
    """At most about :data:`MOST_POINTS` of them, evenly, and the last."""
    every = -(-len(points) // MOST_POINTS) or 1
    return [*points[:-1:every], *points[-1:]]


def across_bars(values: np.ndarray | Sequence[float], hover: str, **options: Any) -> dict[str, Any]:
    """Bars that lie below each other, at places from 0, each with its number at its end."""
    return {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": list(range(len(values))),
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": hover,
        **options,
    }


def frame(theme: Theme, **corners: Any) -> dict[str, Any]:
    """A frame around what is chosen; ``corners`` are x0, x1, y0, y1 and, in shares of the plot, their xref or yref."""
    return {"type": "rect", **corners, "line": {"color": theme.accent, "width": 2}}


def upright(x: float, **line: Any) -> dict[str, Any]:
    """A line from the bottom to the top of the plot."""
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def note(text: str, **place: Any) -> dict[str, Any]:
    """Words in the plot, without an arrow."""
    return {"text": text, "showarrow": False, **place}
