"""Run a model on one text and keep everything it attended to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.decoding.begin import begin
from model.decoding.drafted import Drafted, write_together
from model.decoding.search import encode_source, limits_of
from model.network.attention import pad, padding_mask
from model.network.model import Model
from model.network.taps import POINTS, UNTAPPED, Name, Point, Seen, Taps, reading
from model.network.transformer import EncoderOutput, Patterns, Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from model.trace import AttentionMap, Kind, Trace


class _Pass(NamedTuple):
    """The result of one pass over the target, for a batch of one text; patterns are empty if there is no such
    attention."""

    decoder_pattern: np.ndarray  # [layer, head, row, row]; a row for each target position, after those of what was read
    cross_pattern: np.ndarray  # [layer, head, target, source]
    predicted: list[int]  # the token after each position
    probabilities: np.ndarray  # [target], of the predicted tokens


class Text(NamedTuple):
    """The arguments of :func:`capture` for the model's own translation of a text."""

    source: str
    prefix: Sequence[int] = ()
    draft: Sequence[int] = ()


@torch.inference_mode()
def capture(
    checkpoint: Checkpoint,
    source: str,
    target: str | None = None,
    *,
    prefix: Sequence[int] = (),
    draft: Sequence[int] = (),
    taps: Taps = UNTAPPED,
    more: int = 0,
) -> Trace:
    """Trace the model's own greedy translation of ``source``, or, teacher-forced, the ``target`` given.

    Its own translation begins with the ids ``prefix``; if they end in ``</s>``, nothing follows them. With a ``target``
    the prefix is ignored. Whatever exceeds the model's ``max_len`` is not read; the trace says how much that was.
    ``draft`` is a guess at the translation's ids, such as those from before the last keystroke; where it is right it
    saves time, and it changes nothing but the rounding. ``taps`` watch the passes and may change the values at their
    points (:mod:`model.network.taps`).

    A model from elsewhere reads the source with its tokenizer's own special tokens. A decoder-only model continues it
    if asked for ``more`` tokens; for an encoder-only model, ``target`` is the second of two texts.

    Raises:
        ValueError: ``prefix`` is not something a model can write.
    """
    if checkpoint.elsewhere is not None:
        return checkpoint.elsewhere.trace(checkpoint.name, source, target, prefix=prefix, more=more)
    if target is None:
        return capture_together(checkpoint, [Text(source, prefix, draft)], taps)[0]
    model, tokenizer, max_len = checkpoint.model, checkpoint.tokenizer, checkpoint.config.max_len
    source_ids, source_dropped = encode_source(checkpoint, source)
    encoded = model.encode(torch.tensor([source_ids]), None, taps)
    ids = tokenizer.encode(target)
    target_dropped = max(0, len(ids) - (max_len - 1))
    seen = _force(model, encoded.hidden, [*ids[: max_len - 1], EOS_ID], taps)
    made = _trace(checkpoint, source_ids, encoded.patterns, seen, source_dropped, target_dropped)
    return replace(made, teacher_forced=True, n_forced=len(seen.predicted))


@torch.inference_mode()
def capture_together(checkpoint: Checkpoint, texts: Sequence[Text], taps: Taps = UNTAPPED) -> list[Trace]:
    """:func:`capture` for the model's own translations of several texts, in shared passes that read each of the weights
    once for all of them. Not for models from elsewhere.

    Raises:
        ValueError: a text's ``prefix`` is not something a model can write.
    """
    model, max_len = checkpoint.model, checkpoint.config.max_len
    for text in texts:
        checkpoint.tokenizer.require_target(text.prefix)
    read = [encode_source(checkpoint, text.source) for text in texts]
    encoded = _encode(model, [ids for ids, _ in read], taps)
    targets = []
    for text, (ids, _), one in zip(texts, read, encoded, strict=True):
        prefix = text.prefix[:max_len]
        limit = max(len(prefix), int(limits_of(model, torch.tensor([ids]))))
        targets.append(Drafted(begin(model, one.hidden, None, limit, taps), limit, prefix, text.draft))
    write_together(targets)
    made = []
    for text, (ids, dropped), one, target in zip(texts, read, encoded, targets, strict=True):
        seen = _seen(model, one.hidden, target, taps)
        trace = _trace(checkpoint, ids, one.patterns, seen, dropped, max(0, len(text.prefix) - max_len))
        cut = seen.predicted[-1] != EOS_ID
        made.append(replace(trace, n_forced=min(len(text.prefix), max_len), target_cut=cut))
    return made


@torch.inference_mode()
def watch(checkpoint: Checkpoint, trace: Trace, names: Collection[Name] = tuple(POINTS)) -> Seen:
    """The values at the points with these names in the pass that gave ``trace``, teacher-forced; the batch size is 1.

    Raises:
        ValueError: the trace has no token ids.
    """
    source, target = read_ids(checkpoint, trace)
    model, seen = checkpoint.model, Seen()
    taps = reading(seen, names)
    memory = model.encode(source, None, taps).hidden
    model.unembed(model.decode(target, memory, None, taps).hidden, taps)
    return seen


def read_ids(checkpoint: Checkpoint, trace: Trace) -> tuple[Tensor, Tensor]:
    """The ids of the source and those fed to the decoder, each ``[1, position]``.

    Raises:
        ValueError: the trace has no token ids.
    """
    if not trace.source_ids or not trace.predicted_ids:
        raise ValueError(f"the trace of {trace.model_name} does not say which tokens it was made from")
    return torch.tensor([trace.source_ids]), _fed(trace.predicted_ids)


