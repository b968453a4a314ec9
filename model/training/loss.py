"""The training loss: cross-entropy over the vocabulary with label smoothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ROWS_AT_A_TIME = 256  # so that the logits in flight stay in the processor's cache


def linear_cross_entropy(hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy of ``softmax(hidden @ weight.T)`` against smoothed targets.

    Equals ``F.cross_entropy(F.linear(hidden, weight), target, label_smoothing=smoothing)`` (label
    smoothing: Szegedy et al. 2016, section 7), but the logits of all rows never exist at once: for a
    vocabulary of thousands they would be by far the largest array of a training step. The gradients
    are worked out in the same pass. Under autocast the matrix products run in its dtype.

    Args:
        hidden: ``[row, d_model]``.
        weight: ``[vocab, d_model]``.
        target: ``[row]``, indices into the vocabulary.
        smoothing: share of the target spread evenly over the vocabulary.

    Returns:
        A scalar, in nats.
    """
    dtype = torch.get_autocast_dtype(hidden.device.type) if torch.is_autocast_enabled(hidden.device.type) else None
    return _LinearCrossEntropy.apply(hidden, weight, target, smoothing, dtype or hidden.dtype)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float, dtype: torch.dtype
    ) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            rows, vocab = len(hidden), len(weight)
            low_weight = weight.to(dtype)
            # The smoothed part of the target is the same for every row, so its gradient needs no pass over the logits.
            mean_weight = weight.mean(0)
            loss = hidden.new_zeros((), dtype=torch.float32)
            grad_hidden = torch.empty_like(hidden)
            grad_weight = (-smoothing / vocab * hidden.float().sum(0)).repeat(vocab, 1)
            # New memory for each part would cost more than the arithmetic on it, so one set of buffers serves all.
            all_logits = hidden.new_empty((min(rows, ROWS_AT_A_TIME), vocab), dtype=dtype)
            all_grads = torch.empty_like(all_logits, dtype=torch.float32)
            weight_grad = torch.empty_like(low_weight)
            for start in range(0, rows, ROWS_AT_A_TIME):
                part = slice(start, start + ROWS_AT_A_TIME)
                low_hidden, index = hidden[part].to(dtype), target[part, None]
                logits, grad = all_logits[: len(index)], all_grads[: len(index)]
                torch.mm(low_hidden, low_weight.T, out=logits)
                # Logarithms directly from the logits, minus the row's largest: a softmax would underflow.
                torch.log_softmax(grad.copy_(logits), -1, out=grad)
                picked = grad.gather(1, index)
                loss -= (1 - smoothing) * picked.sum()
                if smoothing:
                    loss -= smoothing * grad.mean(-1).sum()
                # d loss / d logits = softmax(logits) - smoothed target
                grad.exp_().scatter_add_(1, index, torch.full_like(picked, smoothing - 1))
                low_grad = logits.copy_(grad)
                grad_hidden[part] = low_grad @ low_weight
                grad_weight += torch.mm(low_grad.T, low_hidden, out=weight_grad)
            grad_hidden -= smoothing * mean_weight
        ctx.save_for_backward(grad_hidden / rows, grad_weight / rows)
        return loss / rows

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_output * grad_hidden, grad_output * grad_weight, None, None, None
