"""From a source to the model's own target: greedy decoding and beam search, batched, with keys and values cached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.decoding.begin import begin
from model.decoding.incremental import DecoderStep
from model.network.attention import pad, padding_mask
from model.network.model import Model
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID

BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A target found by beam search: its ids without special tokens, its score (higher is better), and whether ``</s>``
    ended it; if not, it was still open at the limit."""

    ids: tuple[int, ...]
    score: float
    ended: bool = True


class Written(NamedTuple):
    """What :func:`write` returns for a text.

    ``n_tokens`` is how many tokens the target has; it was ``cut`` if the model had not ended it by the limit described
    in :func:`greedy`. ``source_dropped`` counts the tokens of the text beyond ``max_len``, which were not read.
    """

    target: str
    n_tokens: int
    cut: bool
    source_dropped: int


class BeamStep(NamedTuple):
    """One step of beam search. The candidates, best first, are the ``2 * beam`` likeliest prefixes."""

    totals: Tensor  # [row, candidate], log-probability of the whole prefix
    parents: Tensor  # [row, candidate], the place in the beam that it extends
    tokens: Tensor  # [row, candidate]
    kept: Tensor  # [row, beam], for each place in the next beam, the candidate that takes it
    finished: list[tuple[int, int, Hypothesis]]  # row, candidate and the whole hypothesis


def encode_source(checkpoint: Checkpoint, text: str) -> tuple[list[int], int]:
    """The ids of ``text`` as the encoder takes them, ``</s>`` last, and how many tokens did not fit ``max_len``."""
    return _with_end(checkpoint.tokenizer.encode(text), checkpoint.config.max_len)


def translate(checkpoint: Checkpoint, texts: Sequence[str], beam: int = 1) -> Iterator[tuple[int, str]]:
    """The model's target for each text, as ``(index, target)``: what :func:`write` yields, without the rest."""
    return ((index, written.target) for index, written in write(checkpoint, texts, beam))


