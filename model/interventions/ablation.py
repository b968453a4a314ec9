"""What a prediction owes to a head's pattern: replace the pattern by a uniform one and run the model again."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from model.capture import capture
from model.checkpoint import Checkpoint
from model.network.attention import MultiHeadAttention
from model.network.transformer import DecoderLayer, EncoderLayer, Transformer
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


def uniform_head(checkpoint: Checkpoint, kind: Kind, layer: int, head: int) -> Checkpoint:
    """The model with one head whose queries are all zero, so that every key it may look at gets the same score.

    A bias that an encoding adds to the scores stays. The other parameters are shared, not copied.

    Raises:
        ValueError: the model has no such head, or is no Transformer with encoder and decoder.
    """
    shared = {id(parameter): parameter for parameter in checkpoint.model.parameters()}
    other = copy.deepcopy(checkpoint.model, shared)
    if not isinstance(other, Transformer):
        raise ValueError(f"{checkpoint.name} is no Transformer with encoder and decoder, so it has no such heads")
    attention, d_head = _attention(other, kind, layer), checkpoint.config.d_head
    if not 0 <= head < attention.n_heads:
        raise ValueError(f"head {head} is asked for, but there are {attention.n_heads}, counted from 0")
    query = nn.Linear(checkpoint.config.d_model, checkpoint.config.d_model)
    with torch.no_grad():
        for own, old in ((query.weight, attention.query.weight), (query.bias, attention.query.bias)):
            own.copy_(old)
            own[head * d_head : (head + 1) * d_head] = 0
    attention.query = query.eval().requires_grad_(False)
    return replace(checkpoint, model=other, digest=f"{checkpoint.digest}, uniform {kind} {layer} {head}")


def ablate(checkpoint: Checkpoint, before: Trace, kind: Kind, layer: int, head: int) -> Ablated:
    """Run the text of ``before``, the model's own trace, once more with a uniform head."""
    other = uniform_head(checkpoint, kind, layer, head)
    return Ablated(
        kind=kind, layer=layer, head=head, before=before,
        forced=capture(other, before.source, before.target), own=capture(other, before.source),
    )  # fmt: skip


def ablate_all(checkpoint: Checkpoint, before: Trace) -> Iterator[Ablated]:
    """:func:`ablate` for each head of each kind."""
    for kind in before.kinds:
        for layer in range(checkpoint.config.n_layers):
            for head in range(checkpoint.config.n_heads):
                yield ablate(checkpoint, before, kind, layer, head)


def _attention(model: Transformer, kind: Kind, layer: int) -> MultiHeadAttention:
    stack = model.encoder.layers if kind == "encoder" else model.decoder.layers
    if not 0 <= layer < len(stack):
        raise ValueError(f"layer {layer} is asked for, but there are {len(stack)}, counted from 0")
    chosen = stack[layer]
    assert isinstance(chosen, EncoderLayer | DecoderLayer)
    found = chosen.cross_attention if kind == "cross" and isinstance(chosen, DecoderLayer) else chosen.self_attention
    if found is None:
        raise ValueError("this decoder has no cross-attention")
    return found
