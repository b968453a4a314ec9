"""Pictures that compare: parts of a sum, before and after, one encoding beside another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.positions import DASHES, axis, colours, figure, scale, signed_heatmap
from viz.theme import LIGHT, Theme, for_plotly, short_token

GAP = 0.06  # between panels, as a share of the width
TITLE, AXIS = 30, 44  # pixels


def sum_of_parts(tokens: Sequence[str], parts: Mapping[str, np.ndarray], *, theme: Theme = LIGHT) -> go.Figure:
    """Heatmaps side by side, each ``[token, dimension]``, on one colour scale, with a title each.

    The few largest numbers share the strongest colour, or they would leave the rest pale.
    """
    limit = float(np.quantile(np.abs(np.stack(list(parts.values()))), 0.995)) or 1.0
    hover = "dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    traces = [
        signed_heatmap(
            part, theme, zmin=-limit, zmax=limit, hovertemplate=hover, showscale=i == len(parts) - 1, **_place(i)
        )
        for i, part in enumerate(parts.values())
    ]
    return _panels(traces, list(parts), tokens, None, theme, cell=22)


def before_after(
    before: np.ndarray, after: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, theme: Theme = LIGHT
) -> go.Figure:
    """A head before and after a change, and the difference, each ``[query, key]`` over the same tokens."""
    hover = "change <b>%{z:+.3f}</b><extra></extra>"
    traces = [
        _weights(before, theme),
        _weights(after, theme, **_place(1)),
        signed_heatmap(after - before, theme, zmin=-1, zmax=1, hovertemplate=hover, **_place(2)),
    ]
    return _panels(traces, ["before", "after", "after minus before"], rows, columns, theme, cell=20)


def head_of_each(
    patterns: Mapping[str, np.ndarray], rows: Sequence[str], columns: Sequence[str], *, theme: Theme = LIGHT
) -> go.Figure:
    """The same head of several models, each ``[query, key]`` over the same tokens, three in a row."""
    traces = [
        _weights(pattern, theme, name=for_plotly(name), **_place(i))
        for i, (name, pattern) in enumerate(patterns.items())
    ]
    return _panels(traces, list(patterns), rows, columns, theme, cell=18)


def _weights(pattern: np.ndarray, theme: Theme, **options: Any) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": pattern,
        "zmin": 0,
        "zmax": 1,
        "colorscale": scale(theme.scale),
        "showscale": False,
        "hovertemplate": "weight <b>%{z:.3f}</b><extra></extra>",
        **options,
    }


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


def _place(i: int) -> dict[str, str]:
    return {"xaxis": f"x{i + 1}", "yaxis": f"y{i + 1}"} if i else {}


def _panels(
    traces: Sequence[dict[str, Any]],
    titles: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str] | None,
    theme: Theme,
    *,
    cell: int,
) -> go.Figure:
    """Heatmaps of the tokens ``rows`` and ``columns`` (None: of dimensions), three beside each other.

    ``cell`` is the height of a row in pixels.
    """
    names = _room(columns) if columns else 0
    below = TITLE if columns else TITLE + AXIS
    n_rows, tall, width = -(-len(titles) // 3), max(60, cell * len(rows)), (1 - 2 * GAP) / 3
    height = n_rows * (names + tall + below)
    layout: dict[str, Any] = {"height": height + 16, "margin": {"l": _room(rows), "r": 40, "t": 8, "b": 8}}
    annotations = []
    for i, title in enumerate(titles):
        row, column = divmod(i, 3)
        left, top = column * (width + GAP), 1 - (row * (names + tall + below) + names) / height
        bottom, place = top - tall / height, str(i + 1) if i else ""
        side = {"side": "top"} if columns else {"side": "bottom", "title": {"text": "dimension", "standoff": 4}}
        layout[f"xaxis{place}"] = _axis(columns, domain=[left, left + width], anchor=f"y{place}", tickangle=-90, **side)
        layout[f"yaxis{place}"] = _axis(
            rows, domain=[bottom, top], anchor=f"x{place}", autorange="reversed", showticklabels=column == 0
        )
        annotations.append(
            {
                "text": f"<b>{for_plotly(title)}</b>",
                "x": left + width / 2,
                "y": bottom - (below - TITLE + 2) / height,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "top",
                "showarrow": False,
            }
        )
    return figure(traces, theme, **layout, annotations=annotations)


def _room(tokens: Sequence[str]) -> int:
    """Pixels for the longest name."""
    return 16 + 7 * max((len(short_token(token)) for token in tokens), default=0)


def _axis(tokens: Sequence[str] | None, **options: Any) -> dict[str, Any]:
    plain = {"showgrid": False, "zeroline": False, "ticks": "", **options}
    if tokens is None:
        return {**plain, "tickangle": 0}
    names = [for_plotly(short_token(token)) for token in tokens]
    return {**plain, "tickvals": list(range(len(names))), "ticktext": names}
