"""What each head does, as a table and as a picture: pure functions of the measures' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from model.heads.measures import Measure, describe
from viz.look.theme import FONT, LIGHT, Theme, coloured, ink

ROW_HEIGHT, MARGIN = 34, {"l": 40, "r": 8, "t": 28, "b": 56}
FEW = 12  # heads in a layer whose values still fit into their cells
HEAD, WORDS = "Head", "In words"


def head_name(layer: int, head: int) -> str:
    """A head (from 0) as people call it: "L3 H4"."""
    return f"L{layer + 1} H{head + 1}"


def head_table(values: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """A column for each measure ``[layer, head]``, after the head's name and its habit in words; a row a head.

    None stands where a measure is undefined. The heads come layer by layer.
    """
    heads = list(np.ndindex(next(iter(values.values())).shape))
    columns = {name: [float(value[head]) for head in heads] for name, value in values.items()}
    words = [describe({name: column[row] for name, column in columns.items()}) for row in range(len(heads))]
    return {
        HEAD: [head_name(*head) for head in heads],
        WORDS: words,
        **{name: [None if np.isnan(value) else value for value in column] for name, column in columns.items()},
    }


def measure_heatmap(
    measure: Measure, values: np.ndarray, chosen: tuple[int, int] | None = None, *, theme: Theme = LIGHT
) -> go.Figure:
    """One measure of all heads: layers down, heads across, ``values`` ``[layer, head]``; NaN stays empty.

    The colours span what the measure can be, so that two sentences compare; without a bound, up to the
    largest value. ``chosen`` (layer, head from 0) is framed.
    """
    n_layers, n_heads = values.shape
    scale = theme.diverging if measure.low < 0 else theme.scale
    high = measure.high if measure.high is not None else float(np.nan_to_num(values).max()) or 1.0
    figure: dict[str, Any] = {
        "data": [
            {
                "type": "heatmap",
                "z": values,
                "x": [f"H{head + 1}" for head in range(n_heads)],
                "y": [f"L{layer + 1}" for layer in range(n_layers)],
                "zmin": measure.low,
                "zmax": high,
                "colorscale": [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
                "xgap": 1,
                "ygap": 1,
                "hoverongaps": False,
                "hovertemplate": f"%{{y}} %{{x}}<br>{measure.name} <b>%{{z:.3f}}</b><extra></extra>",
                "colorbar": {
                    "title": {"text": measure.unit or measure.name, "side": "bottom"},
                    "orientation": "h",
                    "thickness": 10,
                    "y": 0,
                    "yanchor": "top",
                    "ypad": 10,
                    "outlinewidth": 0,
                    "nticks": 5,
                },
            }
        ],
        "layout": {
            "height": MARGIN["t"] + MARGIN["b"] + n_layers * ROW_HEIGHT,
            "margin": MARGIN,
            "font": {"family": FONT, "size": 12, "color": theme.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": _axis(side="top"),
            "yaxis": _axis(autorange="reversed", ticklabelstandoff=6),
            "shapes": [] if chosen is None else [_frame(*chosen, theme)],
            "annotations": _numbers(values, (values - measure.low) / (high - measure.low), scale),
            "template": "none",
        },
    }
    return go.Figure(figure)


def _numbers(values: np.ndarray, levels: np.ndarray, scale: Sequence[str]) -> list[dict[str, Any]]:
    """The value in each cell ``[layer, head]`` that has one, where there is room, in ink that can be read on it."""
    colours = coloured(np.nan_to_num(levels), scale)
    return [
        {
            "x": head,
            "y": layer,
            "text": f"{values[layer, head]:.2f}",
            "showarrow": False,
            "font": {"color": ink(colours[layer, head])},
        }
        for layer, head in np.ndindex(values.shape)
        if values.shape[1] <= FEW and not np.isnan(values[layer, head])
    ]


def _axis(**options: Any) -> dict[str, Any]:
    return {"type": "category", "showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True, **options}


def _frame(layer: int, head: int, theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect",
        "x0": head - 0.5,
        "x1": head + 0.5,
        "y0": layer - 0.5,
        "y1": layer + 0.5,
        "line": {"color": theme.accent, "width": 2},
    }
