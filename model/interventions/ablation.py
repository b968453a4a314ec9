"""What a prediction owes to a head: replace its pattern by a uniform one, or remove its output, and run the model
again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.capture import attention_at, capture
from model.checkpoint import Checkpoint
from model.network.taps import Name, Taps, replacing
from model.trace import Kind, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """A text before and after one head was made uniform; ``kind``, ``layer`` and ``head`` say which, from 0.

    ``forced`` is the changed model on the target that the original wrote, ``own`` its own trace.
    """

    kind: Kind
    layer: int
    head: int
    before: Trace
    forced: Trace
    own: Trace

    @property
    def output(self) -> str:
        """What the changed model writes by itself."""
        return self.own.target

    @property
    def same(self) -> bool:
        return self.output == self.before.target


def uniform_head(before: Trace, kind: Kind, layer: int, head: int) -> Taps:
    """Give one head the score 0 for every key, so that it attends equally to all it may look at.

    ``before`` is any trace of the model; it tells which heads there are.

    Raises:
        ValueError: there is no such head.
    """
    return _zeroed(before, kind, layer, head, "scores")


def without_head(before: Trace, kind: Kind, layer: int, head: int) -> Taps:
    """Replace one head's output by 0, before W_O mixes the heads (Michel et al. 2019, section 2.3).

    ``before`` and the errors are those of :func:`uniform_head`.
    """
    return _zeroed(before, kind, layer, head, "head_output")


def _zeroed(before: Trace, kind: Kind, layer: int, head: int, name: Name) -> Taps:
    """Set one head to 0 at the point ``name``."""
    if kind not in before.kinds:
        raise ValueError(f"{kind} attention was asked for, but there is {', '.join(before.kinds)}")
    for axis, at, n in zip(("layer", "head"), (layer, head), before.map(kind).pattern.shape[:2], strict=True):
        if not 0 <= at < n:
            raise ValueError(f"{axis} {at} was asked for, but there are {n}, counted from 0")

    def zero(value: Tensor) -> Tensor:  # [batch, head, …]
        return value.index_fill(1, torch.tensor([head]), 0.0)

    return replacing({(*attention_at(kind, layer), name): zero})


def ablate(checkpoint: Checkpoint, before: Trace, kind: Kind, layer: int, head: int) -> Ablated:
    """Run the text of ``before``, the model's own trace, once more with a uniform head."""
    taps = uniform_head(before, kind, layer, head)
    return Ablated(
        kind=kind, layer=layer, head=head, before=before,
        forced=capture(checkpoint, before.source, before.target, taps=taps),
        # Usually one pass is enough to see that the same is written as before.
        own=capture(checkpoint, before.source, draft=before.predicted_ids, taps=taps),
    )  # fmt: skip


def ablate_all(checkpoint: Checkpoint, before: Trace) -> Iterator[Ablated]:
    """:func:`ablate` for each head of each kind."""
    for kind in before.kinds:
        n_layers, n_heads = before.map(kind).pattern.shape[:2]
        for layer in range(n_layers):
            for head in range(n_heads):
                yield ablate(checkpoint, before, kind, layer, head)
