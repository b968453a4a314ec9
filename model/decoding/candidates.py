"""What else a model could have written at each step, and how likely it thought each token was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.checkpoint import Checkpoint
from model.text.tokenizer import BOS_ID, EOS_ID


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that may be written at a step; the probability is the model's, among all its tokens at that step."""

    token_id: int
    label: str
    log_probability: float  # natural logarithm

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)


@dataclass(frozen=True, slots=True)
class Step:
    """One position of a target: what is written there, its rank (1: the likeliest) and the likeliest tokens."""

    written: Candidate
    rank: int
    best: tuple[Candidate, ...]


@torch.inference_mode()
def candidates(checkpoint: Checkpoint, source: Sequence[int], target: Sequence[int], k: int) -> tuple[Step, ...]:
    """The ``k`` likeliest tokens at each step of ``target``, best first, by one teacher-forced pass.

    The probability is the softmax of the logits (Vaswani et al. 2017, section 3.4). Padding and the start-of-sentence
    token are never written, so they are not candidates.

    Args:
        checkpoint: the model.
        source: ids as the model reads them, ``</s>`` last.
        target: ids as the model writes them, so with ``</s>`` last if the target is complete.
        k: at least 1.

    Raises:
        ValueError: ``target`` is not something a model can write, or one of the two is too long.
    """
    checkpoint.tokenizer.require_target(target)
    if not target:
        return ()
    if checkpoint.elsewhere is not None:
        likely, first = checkpoint.elsewhere.likely(source, target), 0
    else:
        model, first = checkpoint.model, EOS_ID
        memory = model.encode(torch.tensor([source]), None).hidden
        hidden = model.decode(torch.tensor([[BOS_ID, *target[:-1]]]), memory, None).hidden[0]
        likely = model.unembed(hidden).log_softmax(-1)[:, first:]  # [target, vocab without <pad> and <s>]
    written = likely.gather(1, torch.tensor(target)[:, None] - first)
    ranks = 1 + (likely > written).sum(1)
    best, tokens = likely.topk(min(k, likely.size(1)))

    def candidate(token_id: int, log_probability: float) -> Candidate:
        return Candidate(token_id, checkpoint.tokenizer.labels([token_id])[0], log_probability)

    return tuple(
        Step(candidate(token_id, log_probability[0]), rank, tuple(map(candidate, step_tokens, step_best)))
        for token_id, log_probability, rank, step_tokens, step_best in zip(
            target, written.tolist(), ranks.tolist(), (tokens + first).tolist(), best.tolist(), strict=True
        )
    )
