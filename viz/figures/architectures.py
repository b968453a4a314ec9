"""What the Transformer buys, drawn: pure functions from measurements to a Plotly figure.

What is recorded is drawn as lines; what was measured again, here, as rings of the same colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from model.compare.points import (
    SYMBOLS,
    DistanceScore,
    LayerCost,
    StepTime,
    by_architecture,
    by_distance,
    by_layer,
    halves,
)
from viz.figures.plot import DASHES, axis, colours, curve, figure, note
from viz.look.theme import LIGHT, Theme

HEIGHT = 380
MARGIN = {"l": 68, "r": 16, "t": 36, "b": 60}
SECONDS = tuple(digit * 10**power for power in (-2, -1, 0, 1) for digit in (1, 2, 5))
NAMES = {"transformer": "Transformer", "lstm": "LSTM"}
Curves = Mapping[str, Sequence[tuple[int, float]]]


def step_figure(points: Sequence[StepTime], again: Sequence[StepTime] = (), *, theme: Theme = LIGHT) -> go.Figure:
    """Seconds of a training step over the length of the texts, both on logarithmic axes."""
    lines, rings = (
        {NAMES[name]: [(p.n, p.seconds) for p in found] for name, found in by_architecture(part).items()}
        for part in (points, again)
    )
    hover = "%{x} tokens: <b>%{y:.3f} s</b><extra>%{fullData.name}</extra>"
    return _chart(
        lines, rings, hover, theme,
        xaxis=_lengths(lines, rings, "tokens in each text", theme),
        yaxis=axis("seconds per training step", theme, type="log", tickvals=SECONDS),
    )  # fmt: skip


def distance_figure(
    points: Sequence[DistanceScore], again: Sequence[DistanceScore] = (), *, theme: Theme = LIGHT
) -> go.Figure:
    """Accuracy over the distance to be bridged; a line marks what guessing gives."""
    lines, rings = by_distance(points), by_distance(again)
    hover = "%{x} tokens back: <b>%{y:.1%}</b><extra>%{fullData.name}</extra>"
    guess = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1 / SYMBOLS, "y1": 1 / SYMBOLS}
    place = {"xref": "paper", "x": 0.01, "y": 1 / SYMBOLS, "yanchor": "bottom", "xanchor": "left"}
    return _chart(
        lines, rings, hover, theme,
        xaxis=_lengths(lines, rings, "tokens between the letter and the question", theme),
        yaxis=axis("right", theme, range=[-0.03, 1.07], tickformat=".0%"),
        shapes=[{**guess, "line": {"color": theme.text, "width": 1}}],
        annotations=[note("guessing", **place, font={"color": theme.text})],
    )  # fmt: skip


def cost_figure(
    points: Sequence[LayerCost],
    again: Sequence[LayerCost],
    what: Callable[[LayerCost], float],
    title: str,
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A cost of each layer over the length, on logarithmic axes, where a power of the length is a straight line.

    Over the longer half of the lengths a faint line shows the power that was fitted.
    """
    lines, rings = (
        {name: [(p.n, what(p)) for p in found] for name, found in by_layer(part).items()} for part in (points, again)
    )
    hover = "%{x} tokens: <b>%{y:,.4~r}</b><extra>%{fullData.name}</extra>"
    shown = _chart(
        lines, rings, hover, theme,
        xaxis=_lengths(lines, rings, "tokens", theme),
        yaxis=axis(title, theme, type="log", dtick=1, exponentformat="none"),
    )  # fmt: skip
    for (_, found), colour in zip(by_layer(points).items(), colours(theme), strict=False):
        if len(found) >= 3:
            fit = halves(found, what)[1]
            ends = [fit.low, fit.high]
            shown.add_scatter(
                x=ends, y=[fit.at(n) for n in ends], mode="lines", line={"color": colour, "width": 7}, opacity=0.25,
                showlegend=False, hoverinfo="skip",
            )  # fmt: skip
    return shown


def _chart(lines: Curves, rings: Curves, hover: str, theme: Theme, **layout: Any) -> go.Figure:
    traces = []
    for name, colour, dash in zip({**lines, **rings}, colours(theme), DASHES, strict=False):
        line = {"mode": "lines+markers", "line": {"color": colour, "dash": dash}}
        ring = {"symbol": "circle-open", "size": 12, "color": colour, "line": {"width": 2}}
        # Where nothing is recorded the rings stand alone, and need the names.
        traces.append(curve(name, lines.get(name, ()), hover, **line))
        named = not lines.get(name)
        traces.append(curve(name, rings.get(name, ()), hover, mode="markers", marker=ring, showlegend=named))
    traces = [trace for trace in traces if trace["x"]]
    return figure(traces, theme, height=HEIGHT, margin=MARGIN, showlegend=True, **layout)


def _lengths(lines: Curves, rings: Curves, title: str, theme: Theme) -> dict[str, Any]:
    """A logarithmic axis with a mark at each length."""
    ticks = sorted({x for part in (lines, rings) for points in part.values() for x, _ in points})
    return axis(title, theme, type="log", tickvals=ticks, ticktext=[f"{x:,}" for x in ticks], tickangle=0)
