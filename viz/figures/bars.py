"""Pictures of the Guide: pure functions from numbers to a Plotly figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.figures.plot import (
    DASHES,
    across_bars,
    axis,
    colours,
    curve,
    figure,
    names_width,
    note,
    token_ticks,
)
from viz.look.numbers import fixed, number
from viz.look.theme import LIGHT, Theme, for_plotly

Numbers = Sequence[float] | np.ndarray
SPACE = "\u2002"
ROW, GAP = 22, 0.03  # pixels for a token; the share of the width between two panels
ROWS_AT_ONCE = 4
"""Tokens by which a figure grows: while someone types, what stands below it keeps its place."""


def beside_bars(
    names: Sequence[str],
    columns: Mapping[str, Numbers],
    *,
    framed: int | None = None,
    one_scale: bool = False,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Several numbers for each token, side by side, each column on its own scale unless all have ``one_scale``; minus
    infinity is written out."""
    everything = np.concatenate([np.where(np.isfinite(values), values, 0.0) for values in columns.values()])
    width = (1 - GAP * (len(columns) - 1)) / len(columns)
    bars, axes, titles = [], {}, []
    for place, (title, values) in enumerate(columns.items()):
        number = "" if place == 0 else str(place + 1)
        left = place * (width + GAP)
        finite = np.where(np.isfinite(values), values, 0.0)
        bars.append(_bars(names, values, finite, framed, theme) | {"xaxis": f"x{number}"})
        axes[f"xaxis{number}"] = axis(
            "", theme, domain=[left, left + width], range=_room(everything if one_scale else finite),
            fixedrange=True, showgrid=False, showticklabels=False,
        )  # fmt: skip
        titles.append(_heading(title, left + width / 2))
    return figure(
        bars,
        theme,
        height=ROW * ROWS_AT_ONCE * -(-len(names) // ROWS_AT_ONCE) + 44,
        margin={"l": names_width(names, 8), "r": 12, "t": 32, "b": 8},
        bargap=0.3,
        yaxis={"autorange": "reversed", "fixedrange": True, "ticks": "", "zeroline": False, **token_ticks(names)},
        annotations=titles,
        showlegend=False,
        **axes,
    )


def curves(
    x: Sequence[float],
    lines: Mapping[str, Numbers],
    x_title: str,
    y_title: str,
    *,
    logarithmic: bool = False,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A curve for each name; ``logarithmic`` puts both axes on a logarithmic scale."""
    hover = "%{x}: <b>%{customdata}</b><extra>%{fullData.name}</extra>"
    data = [
        curve(
            name,
            [*zip(x, y, strict=True)],
            hover,
            customdata=[number(value, 4) for value in y],
            mode="lines+markers",
            line={"color": colour, "dash": dash},
        )
        for (name, y), colour, dash in zip(lines.items(), colours(theme), DASHES, strict=False)
    ]
    across = {"type": "log", "tickvals": list(x)} if logarithmic else {}
    upward = {"type": "log", "dtick": 1, "exponentformat": "SI"} if logarithmic else {"rangemode": "tozero"}
    return figure(
        data,
        theme,
        height=340,
        xaxis=axis(x_title, theme, **across),
        yaxis=axis(y_title, theme, **upward),
        showlegend=True,
        margin={"l": 72, "r": 16, "t": 60, "b": 48},
    )


def _bars(
    names: Sequence[str], values: Numbers, finite: np.ndarray, framed: int | None, theme: Theme
) -> dict[str, Any]:
    """The bars of one column, each with its number at its end; where it is not ``finite``, the bar has no length."""
    return across_bars(
        finite.astype(np.float32),
        "%{hovertext}: %{customdata}<extra></extra>",
        customdata=[number(value, 4) for value in values],
        text=[_short(value) for value in values],
        marker={"color": [theme.accent if i == framed else theme.scale[5] for i in range(len(names))]},
        hovertext=token_ticks(names)["ticktext"],
    )


def _short(value: float) -> str:
    """A number with a space between it and the end of its bar."""
    if value == -np.inf:
        return f"{SPACE}−∞"
    text = fixed(value, 2)
    return f"{text}{SPACE}" if value < 0 else f"{SPACE}{text}"


def _room(values: np.ndarray) -> list[float]:
    """From the smallest to the largest bar, with room for the numbers on either side."""
    low, high = float(min(0, values.min(initial=0))), float(max(0, values.max(initial=0)))
    span = (high - low) or 1.0
    return [low - 1.0 * span * (low < 0), high + 0.6 * span * (high > 0 or low == 0)]


def _heading(title: str, x: float) -> dict[str, Any]:
    place = {"x": x, "xref": "paper", "xanchor": "center", "y": 1, "yref": "paper", "yanchor": "bottom"}
    return note(f"<b>{for_plotly(title)}</b>", **place)
