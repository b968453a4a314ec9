"""Dropout (Srivastava et al. 2014), several times faster on a CPU than the usual implementation."""

from __future__ import annotations

import torch
from torch import Tensor


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Zero each element with probability ``p`` and scale the rest so that the mean is kept.

    The usual implementation draws one random float per element, which on a CPU costs more than the
    matrix products around it. Here one byte decides, eight to a draw, so ``p`` is rounded to a
    multiple of 1/256; the scale uses the rounded value, so the expectation is exact.

    Args:
        x: any shape.
        p: probability, at least 0 and below 1.
        training: outside training, ``x`` is returned as it is.
    """
    dropped = min(255, round(256 * p))  # 256 would leave nothing to scale
    if not training or not dropped:
        return x
    n = x.numel()
    draws = torch.empty((n + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
    keep = draws.view(torch.uint8)[:n].view(x.shape) >= dropped
    return x * (keep.to(x.dtype) * (256 / (256 - dropped)))
