"""Cells that a row may not look at, and the strokes across them: they are not zeros, but hollow and hatched."""

from __future__ import annotations

import numpy as np

from model.trace import AttentionMap
from viz.look.picture import Picture

MASKED = "hatched: masked"
"""Said in a legend where there are such cells."""
APART = 9
"""The least pixels, along a row, from a stroke to the next."""
Stroke = tuple[tuple[float, float], tuple[float, float]]
"""The ends ``(x, y)`` of a line, in cells."""


def masked(attention_map: AttentionMap) -> np.ndarray:
    """Bool ``[query, key]``: in a decoder, the tokens that come after each query."""
    n_queries, n_keys = attention_map.pattern.shape[2:]
    if attention_map.kind != "decoder":
        return np.zeros((n_queries, n_keys), dtype=bool)
    keys = np.arange(n_keys)
    return (keys > np.arange(n_queries)[:, None]) & (keys < len(attention_map.looked_at))


def masked_cells(shown: Picture, layer: int, head: int) -> np.ndarray:
    """Bool ``[row, column]``: the same in a picture, whose rows and columns may be whole words; what has any weight is
    not among them."""
    weights = shown.pattern[layer, head]
    if shown.kind != "decoder":
        return np.zeros(weights.shape, dtype=bool)
    ends = np.array([places[-1] for places in shown.row_places])
    begins = np.array([places[0] for places in shown.column_places])
    n = len(begins) if shown.n_tokens is None else shown.n_tokens
    return (begins > ends[:, None]) & (begins < n) & (weights == 0)


def runs(cells: np.ndarray) -> list[tuple[int, int]]:
    """For each row of ``cells``, bool ``[row, column]``, the last run of columns [from, to) that are true; empty where
    no row has one."""
    return list(map(_last_run, cells)) if cells.any() else []


def _last_run(row: np.ndarray) -> tuple[int, int]:
    end = int(np.flatnonzero(row)[-1]) + 1 if row.any() else 0
    others = np.flatnonzero(~row[:end])
    return (int(others[-1]) + 1 if len(others) else 0), end


def strokes(cells: np.ndarray, size: float) -> list[Stroke]:
    """Rising lines across the ``cells`` that are true, bool ``[row, column]``, each ``size`` pixels wide."""
    every = max(1, round(APART / max(size, 0.01)))
    found: list[Stroke] = []
    n_rows, n_columns = cells.shape
    for place in range(0, n_rows + n_columns - 1, every):  # row and column add up to it
        rows = np.arange(max(0, place - n_columns + 1), min(n_rows, place + 1))
        inside = np.concatenate([[False], cells[rows, place - rows], [False]])
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        for begin, end in edges.reshape(-1, 2) + (rows[0] if len(rows) else 0):
            found.append(((float(place - end + 1), float(end)), (float(place - begin + 1), float(begin))))
    return found