def write(checkpoint: Checkpoint, texts: Sequence[str], beam: int = 1) -> Iterator[tuple[int, Written]]:
    """What the model writes for each text, as ``(index, written)`` in the order they are finished: short ones first.

    ``beam`` 1 decodes greedily. Tokens of a text beyond ``max_len`` are not read.

    Raises:
        ValueError: ``beam`` is below 1.
    """
    if beam < 1:
        raise ValueError(f"beam must be at least 1, but it is {beam}")
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    read = [_with_end(ids, checkpoint.config.max_len) for ids in tokenizer.encode_batch(texts)]
    for indices in _batches([source for source, _ in read], BATCH_TOKENS // beam):
        source = pad([read[i][0] for i in indices])
        if beam == 1:
            found = _greedy(model, source)
        else:
            found = [(best[0].ids, best[0].ended) for best in beam_search(model, source, beam)]
        for index, (ids, ended) in zip(indices, found, strict=True):
            yield index, Written(tokenizer.decode(ids), len(ids), not ended, source_dropped=read[index][1])


def greedy(model: Model, source: Tensor) -> list[tuple[int, ...]]:
    """Take the likeliest token at each step.

    Args:
        model: in eval mode.
        source: ids ``[batch, source]``, each row ended by ``</s>`` and padded.

    Returns:
        For each row the ids up to ``</s>``, without special tokens. A row ends at its limit at the latest: twice the
        source's length plus 16, and never more than ``max_len``.
    """
    return [ids for ids, _ in _greedy(model, source)]


@torch.inference_mode()
def _greedy(model: Model, source: Tensor) -> list[tuple[tuple[int, ...], bool]]:
    """:func:`greedy`, and for each row whether ``</s>`` ended it."""
    mask = padding_mask(source, PAD_ID) if (source == PAD_ID).any() else None
    memory = model.encode(source, mask).hidden
    rows = torch.stack([chosen for chosen, _ in greedy_steps(model, source, memory, mask)], dim=1).tolist()
    return [(tuple(token_id for token_id in row if token_id not in (PAD_ID, EOS_ID)), EOS_ID in row) for row in rows]


@torch.inference_mode()
def greedy_steps(
    model: Model, source: Tensor, memory: Tensor, source_mask: Tensor | None
) -> Iterator[tuple[Tensor, DecoderStep]]:
    """:func:`greedy`, step by step, from the encoder's output ``memory``.

    Yields:
        The token chosen for each row, ``[batch]`` (``PAD_ID`` in rows that have ended), and what the decoder returned.
    """
    limits = limits_of(model, source)
    decoder = begin(model, memory, source_mask, int(limits.max()))
    chosen = torch.full((len(source),), BOS_ID)
    open_rows = torch.ones(len(source), dtype=torch.bool)
    length = 0
    while open_rows.any():
        step = decoder.step(chosen)
        length += 1
        chosen = likeliest(step.logits).where(open_rows, PAD_ID)
        yield chosen, step
        open_rows = open_rows & (chosen != EOS_ID) & (limits > length)


def likeliest(logits: Tensor) -> Tensor:
    """The likeliest token under each row of logits ``[row, vocab]``, ``[row]``; never one of those before ``</s>``,
    which are ``<pad>`` and ``<s>`` and no part of a target."""
    return logits[:, EOS_ID:].argmax(-1) + EOS_ID


def beam_search(model: Model, source: Tensor, beam: int = 5, length_penalty: float = 1.0) -> list[list[Hypothesis]]:
    """Keep the ``beam`` likeliest prefixes at each step (Graves 2012; Sutskever et al. 2014).

    A finished target's score is its log-probability, ``</s>`` included, divided by its length to the
    power ``length_penalty``, so that long targets are not penalised for their length. The search for a
    row ends with ``beam`` finished targets, or at the limit described in :func:`greedy`.

    Args:
        model: in eval mode.
        source: ids ``[batch, source]``, each row ended by ``</s>`` and padded.
        beam: at least 1.
        length_penalty: 0 compares log-probabilities as they are.

    Returns:
        For each row its hypotheses, best first.
    """
    found: list[list[Hypothesis]] = [[] for _ in source]
    for step in beam_steps(model, source, beam, length_penalty):
        for row, _, hypothesis in step.finished:
            found[row].append(hypothesis)
    return [sorted(hypotheses, key=lambda hypothesis: -hypothesis.score) for hypotheses in found]


@torch.inference_mode()
def beam_steps(model: Model, source: Tensor, beam: int, length_penalty: float) -> Iterator[BeamStep]:
    """:func:`beam_search`, step by step."""
    n = len(source)
    mask = padding_mask(source, PAD_ID).repeat_interleave(beam, dim=0)
    memory = model.encode(source, padding_mask(source, PAD_ID)).hidden.repeat_interleave(beam, dim=0)
    limits = limits_of(model, source).tolist()
    wanted = [beam] * n  # finished targets still to be found, for each row
    scores = torch.full((n, beam), -torch.inf)
    scores[:, 0] = 0.0  # all beams start alike: let only the first one branch
    prefixes = torch.full((n * beam, 1), BOS_ID)
    decoder = begin(model, memory, mask, max(limits))
    for length in range(1, max(limits) + 1):
        logits = decoder.step(prefixes[:, -1]).logits
        logits[:, :EOS_ID] = -torch.inf  # <pad> and <s> are never part of a target
        log_probabilities = logits.log_softmax(-1)  # [row * beam, vocab]
        vocab = log_probabilities.size(-1)
        totals = (scores.view(-1, 1) + log_probabilities).view(n, -1)  # [row, beam * vocab]
        # Of 2 * beam candidates at most beam end here, so at least beam are left to go on with.
        top, flat = totals.topk(min(2 * beam, totals.size(1)))
        parents, tokens = flat // vocab, flat % vocab
        # A candidate that ends is finished if it is among the beam best, and never goes on.
        ended = tokens == EOS_ID
        finished: list[tuple[int, int, Hypothesis]] = []
        for row, place in ended[:, :beam].nonzero().tolist():
            if wanted[row] and top[row, place] > -torch.inf and length <= limits[row]:
                ids = prefixes[row * beam + int(parents[row, place]), 1:].tolist()
                finished.append((row, place, Hypothesis(tuple(ids), top[row, place].item() / length**length_penalty)))
                wanted[row] -= 1
        scores, kept = top.masked_fill(ended, -torch.inf).topk(beam)
        step = BeamStep(top, parents, tokens, kept, finished)
        parents, tokens = parents.gather(1, kept), tokens.gather(1, kept)
        rows = (torch.arange(n)[:, None] * beam + parents).flatten()
        prefixes = torch.cat((prefixes[rows], tokens.view(-1, 1)), dim=1)
        for row in (row for row in range(n) if limits[row] == length):
            # At the limit, whatever is still open counts as it stands.
            for place in range(wanted[row]):
                if scores[row, place] > -torch.inf:
                    ids = prefixes[row * beam + place, 1:].tolist()
                    whole = Hypothesis(tuple(ids), scores[row, place].item() / length**length_penalty, ended=False)
                    finished.append((row, int(kept[row, place]), whole))
        yield step
        if all(not wanted[row] or limits[row] <= length for row in range(n)):
            break
        decoder.reorder(rows)


def _with_end(ids: list[int], max_len: int) -> tuple[list[int], int]:
    return [*ids[: max_len - 1], EOS_ID], max(0, len(ids) - (max_len - 1))


def limits_of(model: Model, source: Tensor) -> Tensor:
    """The most target tokens of each row, ``</s>`` included; per row, so that batching changes no result."""
    return (2 * (source != PAD_ID).sum(1) + 16).clamp(max=model.config.max_len)


def _batches(sources: Sequence[Sequence[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Indices of sources of similar length, at most ``batch_tokens`` tokens in all, padding included."""
    batch: list[int] = []
    for index in sorted(range(len(sources)), key=lambda i: len(sources[i])):
        if batch and len(sources[index]) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
