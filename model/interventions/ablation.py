"""What a prediction owes to a head's pattern: replace the pattern by a uniform one and run the model again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.capture import attention_at, capture
from model.checkpoint import Checkpoint
from model.network.taps import Taps, replacing
from model.trace import Kind, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """A text before and after one head was made uniform; ``kind``, ``layer`` and ``head`` say which, from 0.

    ``forced`` is the second model on the target that the first wrote, ``own`` its own trace.
    """

    kind: Kind
    layer: int
    head: int
    before: Trace
    forced: Trace
    own: Trace

    @property
    def output(self) -> str:
        """What the second model writes by itself."""
        return self.own.target

    @property
    def same(self) -> bool:
        return self.output == self.before.target


def uniform_head(before: Trace, kind: Kind, layer: int, head: int) -> Taps:
    """Give one head the score 0 for every key, so that it takes the same from each that it may look at.

    ``before`` is any trace of the model, which tells the heads that there are.

    Raises:
        ValueError: there is no such head.
    """
    if kind not in before.kinds:
        raise ValueError(f"{kind} attention was asked for, but there is {', '.join(before.kinds)}")
    for name, at, n in zip(("layer", "head"), (layer, head), before.map(kind).pattern.shape[:2], strict=True):
        if not 0 <= at < n:
            raise ValueError(f"{name} {at} was asked for, but there are {n}, counted from 0")

    def level(scores: Tensor) -> Tensor:  # [batch, head, query, key]
        return scores.index_fill(1, torch.tensor([head]), 0.0)

    return replacing({(*attention_at(kind, layer), "scores"): level})


def ablate(checkpoint: Checkpoint, before: Trace, kind: Kind, layer: int, head: int) -> Ablated:
    """Run the text of ``before``, the model's own trace, once more with a uniform head."""
    taps = uniform_head(before, kind, layer, head)
    return Ablated(
        kind=kind, layer=layer, head=head, before=before,
        forced=capture(checkpoint, before.source, before.target, taps=taps),
        # Mostly one pass tells that all is written as before.
        own=capture(checkpoint, before.source, draft=before.predicted_ids, taps=taps),
    )  # fmt: skip


def ablate_all(checkpoint: Checkpoint, before: Trace) -> Iterator[Ablated]:
    """:func:`ablate` for each head of each kind."""
    for kind in before.kinds:
        n_layers, n_heads = before.map(kind).pattern.shape[:2]
        for layer in range(n_layers):
            for head in range(n_heads):
                yield ablate(checkpoint, before, kind, layer, head)
