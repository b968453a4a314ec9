"""Drawing the next token at random instead of taking the likeliest: temperature, top-k, top-p."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.decoding.begin import begin
from model.decoding.search import limits_of
from model.text.tokenizer import BOS_ID, EOS_ID


def narrowed(logits: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """The probabilities to draw from, ``[..., vocab]``.

    The logits are divided by the temperature: below 1 the likely tokens gain, above 1 the unlikely ones. Then all but
    the ``top_k`` likeliest are dropped (Fan et al. 2018; 0 drops none), then all but the smallest set that together has
    the probability ``top_p`` (nucleus sampling, Holtzman et al. 2020). The likeliest always stays.
    """
    ordered, places = (logits / temperature).sort(dim=-1, descending=True, stable=True)
    if top_k:
        ordered[..., top_k:] = -torch.inf
    probabilities = ordered.softmax(-1)
    if top_p < 1:
        before = probabilities.cumsum(-1) - probabilities
        probabilities = probabilities.where(before < top_p, 0)
        probabilities[..., 0] = probabilities[..., 0].clamp(min=torch.finfo(probabilities.dtype).tiny)
    probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    return torch.empty_like(probabilities).scatter(-1, places, probabilities)


@torch.inference_mode()
def next_logits(checkpoint: Checkpoint, source: Sequence[int], target: Sequence[int]) -> Tensor:
    """The logits at each step of ``target``, ``[target, vocab]``, teacher-forced; minus infinity for ``<pad>`` and
    ``<s>``, which are never written."""
    model = checkpoint.model
    memory = model.encode(torch.tensor([source]), None).hidden
    logits = model.unembed(model.decode(torch.tensor([[BOS_ID, *target[:-1]]]), memory, None).hidden[0])
    logits[:, :EOS_ID] = -torch.inf
    return logits


@torch.inference_mode()
def sample(
    checkpoint: Checkpoint, source: Sequence[int], temperature: float, top_k: int, top_p: float, seed: int
) -> tuple[int, ...]:
    """A target drawn token by token, up to ``</s>`` or the limit of :func:`model.decoding.search.greedy`; the same seed
    gives the same target."""
    row = torch.tensor([source])
    limit = int(limits_of(checkpoint.model, row)[0])
    decoder = begin(checkpoint.model, checkpoint.model.encode(row, None).hidden, None, limit)
    generator = torch.Generator().manual_seed(seed)
    drawn: list[int] = []
    while len(drawn) < limit and EOS_ID not in drawn[-1:]:
        logits = decoder.step(torch.tensor(drawn[-1:] or [BOS_ID])).logits[0]
        logits[:EOS_ID] = -torch.inf
        drawn.append(int(torch.multinomial(narrowed(logits, temperature, top_k, top_p), 1, generator=generator)))
    return tuple(drawn)
