"""Which words translate each other, learned from pairs of sentences by IBM model 1 (Brown et al. 1993, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from model.heads.splitting import PLAIN, is_word
from model.text.reading import Pair

ITERATIONS = 5
LEAST = 0.05
"""The probability from which a word counts as a translation; needed in both directions, since a rare word is given all
the words of its only sentence."""
NULL = ""
"""The source word for target words that translate nothing."""

Words = Sequence[str]


def learn_from(pairs: Iterable[Pair]) -> frozenset[Pair]:
    """:func:`learn` from plain sentences, taking their words in lower case and without punctuation.

    Raises:
        ValueError: no sentence has a word.
    """
    split = [tuple([word for word in PLAIN.findall(text.lower()) if is_word(word)] for text in pair) for pair in pairs]
    used = [(source, target) for source, target in split if source and target]
    if not used:
        raise ValueError("there are no words to learn a dictionary from")
    return learn(used)


def learn(pairs: Sequence[tuple[Words, Words]], least: float = LEAST) -> frozenset[Pair]:
    """The pairs of words that translate each other, each with a probability of at least ``least``.

    Args:
        pairs: the words of a source sentence, and those of its target.
    """
    there = translations(pairs, least)
    back = translations([(target, source) for source, target in pairs], least)
    return frozenset((source, target) for source, target in there if (target, source) in back)


def translations(
    pairs: Sequence[tuple[Words, Words]], least: float = 0.0, iterations: int = ITERATIONS
) -> dict[Pair, float]:
    """p(target word | source word) by expectation maximisation, starting from equal probabilities, kept where it is at
    least ``least``.

    Each target word comes from one source word of its sentence, or from :data:`NULL`, whatever the order.
    """
    sources, targets = _numbered([NULL, *source] for source, _ in pairs), _numbered(target for _, target in pairs)
    names = [np.array(list(numbers), dtype=object) for _, numbers in (sources, targets)]
    cells, rows = _cells(sources[0], targets[0], len(names[1]))
    kinds, cells = np.unique(cells, return_inverse=True)  # the pairs of words that occur together in some sentence
    source_of, target_of = np.divmod(kinds, max(1, len(names[1])))
    table = np.ones(len(kinds))
    for _ in range(iterations):
        expected = table[cells]
        expected /= np.bincount(rows, expected)[rows]
        table = np.bincount(cells, expected, len(kinds))
        table /= np.bincount(source_of, table)[source_of]
    likely = (table >= least) & (names[0][source_of] != NULL)
    words = zip(names[0][source_of[likely]], names[1][target_of[likely]], strict=True)
    return dict(zip(words, table[likely].tolist(), strict=True))


def _numbered(sentences: Iterable[Words]) -> tuple[list[np.ndarray], dict[str, int]]:
    """Each sentence as the numbers of its words, and the number of each word."""
    numbers: dict[str, int] = {}
    return [np.array([numbers.setdefault(word, len(numbers)) for word in words], int) for words in sentences], numbers


def _cells(
    sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], n_target: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every source word with every target word of its sentence, as one number, source · ``n_target`` + target; and the
    number of that target word in the whole text."""
    sentences = list(zip(sources, targets, strict=True))
    cells = [np.add.outer(target, source * n_target).ravel() for source, target in sentences]
    repeats = np.concatenate([np.full(len(target), len(source)) for source, target in sentences])
    return np.concatenate(cells), np.repeat(np.arange(len(repeats)), repeats)
