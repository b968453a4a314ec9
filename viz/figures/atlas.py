"""What each head does, as a table and as a picture: pure functions of the measures' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from model.heads.measures import Measure
from viz.figures.plot import MARGIN as PLOT_MARGIN
from viz.figures.plot import axis, cell_axis, colour_bar_below, figure, frame, heatmap, note
from viz.look.geometry import FEW, MEASURE_ROW, head_label, head_name, layer_label
from viz.look.measured import measured
from viz.look.theme import LIGHT, Theme, ink

MARGIN = {"l": 40, "r": 8, "t": 28, "b": 56}
APART = (0.11, 0.07)  # of the plot's width and height, from one point with a name to the next
HEAD, WORDS = "Head", "In words"


def head_table(
    values: Mapping[str, np.ndarray], words: Sequence[str], numbers: Sequence[int] = ()
) -> dict[str, list[Any]]:
    """A column for each measure ``[layer, head]``, after the head's name and its habit in ``words``; a row a head.

    None stands where a measure is undefined. The heads come layer by layer; ``numbers`` are what the layers are called.
    """
    heads = list(np.ndindex(next(iter(values.values())).shape))
    columns = {name: [float(value[head]) for head in heads] for name, value in values.items()}
    return {
        HEAD: [head_name(*head, numbers=numbers) for head in heads],
        WORDS: list(words),
        **{name: [None if np.isnan(value) else value for value in column] for name, column in columns.items()},
    }


def measure_heatmap(
    measure: Measure,
    values: np.ndarray,
    chosen: tuple[int, int] | None = None,
    *,
    numbers: Sequence[int] = (),
    theme: Theme = LIGHT,
) -> go.Figure:
    """One measure of all heads: layers down, heads across, ``values`` ``[layer, head]``; NaN stays empty.

    The colours are those of :func:`viz.look.measured.measured`; ``chosen`` (layer, head from 0) is framed.
    """
    n_layers, n_heads = values.shape
    shown = measured(measure, values, theme)
    trace = heatmap(
        values, shown.stops, shown.low, shown.high,
        x=[*map(head_label, range(n_heads))],
        y=[layer_label(layer, numbers) for layer in range(n_layers)],
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


def measure_scatter(
    across: Measure,
    up: Measure,
    values: Mapping[str, np.ndarray],
    chosen: tuple[int, int] | None = None,
    *,
    numbers: Sequence[int] = (),
    theme: Theme = LIGHT,
) -> go.Figure:
    """Two measures of all heads against each other, a point a head, in the order of :func:`head_table`.

    A head of which one is undefined has no point; ``chosen`` (layer, head from 0) stands out.
    """
    heads = list(np.ndindex(values[across.name].shape))
    places = np.stack([values[one.name].reshape(-1) for one in (across, up)], axis=-1)  # [head, 2]
    x, y = ([None if np.isnan(one) else float(one) for one in along] for along in places.T)
    picked = [head == chosen for head in heads]
    named = _with_room(places, [i for i, one in enumerate(picked) if one])
    dots = {
        "type": "scatter",
        "mode": "markers+text",
        "x": x,
        "y": y,
        "text": [head_name(*head, numbers=numbers) if i in named else "" for i, head in enumerate(heads)],
        "hovertext": [head_name(*head, numbers=numbers) for head in heads],
        "textposition": "top center",
        "cliponaxis": False,
        # Which head is chosen, its marker says; what Plotly takes for selected may have been clicked long ago.
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}, "textfont": {"color": theme.text}},
        "marker": {
            "opacity": 1,
            "size": [14 if one else 9 for one in picked],
            "color": [theme.accent if one else theme.primary for one in picked],
        },
        "hovertemplate": f"%{{hovertext}}<br>{across.name} <b>%{{x:.3f}}</b><br>"
        f"{up.name} <b>%{{y:.3f}}</b><extra></extra>",
    }
    return figure(
        [dots],
        theme,
        margin={**PLOT_MARGIN, "t": 28},
        xaxis=axis(_named(across), theme),
        yaxis=axis(_named(up), theme),
    )


def _with_room(places: np.ndarray, first: Sequence[int]) -> set[int]:
    """Points ``[point, 2]`` whose names do not lie over each other: the ``first`` ones, and others in turn."""
    known = np.flatnonzero(~np.isnan(places).any(-1))
    low, high = (places[known].min(axis=0), places[known].max(axis=0)) if len(known) else (0, 1)
    shares = (places - low) / np.maximum(high - low, 1e-9)
    found: list[int] = []
    for i in (*np.intersect1d(first, known), *known):
        if not any((np.abs(shares[i] - shares[j]) < APART).all() for j in found):
            found.append(int(i))
    return set(found)


def _named(one: Measure) -> str:
    return f"{one.name.capitalize()} ({one.unit})" if one.unit else one.name.capitalize()


def _numbers(values: np.ndarray, colours: np.ndarray) -> list[dict[str, Any]]:
    """The value in each cell ``[layer, head]`` that has one, where there is room, in ink that can be read on it."""
    return [
        note(f"{values[layer, head]:.2f}", x=head, y=layer, font={"color": ink(colours[layer, head])})
        for layer, head in np.ndindex(values.shape)
        if values.shape[1] <= FEW and not np.isnan(values[layer, head])
    ]


def _frame(layer: int, head: int, theme: Theme) -> dict[str, Any]:
    return frame(theme, x0=head - 0.5, x1=head + 0.5, y0=layer - 0.5, y1=layer + 0.5)
