"""Run a model on one text and keep everything it attended to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.decoding import encode_source, greedy_steps
from model.tokenizer import BOS_ID, EOS_ID
from model.trace import AttentionMap, Trace
from model.transformer import Patterns, Transformer


class _Pass(NamedTuple):
    """What one pass over the target gave, for the only text of the batch."""

    decoder_pattern: np.ndarray  # [layer, head, target, target]
    cross_pattern: np.ndarray  # [layer, head, target, source]
    predicted: list[int]  # the token after each position
    probabilities: np.ndarray  # [target], of the predicted tokens


@torch.inference_mode()
def capture(checkpoint: Checkpoint, source: str, target: str | None = None, *, prefix: Sequence[int] = ()) -> Trace:
    """Trace the model's own greedy translation of ``source``, or, teacher-forced, the ``target`` given.

    Its own translation begins with the ids ``prefix``; if they end in ``</s>``, nothing follows them. With
    a ``target`` the prefix has no meaning. What exceeds the model's ``max_len`` is not read; the trace says
    how much that was.

    Raises:
        ValueError: ``prefix`` is nothing that can be written.
    """
    model, tokenizer, max_len = checkpoint.model, checkpoint.tokenizer, checkpoint.config.max_len
    source_ids, source_dropped = encode_source(checkpoint, source)
    source_row = torch.tensor([source_ids])
    encoded = model.encode(source_row, None)
    if target is None:
        tokenizer.require_target(prefix)
        target_dropped, n_forced = max(0, len(prefix) - max_len), min(len(prefix), max_len)
        seen = _translate(model, source_row, encoded.hidden, prefix[:max_len])
    else:
        ids = tokenizer.encode(target)
        target_dropped = max(0, len(ids) - (max_len - 1))
        seen = _force(model, encoded.hidden, ids[: max_len - 1])
        n_forced = len(seen.predicted)
    fed = [BOS_ID, *seen.predicted[:-1]]

    source_tokens, fed_tokens, predicted_tokens = map(tokenizer.labels, (source_ids, fed, seen.predicted))
    return Trace(
        model_name=checkpoint.name,
        maps=(
            AttentionMap(
                kind="encoder",
                pattern=_stack(encoded.patterns),
                query_tokens=source_tokens,
                key_tokens=source_tokens,
            ),
            AttentionMap(
                kind="decoder",
                pattern=seen.decoder_pattern,
                query_tokens=fed_tokens,
                key_tokens=fed_tokens,
                predicted_tokens=predicted_tokens,
            ),
            AttentionMap(
                kind="cross",
                pattern=seen.cross_pattern,
                query_tokens=fed_tokens,
                key_tokens=source_tokens,
                predicted_tokens=predicted_tokens,
            ),
        ),
        source=tokenizer.decode(source_ids),
        target=tokenizer.decode(seen.predicted),
        teacher_forced=target is not None,
        n_forced=n_forced,
        source_ids=tuple(source_ids),
        predicted_ids=tuple(seen.predicted),
        probabilities=seen.probabilities,
        positional=model.embedding.positions[: max(len(source_ids), len(fed))].numpy(),
        source_dropped=source_dropped,
        target_dropped=target_dropped,
    )


def _translate(model: Transformer, source: Tensor, memory: Tensor, prefix: Sequence[int]) -> _Pass:
    """Decode greedily after ``prefix``; the patterns are those of the steps, so nothing is computed twice."""
    chosen, steps = zip(*greedy_steps(model, source, memory, None, prefix), strict=True)
    config, n = model.config, len(steps)
    decoder_pattern = np.zeros((config.n_layers, config.n_heads, n, n), dtype=np.float32)
    for i, step in enumerate(steps):
        decoder_pattern[:, :, i, : i + 1] = step.self_pattern[:, 0]
    cross_pattern = np.stack([step.cross_pattern[:, 0] for step in steps], axis=2)
    predicted = torch.cat(chosen)
    logits = torch.cat([step.logits for step in steps])  # [target, vocab]
    return _Pass(decoder_pattern, cross_pattern, predicted.tolist(), _probabilities(logits, predicted))


def _force(model: Transformer, memory: Tensor, target: list[int]) -> _Pass:
    """One teacher-forced pass over the ids of a target that was given."""
    predicted = torch.tensor([*target, EOS_ID])
    decoded = model.decode(torch.tensor([[BOS_ID, *target]]), memory, None)
    probabilities = _probabilities(model.unembed(decoded.hidden[0]), predicted)
    return _Pass(_stack(decoded.self_patterns), _stack(decoded.cross_patterns), predicted.tolist(), probabilities)


def _probabilities(logits: Tensor, ids: Tensor) -> np.ndarray:
    """The probability of each id under its row of logits ``[row, vocab]``."""
    return (logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(-1)).exp().numpy()


def _stack(patterns: Patterns) -> np.ndarray:
    return torch.cat(patterns).numpy()  # of batch 1, so layers take the batch's place: [layer, head, query, key]
