"""What an encoding makes of a token in another position: the arithmetic behind the page Positions."""

from __future__ import annotations

import math

import numpy as np
import torch

from model.capture import attention_at, watch
from model.checkpoint import Checkpoint
from model.network.positional import BASE, Encoding, rotated
from model.trace import Trace


def wavelengths(d_model: int) -> np.ndarray:
    """The number of positions after which each pair of sinusoidal dimensions repeats, ``[d_model / 2]``.

    ``2π · 10000^(2i/d_model)`` (Vaswani et al. 2017, section 3.5).
    """
    return 2 * math.pi * BASE ** (np.arange(0, d_model, 2) / d_model)


def shift_matrix(shift: int, d_model: int) -> np.ndarray:
    """The single matrix that moves every sinusoidal vector on by ``shift``: ``PE[pos + shift] = M PE[pos]``.

    By ``sin(a+b) = sin a cos b + cos a sin b`` and ``cos(a+b) = cos a cos b - sin a sin b`` each pair of
    dimensions is turned by the same angle at every position (Vaswani et al. 2017, section 3.5, say it exists).

    Returns:
        ``[d_model, d_model]``, float64, a 2×2 block for each pair.
    """
    matrix = np.zeros((d_model, d_model))
    for first, angle in zip(range(0, d_model, 2), shift * 2 * math.pi / wavelengths(d_model), strict=True):
        cos, sin = math.cos(angle), math.sin(angle)
        matrix[first : first + 2, first : first + 2] = [[cos, sin], [-sin, cos]]
    return matrix


def shift_residual(table: np.ndarray, shift: int) -> float:
    """The largest error of ``M PE[pos]`` against ``PE[pos + shift]``, over all positions of ``[position, d_model]``."""
    n = len(table) - shift
    moved = table[:n] @ shift_matrix(shift, table.shape[1]).T
    return float(np.abs(moved - table[shift:]).max(initial=0.0))


def similarity(table: np.ndarray) -> np.ndarray:
    """The cosine between the vectors of every pair of positions, ``[position, position]``; 0 if either vector is
    zero."""
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    directions = np.divide(table, norms, out=np.zeros_like(table), where=norms > 0)
    return directions @ directions.T


def queries_keys(checkpoint: Checkpoint, trace: Trace) -> tuple[torch.Tensor, torch.Tensor]:
    """The queries and keys of the first layer that reads the source, before any rotation, ``[head, position, d_head]``.

    Raises:
        ValueError: the trace has no token ids.
    """
    points = watch(checkpoint, trace, ("query", "key")).within(*attention_at(trace.kinds[0], 0))
    return points["query"][0], points["key"][0]


@torch.inference_mode()
def turned_scores(encoding: Encoding, query: torch.Tensor, key: torch.Tensor, n: int) -> np.ndarray:
    """The score of one query and one key, ``[d_head]``, rotated to every pair of ``n`` positions.

    Returns:
        ``[query position, key position]``, divided by √d_head as in attention.

    Raises:
        ValueError: the encoding has no rotation.
    """
    rotation = encoding.rotation(torch.arange(n))
    if rotation is None:
        raise ValueError(f"the encoding {encoding.config.positional!r} does not rotate queries and keys")
    queries, keys = (rotated(vector.expand(n, -1), rotation) for vector in (query, key))
    return (queries @ keys.T / math.sqrt(len(query))).numpy()


def spread_by_distance(scores: np.ndarray) -> float:
    """The largest difference between two cells of ``[n, n]`` at the same distance: 0 if only distance matters."""
    n = len(scores)
    diagonals = (scores.diagonal(offset) for offset in range(1 - n, n))
    return float(max(diagonal.max() - diagonal.min() for diagonal in diagonals))


@torch.inference_mode()
def bias_by_distance(encoding: Encoding, farthest: int, *, causal: bool) -> np.ndarray:
    """The bias of each distance, key minus query, from ``-farthest`` to ``farthest`` (0 if ``causal``).

    Returns:
        ``[head, distance]``.

    Raises:
        ValueError: the encoding has no bias.
    """
    keys = torch.arange(farthest + 1 if causal else 2 * farthest + 1)
    bias = encoding.bias(torch.tensor([farthest]), keys, causal=causal)
    if bias is None:
        raise ValueError(f"the encoding {encoding.config.positional!r} adds no bias to the scores")
    return bias[:, 0].numpy()
