"""Pictures of a model's parameters: pure functions from numbers to a Plotly figure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from viz.figures.plot import axis, colours, curve, figure
from viz.look.numbers import number
from viz.look.theme import LIGHT, Theme

HEIGHT = 260


def spectra(query_key: np.ndarray, value_output: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """The singular values of W_Q W_Kᵀ and of W_V W_O, the largest first."""
    first, second, *_ = colours(theme)
    hover = "number %{x}<br><b>%{customdata}</b><extra>%{fullData.name}</extra>"
    lines = [
        curve(
            name,
            [(float(i), float(value)) for i, value in enumerate(values, start=1)],
            hover,
            customdata=[number(value, 4) for value in values],
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"color": colour, "size": 5},
        )
        for name, values, colour, dash in (
            ("W<sub>Q</sub>W<sub>K</sub>ᵀ", query_key, first, "solid"),
            ("W<sub>V</sub>W<sub>O</sub>", value_output, second, "dash"),
        )
    ]
    return figure(
        lines,
        theme,
        height=HEIGHT,
        xaxis=axis("rank (largest first)", theme),
        yaxis=axis("singular value", theme, rangemode="tozero"),
        showlegend=True,
    )


def distribution(counts: np.ndarray, edges: np.ndarray, *, theme: Theme = LIGHT) -> go.Figure:
    """How often a parameter's numbers are of each size."""
    bars = {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "width": np.diff(edges),
        "marker": {"color": colours(theme)[0]},
        "customdata": [number(value, 4) for value in (edges[:-1] + edges[1:]) / 2],
        "hovertemplate": "about %{customdata}<br><b>%{y:,}</b> numbers<extra></extra>",
    }
    return figure(
        [bars], theme, height=HEIGHT, bargap=0, xaxis=axis("value", theme), yaxis=axis("how many numbers", theme)
    )
