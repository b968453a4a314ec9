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
from viz.look.geometry import COLUMNS_ARE, ROWS_ARE
from viz.look.hatching import strokes
from viz.look.theme import LIGHT, Theme, for_plotly

CELL, SHORTEST = 20, 90  # pixels: a row, and the least height of a panel
TITLE, AXIS, NAME = 26, 44, 20  # pixels; the last for a line of names
SMALLEST, LARGEST, BESIDE, ROOM = 16, 40, 18, 400  # pixels: a square cell, one of two pictures, and the rows of all
UPRIGHT, LEANS, LEANING = 2, [0, -45, -60], 0.87  # letters that stand upright; degrees; how high a leaning name is
GAPS_TO = 2500  # cells; more have no line between them
NAMED_FROM = 5  # columns, so that it can be written into masked cells what they are
QUERY_AND_KEY = (ROWS_ARE, COLUMNS_ARE)


def vectors_panel(
    tokens: Sequence[str], vectors: np.ndarray, title: str, limit: float, *, theme: Theme = LIGHT
) -> go.Figure:
    """A vector for each token, ``[token, dimension]``; numbers beyond ``limit`` share the strongest colour."""
    hover = "dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    trace = signed_heatmap(vectors, theme, limit, hovertemplate=hover)
    return _panel(trace, tokens, title, theme)


def common_limit(parts: Iterable[np.ndarray]) -> float:
    """Where the colours of several arrays end: a few outliers would leave all others pale."""
    return float(np.quantile(np.abs(np.stack(list(parts))), 0.995)) or 1.0


def weights_panel(
    pattern: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    *,
    axes: tuple[str, str] = QUERY_AND_KEY,
    framed: int | None = None,
    marked: np.ndarray | None = None,
    masked: np.ndarray | None = None,
    bar: bool = True,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Attention weights, ``[query, key]``, from 0 to 1; where rows and columns are others, ``axes`` names them. The row
    ``framed`` has a frame, the cells that are ``marked`` (boolean ``[query, key]``) a dot; those that are ``masked``
    (the same) and have no weight are hatched. ``bar`` says whether the colours are explained; where they are not, the
    picture stands beside another one."""
    hidden = np.zeros(pattern.shape, dtype=bool) if masked is None else masked & (pattern == 0)
    seen = np.where(hidden, np.nan, pattern) if hidden.any() else pattern
    trace = heatmap(seen, theme.scale, 0, 1, hovertemplate="weight <b>%{z:.3f}</b><extra></extra>", showscale=bar)
    dots = [_dots(marked, theme)] if marked is not None and marked.any() else []
    hatch = [_hatch(hidden, theme)] if hidden.any() else []
    shown = _squares([trace, *hatch, *dots], rows, columns, title, axes, theme, largest=LARGEST if bar else BESIDE)
    # Dots would make Plotly leave room around them.
    shown.update_xaxes(range=[-0.5, len(columns) - 0.5]).update_yaxes(range=[len(rows) - 0.5, -0.5], autorange=False)
    if hidden.any() and len(columns) >= NAMED_FROM:
        place = {"xref": "x", "yref": "y", "x": len(columns) - 0.5, "y": -0.5, "xanchor": "right", "yanchor": "top"}
        shown.add_annotation(note("masked", **place, bgcolor=theme.inverse, borderpad=1, font={"color": theme.muted}))
    if framed is not None:
        corners = {"x0": -0.5, "x1": len(columns) - 0.5, "y0": framed - 0.5, "y1": framed + 0.5}
        shown.add_shape(frame(theme, **corners))
    return shown


def _hatch(masked: np.ndarray, theme: Theme) -> dict[str, Any]:
    """Strokes across the cells that are masked."""
    ends = [(*start, *end) for start, end in strokes(masked, SMALLEST)]
    x = [at for x0, _, x1, _ in ends for at in (x0 - 0.5, x1 - 0.5, None)]
    y = [at for _, y0, _, y1 in ends for at in (y0 - 0.5, y1 - 0.5, None)]
    line = {"color": theme.hatch, "width": 1}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def _dots(marked: np.ndarray, theme: Theme) -> dict[str, Any]:
    """A dot in each cell that is marked."""
    rows, columns = np.nonzero(marked)
    marker = {"size": 6, "color": theme.accent, "line": {"width": 1, "color": theme.inverse}}
    return {"type": "scatter", "mode": "markers", "x": columns, "y": rows, "marker": marker, "hoverinfo": "skip"}


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


def _panel(trace: dict[str, Any], rows: Sequence[str], title: str, theme: Theme) -> go.Figure:
    """One heatmap, as high as its rows of tokens need; its columns are dimensions."""
    return figure(
        [trace],
        theme,
        height=max(SHORTEST, CELL * len(rows)) + TITLE + AXIS,
        margin={"l": names_width(rows), "r": 8, "t": TITLE, "b": AXIS},
        title=_heading(title),
        xaxis=cell_axis(title={"text": "dimension", "standoff": 4}),
        yaxis=cell_axis(autorange="reversed", **token_ticks(rows)),
    )


def _squares(
    traces: Sequence[dict[str, Any]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    axes: tuple[str, str],
    theme: Theme,
    *,
    largest: int = LARGEST,
) -> go.Figure:
    """One heatmap of square cells; the names of its columns stand upright where there is room, else they lean."""
    query, key = axes
    cell = max(SMALLEST, min(largest, ROOM // max(len(rows), 1)))
    longest = names_width(columns)
    above = TITLE + NAME + (NAME if max(map(len, columns), default=0) <= UPRIGHT else round(LEANING * longest))
    gap = 1 if len(rows) * len(columns) <= GAPS_TO else 0
    return figure(
        [trace | ({"xgap": gap, "ygap": gap} if trace["type"] == "heatmap" else {}) for trace in traces],
        theme,
        height=cell * len(rows) + above + 8,
        margin={"l": names_width(rows) + NAME, "r": 8, "t": above, "b": 8},
        title=_heading(title),
        showlegend=False,
        xaxis=cell_axis(
            side="top", autotickangles=LEANS, ticklabelstandoff=3, constrain="domain",
            title={"text": key, "standoff": 4}, **token_ticks(columns),
        ),
        yaxis=cell_axis(
            autorange="reversed", ticklabelstandoff=4, scaleanchor="x", constrain="domain", constraintoward="top",
            title={"text": query, "standoff": 4}, **token_ticks(rows),
        ),
    )  # fmt: skip


def _heading(title: str) -> dict[str, Any]:
    text = f"<b>{for_plotly(title)}</b>"
    return {"text": text, "font": {"size": 14}, "x": 0.5, "y": 1, "yanchor": "top", "pad": {"t": 4}}
