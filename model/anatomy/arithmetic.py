"""What a Transformer layer computes, written out in NumPy for one query: a second opinion on every number.

Nothing here calls the model. Arrays are taken as shown on screen, the arithmetic is done in float64, and all functions
return float64. Sections are those of Vaswani et al. 2017.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def scaled(x: np.ndarray, *, by: float) -> np.ndarray:
    """Every number times ``by``."""
    return x.astype(np.float64) * by


def looked_up(*, rows: np.ndarray, by: float) -> np.ndarray:
    """The rows ``[token, d_model]`` of the embedding matrix times ``by``, √d_model (section 3.4)."""
    return scaled(rows, by=by)


def read_off(*, table: np.ndarray) -> np.ndarray:
    """The numbers of a learned table, as they stand."""
    return table.astype(np.float64)


def added(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The elementwise sum."""
    return a.astype(np.float64) + b


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The elementwise product."""
    return a.astype(np.float64) * b


def added_to_row(x: np.ndarray, b: np.ndarray, *, row: int) -> np.ndarray:
    """One row of ``x`` ``[token, d_model]``, plus ``b`` ``[d_model]``."""
    return added(x[row], b)


def normalised(x: np.ndarray, *, gain: np.ndarray, shift: np.ndarray, epsilon: float) -> np.ndarray:
    """LayerNorm over the last axis (Ba et al. 2016, equations 3 and 4)."""
    x = x.astype(np.float64)
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * gain + shift


def mapped(x: np.ndarray, *, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """``x W + b``: ``[..., in]`` to ``[..., out]``, with ``weight`` ``[in, out]``."""
    return x.astype(np.float64) @ weight.astype(np.float64) + bias


def mapped_row(x: np.ndarray, *, row: int, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """:func:`mapped` for one row of ``x``."""
    return mapped(x[row], weight=weight, bias=bias)


def rotated(x: np.ndarray, *, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """Each pair along the last axis turned by its angle (Su et al. 2021, equation 34)."""
    x = x.astype(np.float64)
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack((a * cos - b * sin, a * sin + b * cos), axis=-1).reshape(x.shape)


def products(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The dot product of the query ``[d_head]`` with each key ``[key, d_head]``."""
    return key.astype(np.float64) @ query.astype(np.float64)


def divided(scores: np.ndarray, *, by: float) -> np.ndarray:
    """Every number over ``by``, √d_head (equation 1)."""
    return scores.astype(np.float64) / by


def masked(scores: np.ndarray, *, allowed: np.ndarray) -> np.ndarray:
    """Minus infinity where ``allowed``, boolean of the same shape, is False (section 3.2.3)."""
    return np.where(allowed, scores.astype(np.float64), -np.inf)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Weights that sum to 1 over the last axis, or to 0 where every score is minus infinity."""
    scores = scores.astype(np.float64)
    largest = scores.max(-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(largest), largest, 0.0))
    return powers / np.maximum(powers.sum(-1, keepdims=True), np.finfo(np.float64).tiny)


def weighted(weights: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Each value ``[key, d_head]`` times its weight ``[key]``."""
    return weights.astype(np.float64)[:, None] * value


def summed(parts: np.ndarray) -> np.ndarray:
    """The sum over the first axis."""
    return parts.astype(np.float64).sum(0)


def attended(
    x: np.ndarray,
    memory: np.ndarray,
    *,
    n_heads: int,
    allowed: np.ndarray,
    w_query: np.ndarray,
    b_query: np.ndarray,
    w_key: np.ndarray,
    b_key: np.ndarray,
    w_value: np.ndarray,
    b_value: np.ndarray,
    row: int,
    cos: np.ndarray | None = None,
    sin: np.ndarray | None = None,
    factor: np.ndarray | float = 1.0,
    bias: np.ndarray | float = 0.0,
) -> np.ndarray:
    """What every head gathers for one row of ``x`` (section 3.2.2), ``[head, d_head]``.

    Args:
        x: ``[token, d_model]``.
        memory: ``[key, d_model]``.
        n_heads: how many heads share the ``d_model`` columns of each weight ``[d_model, d_model]``.
        allowed: boolean ``[key]``.
        w_query: with the five that follow, the weights and biases that give queries, keys and values.
        row: which row of ``x`` is the query.
        cos: with ``sin``, of the angles of a rotary encoding, ``[token, d_head / 2]``.
        factor: of a positional encoding, ``[head, key]``.
        bias: likewise.
    """

    def split(x: np.ndarray) -> np.ndarray:  # [position, d_model] -> [head, position, d_head]
        return x.reshape(len(x), n_heads, -1).swapaxes(0, 1)

    query = split(mapped(x[row : row + 1], weight=w_query, bias=b_query))
    key, value = split(mapped(memory, weight=w_key, bias=b_key)), split(mapped(memory, weight=w_value, bias=b_value))
    if cos is not None and sin is not None:
        query, key = rotated(query, cos=cos[row], sin=sin[row]), rotated(key, cos=cos, sin=sin)
    scores = divided((key @ query.swapaxes(1, 2))[..., 0], by=math.sqrt(key.shape[-1]))  # [head, key]
    weights = softmax(masked(scores * factor + bias, allowed=allowed))
    return (weights[..., None] * value).sum(1)


def beside(head_output: np.ndarray, x: np.ndarray, memory: np.ndarray, *, head: int, **options: Any) -> np.ndarray:
    """The outputs of all heads: ``head_output`` for ``head`` (from 0), the others from :func:`attended`."""
    heads = attended(np.atleast_2d(x), memory, **options)
    heads[head] = head_output
    return heads


def joined(heads: np.ndarray, *, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The outputs of the heads side by side, ``[head, d_head]``, through W_O (section 3.2.2): ``[d_model]``."""
    return mapped(heads.reshape(-1), weight=weight, bias=bias)


def rectified(x: np.ndarray, *, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """``max(0, x W + b)``, the inner half of the feed-forward layer (section 3.3)."""
    return np.maximum(mapped(x, weight=weight, bias=bias), 0.0)


def gelu(x: np.ndarray, *, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """``GELU(x W + b)`` with ``GELU(z) = z Φ(z)`` (Hendrycks and Gimpel 2016, section 2)."""
    z = mapped(x, weight=weight, bias=bias)
    return z * 0.5 * (1 + _erf(z / math.sqrt(2)))


def attention_sublayer(
    x: np.ndarray,
    memory: np.ndarray | None = None,
    *,
    pre: bool,
    gain: np.ndarray,
    shift: np.ndarray,
    epsilon: float,
    w_output: np.ndarray,
    b_output: np.ndarray,
    row: int,
    **options: Any,
) -> np.ndarray:
    """A whole attention sublayer with its residual and LayerNorm, for one row of ``x``: ``[d_model]``.

    Without ``memory`` it is self-attention. ``pre`` says whether LayerNorm comes before the attention or
    after the sum; ``options`` are those of :func:`attended`.
    """
    x = np.atleast_2d(x)
    norm = {"gain": gain, "shift": shift, "epsilon": epsilon}
    inner = normalised(x, **norm) if pre else x
    heads = attended(inner, inner if memory is None else memory, row=row, **options)
    total = x[row] + joined(heads, weight=w_output, bias=b_output)
    return total if pre else normalised(total, **norm)
