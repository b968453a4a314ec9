"""The heads and rows that chapters open on: those that show the chapter's point most plainly."""

from __future__ import annotations

import numpy as np

from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap
from viz.look.choice import is_word, telling_row

LEAST_VISIBLE = 3
"""Keys that a row must be able to see before its choice among them says something."""


def masked_head(shown: AttentionMap) -> tuple[int, int]:
    """The layer and head of a decoder whose rows point most clearly back at words, where there is something to mask."""
    return _place((_on_words(shown, itself=False) * _half_hidden(shown)).mean(-1))


def masked_row(shown: AttentionMap, layer: int, head: int) -> int:
    """The row of a word that was fed in, with tokens to choose from and tokens to hide, that points most clearly."""
    rows = _half_hidden(shown)
    if not rows.any():
        return telling_row(shown, layer, head)
    return int((_on_words(shown, itself=False)[layer, head] * rows).argmax())


def parted_head(shown: AttentionMap) -> tuple[int, int]:
    """The layer whose heads, in one row, look at the most different words, and its sharpest head there."""
    apart = _apart(shown)
    layer = int(apart.max(-1).argmax())
    return layer, int(_on_words(shown)[layer, :, apart[layer].argmax()].argmax())


def parted_row(shown: AttentionMap, layer: int, head: int) -> int:
    """The row in which the heads of this layer look at the most different words."""
    return int(_apart(shown)[layer].argmax())


def resting_head(shown: AttentionMap) -> tuple[int, int]:
    """The layer and head that give the most to special tokens, where they have a choice."""
    return _place(_on_special(shown)[..., 1:].sum(-1))


def resting_row(shown: AttentionMap, layer: int, head: int) -> int:
    """The word whose row gives the most to special tokens although it may see :data:`LEAST_VISIBLE` keys or more."""
    names = zip(shown.query_tokens, shown.row_tokens, strict=True)
    words = np.array([i >= LEAST_VISIBLE and all(map(is_word, both)) for i, both in enumerate(names, start=1)])
    return int((_on_special(shown)[layer, head] * words).argmax())


def _place(values: np.ndarray) -> tuple[int, int]:
    """Where the largest of ``[layer, head]`` is."""
    layer, head = np.unravel_index(values.argmax(), values.shape)
    return int(layer), int(head)


def _on_words(shown: AttentionMap, *, itself: bool = True) -> np.ndarray:
    """Each row's largest weight on a word, ``[layer, head, query]``; in self-attention also without the row's own."""
    words = np.array([is_word(token) for token in shown.key_tokens])
    cells = words if itself else words & ~np.eye(len(shown.query_tokens), len(words), dtype=bool)
    return np.where(cells, shown.pattern, 0).max(-1)


def _on_special(shown: AttentionMap) -> np.ndarray:
    """Each row's weight on special tokens, ``[layer, head, query]``."""
    special = np.array([token in SPECIAL for token in shown.key_tokens])
    return np.where(special, shown.pattern, 0).sum(-1)


def _half_hidden(shown: AttentionMap) -> np.ndarray:
    """The rows of a decoder that read a word and see some, but not all of the keys."""
    n = len(shown.key_tokens)
    return np.array(
        [is_word(token) and LEAST_VISIBLE <= place < n for place, token in enumerate(shown.query_tokens, start=1)]
    )


def _apart(shown: AttentionMap) -> np.ndarray:
    """How many different keys the heads of a layer look at most in each row of a word, times how clearly they do,
    ``[layer, query]``."""
    top = shown.pattern.argmax(-1)  # [layer, head, query]
    different = np.array([[len(set(row)) for row in layer.T] for layer in top])
    return different * _on_words(shown).mean(1) * np.array([is_word(token) for token in shown.query_tokens])
