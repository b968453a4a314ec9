"""Run a model on one text and keep everything it attended to."""

from __future__ import annotations

import numpy as np
import torch

from model.checkpoint import Checkpoint
from model.decoding import encode_source, greedy
from model.tokenizer import BOS_ID, EOS_ID
from model.trace import AttentionMap, Trace
from model.transformer import Patterns


@torch.inference_mode()
def capture(checkpoint: Checkpoint, source: str, target: str | None = None) -> Trace:
    """Trace the model's own greedy translation of ``source``, or, teacher-forced, the ``target`` given.

    What exceeds the model's ``max_len`` is not read; the trace says how much that was.
    """
    model, tokenizer, max_len = checkpoint.model, checkpoint.tokenizer, checkpoint.config.max_len
    source_ids, source_dropped = encode_source(checkpoint, source)
    source_row = torch.tensor([source_ids])
    target_ids = list(greedy(model, source_row)[0]) if target is None else tokenizer.encode(target)
    target_dropped = 0 if target is None else max(0, len(target_ids) - (max_len - 1))
    target_ids = target_ids[: len(target_ids) - target_dropped]
    # As many of each as the model takes: a translation cut at max_len has no row that would write </s>.
    fed, predicted = [BOS_ID, *target_ids][:max_len], [*target_ids, EOS_ID][:max_len]

    output = model(source_row, torch.tensor([fed]))
    logits = model.unembed(output.hidden[0])  # [target, vocab]
    if target is None:  # a translation cut at its limit does not end in </s>; padding and <s> are never written
        predicted[-1] = EOS_ID + int(logits[-1, EOS_ID:].argmax())
    probabilities = logits.softmax(-1).gather(1, torch.tensor([predicted]).T)

    source_tokens, fed_tokens, predicted_tokens = map(tokenizer.labels, (source_ids, fed, predicted))
    return Trace(
        model_name=checkpoint.name,
        maps=(
            AttentionMap(
                kind="encoder",
                pattern=_stack(output.encoder_patterns),
                query_tokens=source_tokens,
                key_tokens=source_tokens,
            ),
            AttentionMap(
                kind="decoder",
                pattern=_stack(output.decoder_patterns),
                query_tokens=fed_tokens,
                key_tokens=fed_tokens,
                predicted_tokens=predicted_tokens,
            ),
            AttentionMap(
                kind="cross",
                pattern=_stack(output.cross_patterns),
                query_tokens=fed_tokens,
                key_tokens=source_tokens,
                predicted_tokens=predicted_tokens,
            ),
        ),
        source=tokenizer.decode(source_ids),
        target=tokenizer.decode(target_ids),
        teacher_forced=target is not None,
        probabilities=probabilities[:, 0].numpy(),
        positional=model.embedding.positions[: max(len(source_ids), len(fed))].numpy(),
        source_dropped=source_dropped,
        target_dropped=target_dropped,
    )


def _stack(patterns: Patterns) -> np.ndarray:
    return torch.cat(patterns).numpy()  # of batch 1, so layers take the batch's place: [layer, head, query, key]
