"""Pictures that compare: parts of a sum, before and after, one encoding beside another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.positions import DASHES, axis, colours, figure, scale, signed_heatmap
from viz.theme import LIGHT, Theme, for_plotly, short_token

GAP = 0.06


def sum_of_parts(tokens: Sequence[str], parts: Mapping[str, np.ndarray], *, theme: Theme = LIGHT) -> go.Figure:
    """Heatmaps side by side, each ``[token, dimension]``, on one colour scale, with a title each."""
    limit = max(float(np.abs(part).max(initial=0)) for part in parts.values()) or 1.0
    hover = "dimension %{x}<br><b>%{z:.3f}</b><extra></extra>"
    traces = [
        signed_heatmap(
            part, theme, zmin=-limit, zmax=limit, hovertemplate=hover, showscale=i == len(parts) - 1, **_place(i)
        )
        for i, part in enumerate(parts.values())
    ]
    return _panels(traces, list(parts), [tokens], None, theme, x_title="dimension", height=110 + 22 * len(tokens))


def before_after(
    before: np.ndarray, after: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, theme: Theme = LIGHT
) -> go.Figure:
    """A head before and after a change, and the difference, each ``[query, key]`` over the same tokens."""
    difference = after - before
    weight = {"zmin": 0, "zmax": 1, "colorscale": scale(theme.scale), "showscale": False}
    traces: list[dict[str, Any]] = [
        {"type": "heatmap", "z": before, "hovertemplate": "weight <b>%{z:.3f}</b><extra></extra>", **weight},
        {
            "type": "heatmap",
            "z": after,
            "hovertemplate": "weight <b>%{z:.3f}</b><extra></extra>",
            **weight,
            **_place(1),
        },
        signed_heatmap(
            difference, theme, zmin=-1, zmax=1, hovertemplate="change <b>%{z:+.3f}</b><extra></extra>", **_place(2)
        ),
    ]
    titles = ["before", "after", "after minus before"]
    return _panels(traces, titles, [rows], columns, theme, height=190 + 20 * len(rows))


def head_of_each(
    patterns: Mapping[str, np.ndarray], rows: Sequence[str], columns: Sequence[str], *, theme: Theme = LIGHT
) -> go.Figure:
    """The same head of several models, each ``[query, key]`` over the same tokens, three in a row."""
    traces = [
        {
            "type": "heatmap",
            "z": pattern,
            "zmin": 0,
            "zmax": 1,
            "colorscale": scale(theme.scale),
            "showscale": False,
            "hovertemplate": "weight <b>%{z:.3f}</b><extra>%{fullData.name}</extra>",
            "name": for_plotly(name),
            **_place(i),
        }
        for i, (name, pattern) in enumerate(patterns.items())
    ]
    return _panels(
        traces,
        list(patterns),
        [rows] * -(-len(patterns) // 3),
        columns,
        theme,
        height=60 + 280 * -(-len(patterns) // 3),
    )


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
    rows: Sequence[Sequence[str]],
    columns: Sequence[str] | None,
    theme: Theme,
    *,
    x_title: str = "",
    height: int,
) -> go.Figure:
    """Heatmaps three in a row, named by ``rows`` (of tokens, for each row of panels) and ``columns``."""
    layout: dict[str, Any] = {"height": height, "margin": {"l": 96, "r": 16, "t": 96 if columns else 40, "b": 40}}
    n_rows, width = len(rows), (1 - 2 * GAP) / 3
    room = 0.34 if columns else 0.12  # between two rows of panels, as a share of the height, for titles and names
    tall = (1 - room * (n_rows - 1)) / n_rows
    annotations = []
    for i, title in enumerate(titles):
        row, column = divmod(i, 3)
        left, top = column * (width + GAP), 1 - row * (tall + room)
        place = str(i + 1) if i else ""
        layout[f"xaxis{place}"] = _named(columns, theme, domain=[left, left + width], anchor=f"y{place}", side="top")
        layout[f"yaxis{place}"] = _named(
            rows[row], theme, domain=[top - tall, top], anchor=f"x{place}", autorange="reversed"
        ) | ({} if column == 0 else {"showticklabels": False})
        if not columns:
            layout[f"xaxis{place}"] |= {"side": "bottom", "title": {"text": x_title}}
        annotations.append(
            {
                "text": f"<b>{for_plotly(title)}</b>",
                "x": left + width / 2,
                "y": top - tall if columns else top,
                "xref": "paper",
                "yref": "paper",
                "yanchor": "top" if columns else "bottom",
                "showarrow": False,
            }
        )
    return figure(traces, theme, **layout, annotations=annotations)


def _named(tokens: Sequence[str] | None, theme: Theme, **options: Any) -> dict[str, Any]:
    plain = {"showgrid": False, "zeroline": False, "ticks": "", **options}
    if tokens is None:
        return plain
    names = [for_plotly(short_token(token)) for token in tokens]
    return {
        **plain,
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "tickangle": -60 if "side" in options else 0,
    }
