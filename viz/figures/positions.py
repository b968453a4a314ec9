"""Pictures of positional encodings: pure functions from arrays to a Plotly figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.figures.plot import BELOW_LEGEND, DASHES, axis, colours, figure, frame, signed_heatmap
from viz.look.numbers import number
from viz.look.theme import LIGHT, Theme


def table_heatmap(table: np.ndarray, *, pair: int | None = None, theme: Theme = LIGHT) -> go.Figure:
    """An encoding, ``[position, dimension]``: rows are positions, and the chosen pair of dimensions is framed."""
    hover = "position %{y}<br>dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    shapes = [] if pair is None else [frame(theme, yref="paper", y0=0, y1=1, x0=2 * pair - 0.5, x1=2 * pair + 1.5)]
    trace = signed_heatmap(table, theme, hovertemplate=hover)
    return _matrix(trace, "position", "dimension", theme, shapes=shapes)


def wave(table: np.ndarray, pair: int, *, theme: Theme = LIGHT) -> go.Figure:
    """The two dimensions of a pair over the positions of ``[position, dimension]``."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(table) <= 64 else "lines",
            "y": table[:, dimension].astype(np.float32),
            "name": f"dimension {dimension}",
            "line": {"color": colour, "dash": dash},
            "marker": {"size": 4},
        }
        for dimension, colour, dash in zip((2 * pair, 2 * pair + 1), colours(theme), DASHES, strict=False)
        if dimension < table.shape[1]
    ]
    return figure(
        lines,
        theme,
        height=260,
        xaxis=axis("position", theme),
        yaxis=axis("value", theme),
        showlegend=True,
        margin=BELOW_LEGEND,
    )


def similarity_heatmap(similar: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """The cosine of every two positions, ``[position, position]``."""
    hover = "positions %{y} and %{x}<br>cosine <b>%{z:.3f}</b><extra></extra>"
    return _matrix(signed_heatmap(similar, theme, 1, hovertemplate=hover), "position", "position", theme)


def matrix_heatmap(matrix: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """A linear map, ``[dimension out, dimension in]``."""
    hover = "to dimension %{y}<br>from dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    trace = signed_heatmap(matrix, theme, 1, hovertemplate=hover)
    return _matrix(trace, "to dimension", "from dimension", theme)


def turning_pairs(angles: np.ndarray, pairs: Sequence[int], *, theme: Theme = LIGHT) -> go.Figure:
    """Where the vector (1, 0) of each pair of dimensions is turned to, at each position.

    Args:
        angles: ``[position, pair]``, in radians.
        pairs: which pairs to draw, one circle within the other.
        theme: the colours.
    """
    names = [str(position) for position in range(len(angles))]
    ends = [name if name in (names[0], names[-1]) else "" for name in names]  # all of them only where there is room
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers+text",
            "x": (radius * np.cos(angles[:, pair])).astype(np.float32),
            "y": (radius * np.sin(angles[:, pair])).astype(np.float32),
            "text": names if radius == 3 else ends,
            "customdata": names,
            "textposition": "top center",
            "textfont": {"size": 10},
            "name": f"pair {pair + 1}",
            "line": {"color": colour, "width": 1, "dash": "dot"},
            "marker": {"size": 7, "color": colour},
            "hovertemplate": "position %{customdata}<extra>%{fullData.name}</extra>",
        }
        for radius, pair, colour in zip((3, 2, 1), pairs, colours(theme), strict=False)
    ]
    hidden = {"visible": False, "range": [-3.6, 3.6]}
    return figure(
        traces,
        theme,
        xaxis=hidden,
        yaxis={**hidden, "scaleanchor": "x"},
        showlegend=True,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
    )


def score_heatmap(scores: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """The score of one query and one key at every two positions, ``[query position, key position]``."""
    hover = "query at %{y}<br>key at %{x}<br>score <b>%{z:.3f}</b><extra></extra>"
    trace = signed_heatmap(scores, theme, hovertemplate=hover)
    return _matrix(trace, "position of the query", "position of the key", theme)


def bias_lines(distance: np.ndarray, bias: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """What each head adds to a score, ``[head, distance]``, over the ``distance`` from query to key."""
    palette = colours(theme)
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": distance,
            "y": row.astype(np.float32),
            "name": f"head {head + 1}",
            "line": {"color": palette[head % len(palette)], "dash": DASHES[head % len(DASHES)]},
            "hovertemplate": "distance %{x}<br>bias <b>%{y:.3f}</b><extra>%{fullData.name}</extra>",
        }
        for head, row in enumerate(bias)
    ]
    return figure(
        lines,
        theme,
        height=300,
        xaxis=axis("distance: key minus query (below 0: the key comes first)", theme),
        yaxis=axis("added to the score", theme),
        showlegend=True,
        margin=BELOW_LEGEND,
    )


def factor_lines(seen: np.ndarray, factor: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """What scores are multiplied by, ``[head or 1, seen]``, over how many keys the query may look at."""
    palette = colours(theme)
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": seen,
            "y": row.astype(np.float32),
            "name": f"head {head + 1}" if len(factor) > 1 else "all heads",
            "line": {"color": palette[head % len(palette)], "dash": DASHES[head % len(DASHES)]},
            "hovertemplate": "%{x} keys<br>factor <b>%{y:.3f}</b><extra>%{fullData.name}</extra>",
        }
        for head, row in enumerate(factor)
    ]
    return figure(
        lines,
        theme,
        height=300,
        xaxis=axis("keys that the query may look at", theme),
        yaxis=axis("factor", theme),
        showlegend=len(factor) > 1,
        margin={"l": 64, "r": 16, "t": 36, "b": 48},
    )


def slope_bars(slopes: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """The slope of each head, ``[head]``, with the number on each bar."""
    heads = [str(head) for head in range(1, len(slopes) + 1)]
    bars = {
        "type": "bar",
        "x": heads,
        "y": slopes.astype(np.float32),
        "text": [number(slope, 4) for slope in slopes],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": colours(theme)[0]},
        "customdata": [number(slope, 6) for slope in slopes],
        "hovertemplate": "head %{x}: %{customdata}<extra></extra>",
    }
    return figure(
        [bars],
        theme,
        height=300,
        xaxis=axis("head", theme, type="category"),
        yaxis=axis("slope", theme, rangemode="tozero"),
        margin=BELOW_LEGEND,
    )


def _matrix(trace: dict[str, Any], down: str, across: str, theme: Theme, **layout: Any) -> go.Figure:
    """A heatmap whose first row is on top, with the names of its axes."""
    xaxis = axis(across, theme, showgrid=False)
    return figure([trace], theme, xaxis=xaxis, yaxis=axis(down, theme, autorange="reversed", showgrid=False), **layout)
