"""Pictures that compare: parts of a sum, before and after, one encoding beside another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.figures.positions import DASHES, axis, colours, figure, scale, signed_heatmap
from viz.look.theme import LIGHT, Theme, for_plotly, short_token

CELL, SHORTEST = 20, 90  # pixels: a row, and the least height of a panel
TITLE, AXIS = 26, 44  # pixels


def vectors_panel(
    tokens: Sequence[str], vectors: np.ndarray, title: str, limit: float, *, theme: Theme = LIGHT
) -> go.Figure:
    """A vector for each token, ``[token, dimension]``; numbers beyond ``limit`` share the strongest colour."""
    hover = "dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    trace = signed_heatmap(vectors, theme, zmin=-limit, zmax=limit, hovertemplate=hover)
    return _panel(trace, tokens, None, title, theme)


def common_limit(parts: Iterable[np.ndarray]) -> float:
    """Where the colours of several arrays end: a few outliers would leave all others pale."""
    return float(np.quantile(np.abs(np.stack(list(parts))), 0.995)) or 1.0


def weights_panel(
    pattern: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, *, theme: Theme = LIGHT
) -> go.Figure:
    """Attention weights, ``[query, key]``, from 0 to 1."""
    trace = {
        "type": "heatmap",
        "z": pattern,
        "zmin": 0,
        "zmax": 1,
        "colorscale": scale(theme.scale),
        "colorbar": {"thickness": 10, "outlinewidth": 0},
        "hovertemplate": "weight <b>%{z:.3f}</b><extra></extra>",
    }
    return _panel(trace, rows, columns, title, theme)


def change_panel(
    change: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, *, theme: Theme = LIGHT
) -> go.Figure:
    """Changes of attention weights, ``[query, key]``, from -1 to 1."""
    hover = "change <b>%{z:+.3f}</b><extra></extra>"
    return _panel(signed_heatmap(change, theme, zmin=-1, zmax=1, hovertemplate=hover), rows, columns, title, theme)


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
    styles = dict(zip(curves, zip(colours(theme), DASHES, strict=True), strict=False))
    traces = [
        _curve(name, points, mode="lines+markers", line={"color": styles[name][0], "dash": styles[name][1]})
        for name, points in curves.items()
    ]
    for name, points in (again or {}).items():
        ring = {"symbol": "circle-open", "size": 11, "color": styles[name][0], "line": {"width": 2}}
        traces.append(_curve(name, points, mode="markers", marker=ring, showlegend=False))
    line = {"type": "line", "x0": trained, "x1": trained, "yref": "paper", "y0": 0, "y1": 1}
    note = {"x": trained, "y": 1, "yref": "paper", "text": "longest in training", "showarrow": False}
    return figure(
        traces,
        theme,
        height=400,
        xaxis=axis("characters in the string", theme),
        yaxis=axis("right", theme, range=[-0.03, 1.05], tickformat=".0%"),
        shapes=[{**line, "line": {"color": theme.accent, "dash": "dot"}}],
        annotations=[{**note, "xanchor": "left", "yanchor": "bottom", "font": {"color": theme.accent}}],
        showlegend=True,
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        margin={"l": 64, "r": 16, "t": 30, "b": 90},
    )


def _curve(name: str, points: Sequence[tuple[int, float]], **options: Any) -> dict[str, Any]:
    lengths, shares = zip(*points, strict=True) if points else ((), ())
    hover = "%{x} characters: <b>%{y:.1%}</b><extra>" + for_plotly(name) + "</extra>"
    return {"type": "scatter", "name": name, "x": lengths, "y": shares, "hovertemplate": hover, **options}


def _panel(
    trace: dict[str, Any], rows: Sequence[str], columns: Sequence[str] | None, title: str, theme: Theme
) -> go.Figure:
    """One heatmap, as high as its rows of tokens need; its columns are tokens, or dimensions."""
    above, below = TITLE + (_room(columns) if columns else 0), 8 if columns else AXIS
    height = max(SHORTEST, CELL * len(rows)) + above + below
    side = (
        {"side": "top", "tickangle": -90, "ticklabelstandoff": 3}
        if columns
        else {"title": {"text": "dimension", "standoff": 4}}
    )
    return figure(
        [trace],
        theme,
        height=height,
        margin={"l": _room(rows), "r": 8, "t": above, "b": below},
        title={
            "text": f"<b>{for_plotly(title)}</b>",
            "font": {"size": 14},
            "x": 0.5,
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 4},
        },
        xaxis=_axis(columns, **side),
        yaxis=_axis(rows, autorange="reversed"),
    )


def _room(tokens: Sequence[str]) -> int:
    """Pixels for the longest name."""
    return 16 + 7 * max((len(short_token(token)) for token in tokens), default=0)


def _axis(tokens: Sequence[str] | None, **options: Any) -> dict[str, Any]:
    plain = {"showgrid": False, "zeroline": False, "ticks": "", **options}
    if tokens is None:
        return plain
    names = [for_plotly(short_token(token)) for token in tokens]
    return {**plain, "tickvals": list(range(len(names))), "ticktext": names}
