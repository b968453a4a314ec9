"""Every head as a small picture of few cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from viz.look.picture import mean_over_heads

MOST_CELLS = 64
"""The most rows or columns of a panel: it is a few dozen pixels wide."""
FEWEST_CELLS, ALL_CELLS = 8, 1_000_000
"""The least of them, and how many cells all panels may have together."""


def fitting(n_panels: int) -> int:
    """The most rows or columns that each of so many panels may have."""
    return max(FEWEST_CELLS, min(MOST_CELLS, int((ALL_CELLS / n_panels) ** 0.5)))


def thumbnails(pattern: np.ndarray, means: bool, most: int = MOST_CELLS) -> np.ndarray:
    """``[panel, row, column]``: the heads by layer, then with ``means`` the mean of each layer and the mean of all."""
    small = thinned(pattern, most)
    layers, heads, rows, columns = small.shape
    panels = [small.reshape(layers * heads, rows, columns)]
    if means:
        by_layer = mean_over_heads(small)
        panels += [by_layer, by_layer.mean(axis=0, keepdims=True)]
    return np.concatenate(panels)


def thinned(pattern: np.ndarray, most: int = MOST_CELLS) -> np.ndarray:
    """A pattern of at most ``most`` rows and columns. Where there are more, the weights on a block of keys are
    summed and those of a block of queries averaged, so a row still sums to 1 and a sharp head is not washed out."""
    for axis in (2, 3):
        n = pattern.shape[axis]
        if n > most:
            edges = block_edges(n, most)
            pattern = np.add.reduceat(pattern, edges[:-1], axis=axis)
            if axis == 2:
                pattern = pattern / np.diff(edges)[:, None]
    return pattern


def block_names(names: Sequence[str], how: str) -> list[str]:
    """What the rows or columns of a thinned pattern are called: by the first and the last of their names, and ``how``
    their weights became one."""
    if len(names) <= MOST_CELLS:
        return list(names)
    blocks = [names[begin:end] for begin, end in pairwise(block_edges(len(names)).tolist())]
    return [block[0] if len(block) == 1 else f"{block[0]} … {block[-1]} ({how})" for block in blocks]


def block_edges(n: int, most: int = MOST_CELLS) -> np.ndarray:
    """Where the blocks of ``n`` rows begin, and where the last ends."""
    return np.arange(most + 1) * n // most
