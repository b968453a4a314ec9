"""Pictures that compare: parts of a sum, before and after, one encoding beside another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.figures.plot import (
    DASHES,
    LEGEND_BELOW,
    Points,
    axis,
    cell_axis,
    colours,
    curve,
    figure,
    frame,
    heatmap,
    names_width,
    note,
    signed_heatmap,
    token_ticks,
    upright,
)
from viz.look.theme import LIGHT, Theme, for_plotly, show_token

CELL, SHORTEST = 20, 90  # pixels: a row, and the least height of a panel
TITLE, AXIS = 26, 44  # pixels


def vectors_panel(
    tokens: Sequence[str], vectors: np.ndarray, title: str, limit: float, *, theme: Theme = LIGHT
) -> go.Figure:
    """A vector for each token, ``[token, dimension]``; numbers beyond ``limit`` share the strongest colour."""
    hover = "dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    trace = signed_heatmap(vectors, theme, limit, hovertemplate=hover)
    return _panel([trace], tokens, None, title, theme)


def common_limit(parts: Iterable[np.ndarray]) -> float:
    """Where the colours of several arrays end: a few outliers would leave all others pale."""
    return float(np.quantile(np.abs(np.stack(list(parts))), 0.995)) or 1.0


def weights_panel(
    pattern: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    *,
    framed: int | None = None,
    marked: np.ndarray | None = None,
    bar: bool = True,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Attention weights, ``[query, key]``, from 0 to 1; the row ``framed`` has a frame, the cells that are ``marked``
    (boolean ``[query, key]``) a dot, and ``bar`` says whether the colours are explained."""
    trace = heatmap(pattern, theme.scale, 0, 1, hovertemplate="weight <b>%{z:.3f}</b><extra></extra>", showscale=bar)
    dots = [_dots(marked, theme)] if marked is not None and marked.any() else []
    shown = _panel([trace, *dots], rows, columns, title, theme)
    # Dots would make Plotly leave room around them.
    shown.update_xaxes(range=[-0.5, len(columns) - 0.5]).update_yaxes(range=[len(rows) - 0.5, -0.5], autorange=False)
    if framed is not None:
        corners = {"x0": -0.5, "x1": len(columns) - 0.5, "y0": framed - 0.5, "y1": framed + 0.5}
        shown.add_shape(frame(theme, **corners))
    return shown


def _dots(marked: np.ndarray, theme: Theme) -> dict[str, Any]:
    """A dot in each cell that is marked."""
    rows, columns = np.nonzero(marked)
    marker = {"size": 6, "color": theme.accent, "line": {"width": 1, "color": theme.inverse}}
    return {"type": "scatter", "mode": "markers", "x": columns, "y": rows, "marker": marker, "hoverinfo": "skip"}


def change_panel(
    change: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, *, theme: Theme = LIGHT
) -> go.Figure:
    """Changes of attention weights, ``[query, key]``, from -1 to 1."""
    hover = "change <b>%{z:+.3f}</b><extra></extra>"
    return _panel([signed_heatmap(change, theme, 1, hovertemplate=hover)], rows, columns, title, theme)


def length_curves(
    curves: Mapping[str, Sequence[tuple[int, float]]],
    trained: int,
    *,
    again: Mapping[str, Sequence[tuple[int, float]]] | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Accuracy over the length of the string, a curve for each encoding; a line stands at the trained length.

    Args:
        curves: ``(length, share from 0 to 1)`` for each name.
        trained: the longest string in training.
        again: measured once more; drawn as rings of the same colour.
        theme: the colours.
    """
    palette = colours(theme)
    styles = {name: (palette[i % 6], DASHES[(i + i // 6) % 6]) for i, name in enumerate(curves)}
    traces = [
        _curve(name, points, mode="lines+markers", line={"color": styles[name][0], "dash": styles[name][1]})
        for name, points in curves.items()
    ]
    for name, points in (again or {}).items():
        ring = {"symbol": "circle-open", "size": 11, "color": styles[name][0], "line": {"width": 2}}
        traces.append(_curve(name, points, mode="markers", marker=ring, showlegend=False))
    place = {"x": trained, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return figure(
        traces,
        theme,
        height=400,
        xaxis=axis("characters in the string", theme),
        yaxis=axis("right", theme, range=[-0.03, 1.05], tickformat=".0%"),
        shapes=[upright(trained, color=theme.accent, dash="dot")],
        annotations=[note("longest in training", **place, font={"color": theme.accent})],
        showlegend=True,
        legend=LEGEND_BELOW,
        margin={"l": 64, "r": 16, "t": 30, "b": 90},
    )


def _curve(name: str, points: Points, **options: Any) -> dict[str, Any]:
    hover = "%{x} characters: <b>%{y:.1%}</b><extra>" + for_plotly(name) + "</extra>"
    return curve(name, points, hover, **options)


def _panel(
    traces: Sequence[dict[str, Any]], rows: Sequence[str], columns: Sequence[str] | None, title: str, theme: Theme
) -> go.Figure:
    """One heatmap, as high as its rows of tokens need; its columns are tokens, or dimensions."""
    above, below = TITLE + (names_width(columns) if columns else 0), 8 if columns else AXIS
    height = max(SHORTEST, CELL * len(rows)) + above + below
    side = (
        {"side": "top", "tickangle": _angle(columns), "ticklabelstandoff": 3}
        if columns
        else {"title": {"text": "dimension", "standoff": 4}}
    )
    return figure(
        traces,
        theme,
        height=height,
        margin={"l": names_width(rows), "r": 8, "t": above, "b": below},
        title={
            "text": f"<b>{for_plotly(title)}</b>",
            "font": {"size": 14},
            "x": 0.5,
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 4},
        },
        showlegend=False,
        xaxis=cell_axis(**side, **token_ticks(columns)) if columns else cell_axis(**side),
        yaxis=cell_axis(autorange="reversed", **token_ticks(rows)),
    )


def _angle(columns: Sequence[str]) -> int:
    """Single letters stand upright."""
    return 0 if all(len(show_token(name)) <= 1 for name in columns) else -90
