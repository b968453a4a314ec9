"""One head as a heatmap that keeps its place while a person types; hovering needs no server, a click pins a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

import numpy as np

from viz.components.followed import PartData
from viz.components.sources import component, loaded, packed, script, style
from viz.look.hatching import MASKED, masked_cells, runs
from viz.look.picture import Picture, Scale, Zoom
from viz.look.theme import Theme, short_token

LEGEND, CHANGE_LEGEND = "attention weight", "change of weight"
AXES = ("Attends to →", "Attends from ↓")
TERMS = ("(key)", "(query)")
HTML = """<div class="head-map">
<canvas></canvas>
<svg tabindex="0" role="img" aria-label="One head">
<defs><linearGradient></linearGradient></defs>
<text class="corner"></text><text class="corner"></text><text class="corner"></text><text class="corner"></text>
<g class="columns"></g><g class="rows"></g><g class="numbers"></g>
<g class="legend"><rect class="bar"></rect><g class="ticks"></g></g>
<g class="frames"></g><g class="strip-frame"></g><g class="strip"></g>
<rect class="pin"></rect><rect class="box" stroke="currentColor" hidden></rect>
</svg>
<button hidden>Show all</button>
<div class="tip" role="tooltip" hidden></div>
</div>"""


class HeadData(TypedDict):
    """What ``head.js`` draws: ``weights`` are :func:`packed`, ``mode`` is the way from weight to ``scale`` (where it is
    "change": from changes between -1 and 1, which are halved and shifted to be packed), ``zoom``
    the rows and columns in view (None: all); ``across`` and ``down`` are what the axes are, in plain words and in
    the field's. ``together`` are rows whose
    mean is shown, the pinned one among them (empty: no others; None: there can be no others). ``masked`` are, for each
    row, the columns [from, to) that it may not look at (empty: no row has any), ``hatched`` says so in the legend;
    ``marked`` are the cells (row, column) that have a dot."""

    weights: str
    rows: list[str]
    columns: list[str]
    pinned: int | None
    together: list[int] | None
    zoom: Zoom | None
    mode: Scale | Literal["change"]
    scale: tuple[str, ...]
    accent: str
    legend: str
    across: tuple[str, str]
    down: tuple[str, str]
    masked: list[tuple[int, int]]
    marked: list[tuple[int, int]]
    hatched: str
    description: str


def head(
    picture: Picture,
    layer: int,
    head: int,
    *,
    pinned: int | None,
    scale: Scale,
    description: str,
    theme: Theme,
    key: str,
    on_pin: Callable[[], None],
) -> None:
    """Draw one head: rows are queries, columns keys, the colour is the weight.

    Args:
        picture, layer, head, pinned, scale, description, theme: as :func:`head_data` takes them.
        key: of the component's state. A click on a row, or an arrow key, sets ``pinned`` there to
            ``{"row": …}``, from 0 (None: the row that was pinned is let go).
        on_pin: is called then.
    """
    data = head_data(picture, layer, head, pinned=pinned, scale=scale, description=description, theme=theme)
    show = component("headlight_head", HTML, style("head"), script("head"))
    show(key=key, data=data, on_pinned_change=on_pin)


def head_part(name: str, *, on_pin: Callable[[], None]) -> None:
    """The place of the part ``name`` of a page: a heatmap, with :class:`HeadData`. ``on_pin`` as in :func:`head`, with
    ``name`` as the key."""
    show = component("headlight_heatmap", HTML, style("head"), loaded("scripts/heatmap.js", script("heatmap")))
    show(key=name, data=PartData(name=name), on_pinned_change=on_pin)


def head_data(
    picture: Picture,
    layer: int,
    head: int,
    *,
    pinned: int | None,
    scale: Scale,
    description: str,
    theme: Theme,
    together: Sequence[int] | None = None,
    zoom: Zoom | None = None,
    axes: tuple[str, str] = AXES,
) -> HeadData:
    """What ``head.js`` draws.

    Args:
        picture: what to draw from.
        layer: from 0.
        head: from 0.
        pinned: the row that is framed.
        scale: from weight to colour.
        description: in words, for who does not see the picture.
        theme: the colours.
        together: the rows whose mean is shown, ascending and with the pinned one; None where only one can be chosen.
        zoom: the part to show, where there are such rows and columns; else all.
        axes: what columns and rows are, with arrows along them.
    """
    return _data(
        picture.pattern[layer, head],
        picture.rows,
        picture.columns,
        masked_cells(picture, layer, head),
        pinned=pinned,
        together=None if together is None else list(together),
        zoom=zoom if zoom is not None and picture.holds(zoom) else None,
        scale=scale,
        axes=axes,
        description=description,
        theme=theme,
    )


def matrix_data(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    pinned: int,
    masked: np.ndarray | None = None,
    marked: np.ndarray | None = None,
    description: str,
    theme: Theme,
) -> HeadData:
    """What ``head.js`` draws of any weights from 0 to 1, ``[query, key]``, also of those that no head has. ``masked``
    and ``marked`` are bool ``[query, key]``: what a query may not look at, and what has a dot; what is masked and has a
    weight all the same is drawn like any other."""
    none = np.zeros(weights.shape, dtype=bool)
    hidden = none if masked is None else masked & (weights == 0)
    places = [(int(row), int(column)) for row, column in np.argwhere(none if marked is None else marked)]
    return _data(weights, rows, columns, hidden, pinned=pinned, marked=places, description=description, theme=theme)


def change_data(
    change: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, description: str, theme: Theme
) -> HeadData:
    """What ``head.js`` draws of changes of attention weights, ``[query, key]``, from -1 to 1."""
    none = np.zeros(change.shape, dtype=bool)
    drawn = _data((change + 1) / 2, rows, columns, none, pinned=None, description=description, theme=theme)
    return {**drawn, "mode": "change", "scale": theme.diverging, "legend": CHANGE_LEGEND}


def _data(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    hidden: np.ndarray,
    *,
    pinned: int | None,
    description: str,
    theme: Theme,
    together: list[int] | None = None,
    zoom: Zoom | None = None,
    marked: Sequence[tuple[int, int]] = (),
    scale: Scale = "linear",
    axes: tuple[str, str] = AXES,
) -> HeadData:
    masked = runs(hidden)
    return {
        "weights": packed(weights),
        "rows": [short_token(token) for token in rows],
        "columns": [short_token(token) for token in columns],
        "pinned": pinned,
        "together": together,
        "zoom": zoom,
        "mode": scale,
        "scale": theme.scale,
        "accent": theme.accent,
        "legend": LEGEND,
        "across": (axes[0], TERMS[0]),
        "down": (axes[1], TERMS[1]),
        "masked": masked,
        "marked": list(marked),
        "hatched": MASKED if masked else "",
        "description": description,
    }
