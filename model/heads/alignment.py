"""A cross-attention head as a word aligner: at which source word each target word looks most, and is that right?

What is right is decided by people (links drawn by hand, such as those of the Hansards; Och and Ney 2003) or by a
dictionary (:mod:`model.heads.dictionary`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.capture import capture
from model.checkpoint import Checkpoint
from model.heads.rows import Terms, ratio
from model.heads.splitting import PLAIN, is_word, word_numbers
from model.text.reading import Pair, read_lines

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""
_LINK = re.compile(r"(\d+)([-p])(\d+)")


@dataclass(frozen=True, slots=True)
class Truth:
    """The links that people drew between two sentences. The ``possible`` ones include the ``sure`` ones."""

    sure: frozenset[Link]
    possible: frozenset[Link]


@dataclass(frozen=True, slots=True)
class Looks:
    """Where the words of a target look: ``best``, int ``[layer, head, target word]``, is the source word with the most
    weight, −1 for ``</s>`` or if nothing was written there, and ``weight``, float32 of the same shape, its weight."""

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    best: np.ndarray
    weight: np.ndarray

    def links(self, layer: int, head: int) -> set[Link]:
        """The links of one head; layer and head count from 0."""
        return {(int(source), target) for target, source in enumerate(self.best[layer, head]) if source >= 0}


def look(checkpoint: Checkpoint, source: str, target: str, word: re.Pattern[str] = PLAIN) -> Looks:
    """Where each word of the given ``target`` looks in ``source``, in every cross-attention head.

    A row stands for the token that is written from it. The tokens of a word are treated as one: the weights on the
    tokens of a source word are summed, the rows of the tokens of a target word averaged (Clark et al. 2019, section
    4.1).

    Raises:
        ValueError: the model has no cross-attention.
    """
    trace = capture(checkpoint, source, target)
    try:
        pattern = trace.map("cross").pattern
    except KeyError as error:
        raise ValueError(f"without cross-attention no target word looks at a source word: {error}") from error
    tokenizer = checkpoint.tokenizer
    texts = [tokenizer.decode(ids) for ids in (trace.source_ids, trace.predicted_ids)]
    places = [tokenizer.places(ids) for ids in (trace.source_ids, trace.predicted_ids)]
    keys, queries = (word_numbers(text, at, word) for text, at in zip(texts, places, strict=True))
    source_words, target_words = (tuple(word.findall(text)) for text in texts)
    return Looks(source_words, target_words, *strongest(pattern, queries, keys, len(target_words), len(source_words)))


def strongest(
    pattern: np.ndarray, queries: np.ndarray, keys: np.ndarray, n_queries: int, n_keys: int
) -> tuple[np.ndarray, np.ndarray]:
    """``best`` and ``weight`` of :class:`Looks`.

    Args:
        pattern: ``[layer, head, query, key]``.
        queries: the word of each query, −1 for none.
        keys: the word of each key, −1 for none; the weight on those is added up.
        n_queries: how many words the target has.
        n_keys: how many words the source has.
    """
    rows = np.equal.outer(np.arange(n_queries), queries).astype(np.float32)
    rows /= np.maximum(rows.sum(-1, keepdims=True), 1)
    columns = np.equal.outer(np.append(np.arange(n_keys), -1), keys).astype(np.float32)
    weights = rows @ pattern @ columns.T  # [layer, head, target word, source word, with none last]
    best, weight = weights.argmax(-1), weights.max(-1)
    return np.where((best == n_keys) | (weight == 0), -1, best), weight


def agreement(looks: Looks, truth: Truth) -> Terms:
    """For each head, |A ∩ S| + |A ∩ P| and |A| + |S|, for its links A and the sure and possible ones S and P."""
    n_layers, n_heads, _ = looks.best.shape
    found = [[looks.links(layer, head) for head in range(n_heads)] for layer in range(n_layers)]
    right = [[len(links & truth.sure) + len(links & truth.possible) for links in row] for row in found]
    drawn = [[len(links) + len(truth.sure) for links in row] for row in found]
    return np.array(right, np.float64), np.array(drawn, np.float64)


def error_rates(texts: Iterable[tuple[Looks, Truth]]) -> np.ndarray:
    """The alignment error rate over all texts, 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003, section 5),
    float32 ``[layer, head]``; NaN where nobody drew a link."""
    return 1 - ratio(_total(agreement(looks, truth) for looks, truth in texts))


def diagonal(looks: Looks) -> Looks:
    """The looks of a single head that knows no words: from each target word to the source word equally far along."""
    n_source, n_target = len(looks.source_words), len(looks.target_words)
    best = (np.arange(n_target) + 0.5) * n_source // max(1, n_target)
    best = best.astype(int)[None, None] if n_source else np.full((1, 1, n_target), -1)
    return Looks(looks.source_words, looks.target_words, best, np.ones(best.shape, np.float32))


def translating(looks: Looks, dictionary: Collection[Pair]) -> Terms:
    """For each head, the weight of those of its links whose words, in lower case, the ``dictionary`` has, and of all
    links.

    Links from punctuation, which a dictionary does not have, are left out; links from a word to punctuation count as
    wrong.
    """
    known = _known(looks, dictionary)
    counted = np.array([is_word(word) for word in looks.target_words], bool) & (looks.best >= 0)
    right = known[np.arange(len(looks.target_words)), looks.best] & counted
    return (looks.weight * right).sum(-1, dtype=np.float64), (looks.weight * counted).sum(-1, dtype=np.float64)


def dictionary_shares(texts: Sequence[Looks], dictionary: Collection[Pair]) -> np.ndarray:
    """The share of the weight that is on links in a dictionary, over all texts, float32 ``[layer, head]``."""
    return ratio(_total(translating(looks, dictionary) for looks in texts))


def share_by_chance(texts: Sequence[Looks], dictionary: Collection[Pair]) -> float:
    """What :func:`dictionary_shares` would be for a head that looks at a source word drawn at random."""
    rows = [
        row.mean()
        for looks in texts
        for row, word in zip(_known(looks, dictionary), looks.target_words, strict=True)
        if is_word(word) and len(row)
    ]
    return float(np.mean(rows)) if rows else float("nan")


def by_head(values: np.ndarray, best: int) -> dict[str, Any]:
    """``values`` ``[layer, head]`` ready for JSON: all of them, None where undefined, and the best, which is the
    largest (``best`` 1) or the smallest (−1), with layer and head from 1."""
    written = [[None if np.isnan(value) else float(value) for value in row] for row in values]
    if np.isnan(values).all():
        return {"best": None, "by_layer_and_head": written}
    layer, head = np.unravel_index(np.nanargmax(best * values), values.shape)
    found = {"layer": int(layer) + 1, "head": int(head) + 1, "value": float(values[layer, head])}
    return {"best": found, "by_layer_and_head": written}


def read_truths(path: Path) -> list[Truth]:
    """Links from a file, one sentence per line: ``1-2`` is a sure link between source word 1 and target word 2, ``1p2``
    a possible one.

    Raises:
        ValueError: it cannot be read, or something in a line is not a link.
    """
    return [_truth(line.split(), f"{path}, line {number}") for number, line in enumerate(read_lines(path), start=1)]


def _truth(links: Sequence[str], where: str) -> Truth:
    sure, possible = set(), set()
    for text in links:
        found = _LINK.fullmatch(text)
        if found is None or "0" in (found[1], found[3]):
            raise ValueError(f"{where}: {text!r} is not a link; write 1-2 or 1p2, with words counted from 1")
        link = int(found[1]) - 1, int(found[3]) - 1
        possible.add(link)
        if found[2] == "-":
            sure.add(link)
    return Truth(frozenset(sure), frozenset(possible))


def _known(looks: Looks, dictionary: Collection[Pair]) -> np.ndarray:
    """Which pairs of words the dictionary has, boolean ``[target word, source word]``."""
    sources = [word.lower() for word in looks.source_words]
    rows = [[(source, word.lower()) in dictionary for source in sources] for word in looks.target_words]
    return np.array(rows, bool).reshape(len(looks.target_words), len(sources))


def _total(terms: Iterable[Terms]) -> Terms:
    numerators, denominators = zip(*terms, strict=True)
    return np.sum(numerators, axis=0), np.sum(denominators, axis=0)
