"""The trace of a text by a model of `transformers`, by what the model is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.families.passes import Passes
from model.families.tokens import Reading
from model.trace import SINK, AttentionMap, Guess, Kind, Trace

N_GUESSES = 8
WRITTEN_AT_MOST = 128  # tokens, by a model with a decoder of its own


def read(passes: Passes, name: str, reading: Reading) -> Trace:
    """An encoder's pass over a text, and what it puts in place of masks."""
    out = passes.run(reading)
    (pattern,) = passes.patterns(out).values()
    masked = [i for i, token in enumerate(reading.ids) if token == passes.tokens.mask_id]
    logits = getattr(out, "logits", None) if passes.net.get_output_embeddings() is not None else None
    return Trace(
        model_name=name,
        maps=(_map(passes, "encoder", pattern, reading.labels, reading.labels),),
        source=reading.text,
        source_ids=reading.ids,
        source_dropped=reading.dropped,
        guesses=() if logits is None else tuple(_guess(passes, logits[0, i], i) for i in masked[:N_GUESSES]),
    )


def go_on(passes: Passes, name: str, reading: Reading, target: str | None, prefix: Sequence[int], more: int) -> Trace:
    """A decoder's pass over a text, and what comes after it: the ``target``, or what it writes itself."""
    room = passes.most_tokens - len(reading.ids)
    given = _given(passes.tokens.encode, target, prefix, room)
    written, ended = given.ids, given.whole
    if target is None and passes.writes and more > len(written) and room > len(written):
        written = passes.generate(reading, written, min(more, room))
        ended = bool(written) and written[-1] in passes.tokens.ends
    fed = Reading(ids=(*reading.ids, *written[:-1]) if written else reading.ids)
    out = passes.run(fed)
    (pattern,) = passes.patterns(out).values()
    labels = (*reading.labels, *passes.tokens.labels(written))
    logits = getattr(out, "logits", None) if passes.writes else None
    n = len(fed.ids)
    guesses: tuple[Guess, ...] = ()
    probabilities = None
    if logits is not None:
        guesses = (_guess(passes, logits[0, -1], n - 1),)
        if written:
            probabilities = _probabilities(logits[0, len(reading.ids) - 1 :], written)
    pattern_map = _map(passes, "decoder", pattern, labels[:n], labels[:n], labels[1:] if written else None)
    cut = bool(written) and not ended and len(written) == room
    return _with_output(passes, name, reading, (pattern_map,), given, written, cut, probabilities, guesses)


def translate(passes: Passes, name: str, reading: Reading, target: str | None, prefix: Sequence[int]) -> Trace:
    """What an encoder and a decoder make of a text: the ``target``, or what they write."""
    most = min(passes.most_tokens, 2 * len(reading.ids) + 16, WRITTEN_AT_MOST)
    given = _given(passes.tokens.encode_target, target, prefix, passes.most_tokens)
    written = given.ids
    if target is None and passes.writes and len(written) < most:
        written = passes.generate(reading, written, most)
    written = written or tuple(passes.start())[:1]
    fed = (*passes.start(), *written[:-1])
    out = passes.run(reading, fed)
    patterns, queries = passes.patterns(out), passes.tokens.labels(fed)
    predicted = passes.tokens.labels(written)
    axes: dict[Kind, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...] | None]] = {
        "encoder": (reading.labels, reading.labels, None),
        "decoder": (queries, queries, predicted),
        "cross": (queries, reading.labels, predicted),
    }
    maps = tuple(_map(passes, kind, pattern, *axes[kind]) for kind, pattern in patterns.items())
    cut = not given.whole and written[-1] not in passes.tokens.ends
    probabilities = _probabilities(out.logits[0], written) if passes.writes else None
    return _with_output(passes, name, reading, maps, given, written, cut, probabilities)


class _Given(NamedTuple):
    """What is given of an output: the ``whole``, or how it begins; ``dropped`` tokens found no room."""

    ids: tuple[int, ...]
    whole: bool
    dropped: int


def _given(encode: Callable[[str], list[int]], target: str | None, prefix: Sequence[int], room: int) -> _Given:
    ids = tuple(prefix) if target is None else tuple(encode(target))
    return _Given(ids[:room], target is not None, max(0, len(ids) - room))


def _with_output(
    passes: Passes,
    name: str,
    reading: Reading,
    maps: tuple[AttentionMap, ...],
    given: _Given,
    written: tuple[int, ...],
    cut: bool,
    probabilities: np.ndarray | None,
    guesses: tuple[Guess, ...] = (),
) -> Trace:
    """The trace of a text and what was ``written`` for it, which begins with what was ``given``."""
    return Trace(
        model_name=name,
        maps=maps,
        source=reading.text,
        target=passes.tokens.decode(written),
        teacher_forced=given.whole,
        n_forced=len(given.ids),
        source_ids=reading.ids,
        predicted_ids=written,
        probabilities=probabilities,
        source_dropped=reading.dropped,
        target_dropped=given.dropped,
        target_cut=cut,
        guesses=guesses,
    )


def _map(
    passes: Passes,
    kind: Kind,
    pattern: np.ndarray,
    queries: tuple[str, ...],
    keys: tuple[str, ...],
    predicted: tuple[str, ...] | None = None,
) -> AttentionMap:
    n_sinks = pattern.shape[3] - len(keys)
    return AttentionMap(
        kind=kind,
        pattern=pattern,
        n_key_heads=passes.n_key_heads,
        layer_numbers=passes.layer_numbers,
        query_tokens=queries,
        key_tokens=(*keys, *(SINK,) * n_sinks),
        predicted_tokens=predicted,
        n_sinks=n_sinks,
    )


def _guess(passes: Passes, logits: Tensor, row: int) -> Guess:
    best, ids = logits.float().softmax(-1).topk(min(N_GUESSES, len(logits)))
    return Guess(
        row=row,
        ids=tuple(ids.tolist()),
        labels=passes.tokens.labels(ids.tolist()),
        probabilities=tuple(best.tolist()),
    )


def _probabilities(logits: Tensor, ids: Sequence[int]) -> np.ndarray:
    """The probability of each id under its row of logits ``[row, vocab]``."""
    return logits.float().softmax(-1)[torch.arange(len(ids)), torch.tensor(ids)].numpy()
