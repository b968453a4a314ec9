"""One head's attention for all its queries at once, done right and in three common ways that are wrong.

NumPy in float64, from the queries and keys at the points of the model's pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from model.anatomy.arithmetic import softmax
from model.capture import attention_at, watch
from model.checkpoint import Checkpoint
from model.network.taps import Seen
from model.trace import Kind, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadScores:
    """What goes into the softmax of one head; all ``[query, key]``.

    ``bias`` is what a positional encoding adds to the scores, zeros where it adds nothing; ``factor``, ``[query, 1]``,
    what it multiplies them by first.
    """

    products: np.ndarray
    bias: np.ndarray
    allowed: np.ndarray
    d_head: int
    factor: np.ndarray | float = 1.0

    @property
    def scores(self) -> np.ndarray:
        """``q · k / √d_head`` with factor and bias, not yet masked."""
        return self.products / math.sqrt(self.d_head) * self.factor + self.bias


@torch.inference_mode()
def head_scores(
    checkpoint: Checkpoint, trace: Trace, kind: Kind, layer: int, head: int, seen: Seen | None = None
) -> HeadScores:
    """The scores of all queries of a self-attention head; ``layer`` and ``head`` count from 0. ``seen`` is what
    :func:`model.capture.watch` saw in the pass of the trace, if it is there already.

    Raises:
        ValueError: the attention is not self-attention.
    """
    if kind == "cross":
        raise ValueError("cross-attention has no mask to get wrong; take a head of self-attention")
    points = (seen or watch(checkpoint, trace)).within(*attention_at(kind, layer))
    query, key = (points.get(f"turned_{name}", points[name])[0, head].double().numpy() for name in ("query", "key"))
    n, causal = len(key), kind == "decoder"
    _, factor, bias = checkpoint.model.embedding.positional.on_scores(torch.arange(n), causal=causal)
    return HeadScores(
        products=query @ key.T,
        bias=np.zeros((n, n)) if bias is None else bias[head].double().numpy(),
        allowed=np.tri(n, dtype=bool) if causal else np.ones((n, n), dtype=bool),
        d_head=key.shape[1],
        factor=1.0 if factor is None else _of_head(factor, head),
    )


def _of_head(factor: torch.Tensor, head: int) -> np.ndarray:
    """``[1, head or 1, query or 1, 1]`` to ``[query or 1, 1]``."""
    return factor[0, head if factor.size(1) > 1 else 0].double().numpy()


def right(head: HeadScores) -> np.ndarray:
    """Scores, then the mask, then softmax over the keys (Vaswani et al. 2017, equation 1 and section 3.2.3)."""
    return softmax(np.where(head.allowed, head.scores, -np.inf))


def wrong_axis(head: HeadScores) -> np.ndarray:
    """Softmax over the queries: columns sum to 1, rows do not, and an output is no longer a mean of values."""
    return softmax(np.where(head.allowed, head.scores, -np.inf).T).T


def without_scale(head: HeadScores) -> np.ndarray:
    """Dot products that are not divided by √d_head: the softmax is sharper than the model was trained for."""
    return softmax(np.where(head.allowed, head.products * head.factor + head.bias, -np.inf))


def mask_after_softmax(head: HeadScores) -> np.ndarray:
    """The mask applied to the weights, once masked keys have taken their share, so rows sum to less than 1."""
    return np.where(head.allowed, softmax(head.scores), 0.0)


VARIANTS: dict[str, Callable[[HeadScores], np.ndarray]] = {
    "right": right,
    "wrong axis": wrong_axis,
    "no scale": without_scale,
    "mask after softmax": mask_after_softmax,
}
