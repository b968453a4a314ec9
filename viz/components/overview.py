"""All layers × heads of one kind at a glance; a click chooses a head."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypedDict

import numpy as np

from viz.components.sources import component, script, style
from viz.look.means import Mean
from viz.look.picture import Picture, Scale, layer_number, scaled
from viz.look.theme import Theme
from viz.look.thumbnails import fitting, thumbnails

HTML = """<div class="overview"><div class="scroller"><div class="names" aria-hidden="true"></div>
<canvas tabindex="0" role="group"></canvas></div><p></p></div>"""


class OverviewData(TypedDict):
    """What ``overview.js`` draws: ``weights`` are bytes, ``[panel, row, column]``, ``shape`` counts the last two.

    ``chosen`` is a layer and a head from 0; a mean of a layer comes after its heads, that of
    all heads after the last of those.
    ``numbers`` are what the layers are called.
    ``group`` heads beside each other share their keys and values (1: none do).
    ``means_open``: a click chooses means as well.
    """

    layers: int
    numbers: list[int]
    heads: int
    group: int
    means: bool
    means_open: bool
    shape: tuple[int, int]
    weights: str
    chosen: tuple[int, int]
    scale: tuple[str, ...]
    accent: str


def overview(data: OverviewData, *, key: str, on_choose: Callable[[], None]) -> None:
    """Draw every head as a small heatmap and mark the chosen one.

    Args:
        data: of :func:`overview_data`.
        key: of the component's state. A click, or an arrow key, sets ``chosen`` there to
            ``{"layer": …, "head": …}``, from 0.
        on_choose: is called then.
    """
    show = component("headlight_overview", HTML, style("overview"), script("overview"))
    show(key=key, data=data, on_chosen_change=on_choose)


def overview_data(
    picture: Picture,
    layer: int,
    head: int,
    *,
    theme: Theme,
    scale: Scale = "linear",
    each_head: bool = False,
    means: bool = False,
    mean: Mean | None = None,
) -> OverviewData:
    """What ``overview.js`` draws.

    Weights travel as one byte each: a panel is a few dozen pixels wide, finer steps cannot be seen.

    Args:
        picture: what to draw from.
        layer: from 0.
        head: from 0.
        theme: the colours.
        scale: from weight to colour.
        each_head: give the strongest colour to the largest weight of each panel, not to a weight of 1.
        means: add the mean over the heads of each layer, and over all.
        mean: which mean is chosen in place of the head; None where means cannot be chosen.
    """
    layers, heads = picture.pattern.shape[:2]
    panels = thumbnails(picture.pattern, means, fitting(layers * heads))  # [panel, row, column]
    if each_head:
        panels = panels / np.maximum(panels.max(axis=(1, 2), keepdims=True), 1e-9)
    weights = np.rint(255 * scaled(panels, scale)).astype(np.uint8)
    return {
        "layers": layers,
        "numbers": [layer_number(one, picture.layer_numbers) for one in range(layers)],
        "heads": heads,
        "group": picture.n_sharing,
        "means": means,
        "means_open": mean is not None,
        "shape": (weights.shape[1], weights.shape[2]),
        "weights": base64.b64encode(weights.tobytes()).decode("ascii"),
        "chosen": (layers if mean == "all" else layer, heads if mean else head),
        "scale": theme.scale,
        "accent": theme.accent,
    }
