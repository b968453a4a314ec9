"""The mean over heads, of a layer or of all, as a map of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from viz.look.picture import layer_number

Mean = Literal["", "layer", "all"]
"""Whose mean is on show: of the heads of a layer, of all heads; "" for a head itself."""


def means_there_are(n_layers: int, n_heads: int) -> tuple[Mean, ...]:
    """The means that are no map which is there already: with one head a layer none, with one layer not that of all."""
    if n_heads == 1:
        return ()
    return ("layer",) if n_layers == 1 else ("layer", "all")


def alone(pattern: np.ndarray, layer: int, head: int, mean: Mean = "") -> np.ndarray:
    """Of ``[layer, head, query, key]`` what is on show, as ``[1, 1, query, key]``: a head, or a mean."""
    if mean == "all":
        return pattern.mean(axis=(0, 1), keepdims=True)
    if mean == "layer":
        return pattern[layer : layer + 1].mean(axis=1, keepdims=True)
    return pattern[layer : layer + 1, head : head + 1]


def on_show(layer: int, head: int, mean: Mean = "", numbers: Sequence[int] = ()) -> str:
    """What is on show, layer and head from 0, as it is called: "layer 4, head 4"; ``numbers`` as
    :func:`viz.look.picture.layer_number` takes them."""
    number = layer_number(layer, numbers)
    if mean == "all":
        return "mean of all heads"
    return f"layer {number}, mean of its heads" if mean == "layer" else f"layer {number}, head {head + 1}"
