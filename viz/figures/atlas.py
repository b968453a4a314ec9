"""What each head does, as a table and as a picture: pure functions of the measures' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from model.heads.measures import Measure
from viz.figures.plot import cell_axis, colour_bar_below, figure, frame, heatmap, note
from viz.look.geometry import FEW, MEASURE_ROW, head_label, head_name, layer_label
from viz.look.measured import measured
from viz.look.theme import LIGHT, Theme, ink

MARGIN = {"l": 40, "r": 8, "t": 28, "b": 56}
HEAD, WORDS = "Head", "In words"


def head_table(values: Mapping[str, np.ndarray], words: Sequence[str]) -> dict[str, list[Any]]:
    """A column for each measure ``[layer, head]``, after the head's name and its habit in ``words``; a row a head.

    None stands where a measure is undefined. The heads come layer by layer.
    """
    heads = list(np.ndindex(next(iter(values.values())).shape))
    columns = {name: [float(value[head]) for head in heads] for name, value in values.items()}
    return {
        HEAD: [head_name(*head) for head in heads],
        WORDS: list(words),
        **{name: [None if np.isnan(value) else value for value in column] for name, column in columns.items()},
    }


def measure_heatmap(
    measure: Measure, values: np.ndarray, chosen: tuple[int, int] | None = None, *, theme: Theme = LIGHT
) -> go.Figure:
    """One measure of all heads: layers down, heads across, ``values`` ``[layer, head]``; NaN stays empty.

    The colours are those of :func:`viz.look.measured.measured`; ``chosen`` (layer, head from 0) is framed.
    """
    n_layers, n_heads = values.shape
    shown = measured(measure, values, theme)
    trace = heatmap(
        values, shown.stops, shown.low, shown.high,
        x=[*map(head_label, range(n_heads))],
        y=[*map(layer_label, range(n_layers))],
        xgap=1, ygap=1, hoverongaps=False,
        hovertemplate=f"%{{y}} %{{x}}<br>{measure.name} <b>%{{z:.3f}}</b><extra></extra>",
        colorbar=colour_bar_below(measure.unit or measure.name, nticks=5),
    )  # fmt: skip
    cells = cell_axis(type="category", fixedrange=True)
    return figure(
        [trace],
        theme,
        height=MARGIN["t"] + MARGIN["b"] + n_layers * MEASURE_ROW,
        margin=MARGIN,
        xaxis={**cells, "side": "top"},
        yaxis={**cells, "autorange": "reversed", "ticklabelstandoff": 6},
        shapes=[] if chosen is None else [_frame(*chosen, theme)],
        annotations=_numbers(values, shown.colours),
    )


def _numbers(values: np.ndarray, colours: np.ndarray) -> list[dict[str, Any]]:
    """The value in each cell ``[layer, head]`` that has one, where there is room, in ink that can be read on it."""
    return [
        note(f"{values[layer, head]:.2f}", x=head, y=layer, font={"color": ink(colours[layer, head])})
        for layer, head in np.ndindex(values.shape)
        if values.shape[1] <= FEW and not np.isnan(values[layer, head])
    ]


def _frame(layer: int, head: int, theme: Theme) -> dict[str, Any]:
    return frame(theme, x0=head - 0.5, x1=head + 0.5, y0=layer - 0.5, y1=layer + 0.5)
