"""Scaled dot-product and multi-head attention (Vaswani et al. 2017, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.network.dropout import dropout
from model.network.positional import OnScores, rotated
from model.network.taps import UNTAPPED, Taps
from model.text.tokenizer import PAD_ID

NOWHERE = OnScores()
"""No positional encoding, or one that acts only on the embedded input."""


class KeyValue(NamedTuple):
    """The keys and values of one layer, each ``[batch, head, key, d_head]``."""

    key: Tensor
    value: Tensor


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    drop: float = 0.0,
    bias: Tensor | None = None,
    factor: Tensor | None = None,
    taps: Taps = UNTAPPED,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, ``softmax(factor · Q Kᵀ / √d_head + bias) V`` (equation 1: factor 1, bias 0).

    Args:
        query: ``[..., query, d_head]``.
        key: ``[..., key, d_head]``.
        value: ``[..., key, d_head]``.
        mask: boolean, broadcastable to ``[..., query, key]``; True where attention is allowed.
        drop: probability of dropping a weight on its way to the output.
        bias: of a positional encoding, broadcastable to ``[..., query, key]``.
        factor: likewise.
        taps: watch the scores, the pattern and the output of each head.

    Returns:
        ``(output, pattern)``: ``[..., query, d_head]``, and the weights ``[..., query, key]`` before
        dropout. A row of the pattern sums to 1, or to 0 where the mask allows nothing; masked cells
        are exactly 0.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if factor is not None:
        scores = scores * factor
    if bias is not None:
        scores = scores + bias
    scores = taps("scores", scores)
    if mask is None:
        pattern = scores.softmax(dim=-1)
    else:
        # The lowest finite number rather than -inf, so that a row with nothing allowed gives zeros, not NaN.
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        pattern = scores.softmax(dim=-1).masked_fill(~mask, 0.0)
    pattern = taps("pattern", pattern)
    return taps("head_output", dropout(pattern, drop, training=drop > 0) @ value), pattern


class MultiHeadAttention(nn.Module):
    """Attention in ``n_heads`` subspaces in parallel (section 3.2.2): W_Q, W_K, W_V and W_O."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.drop = config.attention_dropout
        self.query = nn.Linear(config.d_model, config.d_model)
        self.key = nn.Linear(config.d_model, config.d_model)
        self.value = nn.Linear(config.d_model, config.d_model)
        self.output = nn.Linear(config.d_model, config.d_model)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        on_scores: OnScores = NOWHERE,
        taps: Taps = UNTAPPED,
    ) -> tuple[Tensor, Tensor]:
        """Attend from ``x`` to ``memory`` (the same tensor for self-attention).

        Args:
            x: ``[batch, query, d_model]``.
            memory: ``[batch, key, d_model]``.
            mask: as in :func:`attention`, broadcastable to ``[batch, head, query, key]``.
            on_scores: what a positional encoding does here; only in self-attention.
            taps: watch the points of this attention (:mod:`model.network.taps`).

        Returns:
            ``(output, pattern)``: ``[batch, query, d_model]`` and ``[batch, head, query, key]``.
        """
        drop = self.drop if self.training else 0.0
        query, (key, value) = self._split(self.query(x)), self.keys_values(memory)
        query, key, value = taps("query", query), taps("key", key), taps("value", value)
        if on_scores.rotation is not None:
            query = taps("turned_query", rotated(query, on_scores.rotation))
            key = taps("turned_key", rotated(key, on_scores.rotation))
        output, pattern = attention(query, key, value, mask, drop, on_scores.bias, on_scores.factor, taps)
        output = self.output(output.transpose(1, 2).flatten(2))  # [b, h, q, d_head] -> [b, q, d_model]
        return taps("output", output), pattern

    def keys_values(self, memory: Tensor) -> KeyValue:
        """Project ``[batch, key, d_model]`` to keys and values; a decoder keeps them between its steps."""
        return KeyValue(self._split(self.key(memory)), self._split(self.value(memory)))

    def _split(self, x: Tensor) -> Tensor:
        # [batch, position, d_model] -> [batch, head, position, d_head]
        return x.view(x.size(0), x.size(1), self.n_heads, -1).transpose(1, 2)


def padding_mask(ids: Tensor, pad_id: int) -> Tensor:
    """Which keys are tokens rather than padding: ``[batch, key]`` -> boolean ``[batch, 1, 1, key]``."""
    return (ids != pad_id)[:, None, None, :]


def causal_mask(n: int, device: torch.device | None = None) -> Tensor:
    """Which positions each of ``n`` positions may see, namely itself and those before it: boolean ``[query, key]``.

    Section 3.2.3.
    """
    return torch.ones(n, n, dtype=torch.bool, device=device).tril()


def pad(rows: Sequence[np.ndarray] | Sequence[Sequence[int]]) -> Tensor:
    """Rows of ids of different lengths as one ``[batch, longest]`` tensor, padded on the right."""
    padded = np.full((len(rows), max(map(len, rows))), PAD_ID, dtype=np.int64)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return torch.from_numpy(padded)