def reading_ids(checkpoint: Checkpoint, trace: Trace) -> tuple[int, ...]:
    """The ids of its first map: of the source, or of source and target as one sequence, as ``model.read`` takes
    them."""
    source, target = read_ids(checkpoint, trace)
    return tuple((source if trace.kinds[0] != "decoder" else checkpoint.model.rows(source, target))[0].tolist())


def attention_at(kind: Kind, layer: int) -> Point:
    """Where the points of an attention sublayer are; ``layer`` counts from 0."""
    return ("encoder" if kind == "encoder" else "decoder", layer, f"{'cross' if kind == 'cross' else 'self'}_attention")


def _trace(
    checkpoint: Checkpoint,
    source_ids: list[int],
    encoder_patterns: Patterns,
    seen: _Pass,
    source_dropped: int,
    target_dropped: int,
) -> Trace:
    tokenizer = checkpoint.tokenizer
    rows = checkpoint.model.rows(torch.tensor([source_ids]), _fed(seen.predicted))[0].tolist()
    return Trace(
        model_name=checkpoint.name,
        maps=_maps(tokenizer, encoder_patterns, seen, source_ids, rows),
        source=tokenizer.decode(source_ids),
        target=tokenizer.decode(seen.predicted),
        source_ids=tuple(source_ids),
        predicted_ids=tuple(seen.predicted),
        probabilities=seen.probabilities,
        source_dropped=source_dropped,
        target_dropped=target_dropped,
    )


def _maps(
    tokenizer: Tokenizer, encoder_patterns: Patterns, seen: _Pass, source_ids: list[int], rows: list[int]
) -> tuple[AttentionMap, ...]:
    """A map for each kind of attention the model has; ``rows`` are the ids fed to the decoder."""
    source, fed = tokenizer.labels(source_ids), tokenizer.labels(rows)
    predicted = tokenizer.labels([*rows[1:], seen.predicted[-1]])
    n = len(seen.predicted)
    found: tuple[tuple[Kind, np.ndarray, tuple[str, ...], tuple[str, ...], tuple[str, ...] | None], ...] = (
        ("encoder", _stack(encoder_patterns), source, source, None),
        ("decoder", seen.decoder_pattern, fed, fed, predicted),
        ("cross", seen.cross_pattern, fed[-n:], source, predicted[-n:]),
    )
    return tuple(
        AttentionMap(kind=kind, pattern=pattern, query_tokens=queries, key_tokens=keys, predicted_tokens=written)
        for kind, pattern, queries, keys, written in found
        if pattern.size
    )


def _encode(model: Model, sources: Sequence[list[int]], taps: Taps) -> list[EncoderOutput]:
    """The encoder's output for each source, as if it were alone."""
    if len(sources) == 1 or not isinstance(model, Transformer):
        return [model.encode(torch.tensor([ids]), None, taps) for ids in sources]
    padded = pad(sources)
    hidden, patterns = model.encode(padded, padding_mask(padded, PAD_ID), taps)
    return [
        EncoderOutput(hidden[i : i + 1, :n], tuple(one[i : i + 1, :, :n, :n] for one in patterns))
        for i, n in enumerate(map(len, sources))
    ]


def _seen(model: Model, memory: Tensor, target: Drafted, taps: Taps) -> _Pass:
    """The result of a target's passes; the patterns are those of its steps, so nothing is computed twice."""
    steps, predicted = target.steps, target.ids
    if steps[0].self_pattern.shape[-1] > 1:  # the decoder read the source first, in rows that no step returned
        return _force(model, memory, predicted, taps)
    n_layers, _, n_heads, _ = steps[0].self_pattern.shape
    decoder_pattern = np.zeros((n_layers, n_heads, len(steps), len(steps)), dtype=np.float32)
    for i, step in enumerate(steps):
        decoder_pattern[:, :, i, : i + 1] = step.self_pattern[:, 0]
    cross_pattern = np.stack([step.cross_pattern[:, 0] for step in steps], axis=2)
    logits = torch.cat([step.logits for step in steps])  # [target, vocab]
    return _Pass(decoder_pattern, cross_pattern, predicted, _probabilities(logits, torch.tensor(predicted)))


def _force(model: Model, memory: Tensor, predicted: list[int], taps: Taps) -> _Pass:
    """One teacher-forced pass over the ids of a target, ``</s>`` included if it ends."""
    decoded = model.decode(_fed(predicted), memory, None, taps)
    probabilities = _probabilities(model.unembed(decoded.hidden, taps)[0], torch.tensor(predicted))
    return _Pass(_stack(decoded.self_patterns), _stack(decoded.cross_patterns), predicted, probabilities)


def _fed(predicted: Sequence[int]) -> Tensor:
    """What is fed in to write ``predicted``, ``[1, target]``: ``<s>``, then every token but the last."""
    return torch.tensor([[BOS_ID, *predicted[:-1]]])


def _probabilities(logits: Tensor, ids: Tensor) -> np.ndarray:
    """The probability of each id under its row of logits ``[row, vocab]``."""
    return (logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(-1)).exp().numpy()


def _stack(patterns: Patterns) -> np.ndarray:
    # The batch size is 1, so layers take the batch's place: [layer, head, query, key].
    return torch.cat(patterns).numpy() if patterns else np.empty((0, 0, 0, 0), np.float32)
