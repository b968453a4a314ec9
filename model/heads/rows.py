"""The arithmetic of :mod:`model.heads.measures`: sums over the rows of a pattern; NumPy only.

Every function gives the numerators and denominators of one measure, so that over many texts they add up. A row
counts if it attends to anything and has two keys or more to choose from: a row that can see only one key has no choice,
and says nothing about its head.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap

Terms = tuple[np.ndarray, np.ndarray]
"""Numerators and denominators, float64 ``[layer, head]``; a denominator of 0 means that the measure is undefined."""


@dataclass(frozen=True)  # no slots: cached_property needs a __dict__
class Rows:
    """A map, and what several measures need to know of its rows."""

    attention_map: AttentionMap

    @property
    def pattern(self) -> np.ndarray:
        return self.attention_map.pattern

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which keys each query may attend to, boolean ``[query, key]``: in a decoder, those up to itself."""
        allowed = np.ones(self.pattern.shape[2:], dtype=bool)
        if self.attention_map.kind == "decoder":
            allowed[:, : len(allowed)] = np.tril(allowed[:, : len(allowed)])  # any later keys are not tokens
        return allowed

    @cached_property
    def counted(self) -> np.ndarray:
        """1 for a row that counts, else 0: float32 ``[layer, head, query]``."""
        return ((self.pattern.sum(-1) > 0) & (self.allowed.sum(-1) >= 2)).astype(np.float32)

    @cached_property
    def entropy(self) -> np.ndarray:
        """The Shannon entropy of each row in bits, ``[layer, head, query]``."""
        return row_entropy(self.pattern)


def ratio(terms: Terms) -> np.ndarray:
    """The quotient, float32 ``[layer, head]``, NaN where undefined."""
    numerator, denominator = terms
    undefined = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0).astype(np.float32)


def mean(values: np.ndarray, counted: np.ndarray) -> Terms:
    """The mean of ``values`` ``[layer, head, query]`` over the rows where ``counted`` is 1."""
    return np.einsum("lhq,lhq->lh", values, counted, dtype=np.float64), counted.sum(-1, dtype=np.float64)


def _expected(rows: Rows, of_cell: np.ndarray) -> np.ndarray:
    """The mean of ``of_cell`` ``[query, key]`` in each row, weighted by its attention: ``[layer, head, query]``."""
    return np.einsum("lhqk,qk->lhq", rows.pattern, of_cell.astype(np.float32))


def share(rows: Rows, wanted: np.ndarray) -> Terms:
    """How much weight falls on the ``wanted`` cells ``[query, key]``; rows that could see none of them do not count."""
    wanted = wanted & rows.allowed
    return mean(_expected(rows, wanted), rows.counted * wanted.any(-1))


def row_entropy(pattern: np.ndarray) -> np.ndarray:
    """The entropy of ``[..., query, key]`` in bits, ``[..., query]``; layer by layer, to keep memory low."""
    if pattern.ndim > 3:
        return np.stack([row_entropy(of_layer) for of_layer in pattern])
    # The smallest number in place of 0, whose logarithm times 0 is then 0.
    return -np.einsum("...k,...k->...", pattern, np.log2(np.maximum(pattern, np.finfo(np.float32).tiny)))


def entropy(rows: Rows) -> Terms:
    return mean(rows.entropy, rows.counted)


def evenness(rows: Rows) -> Terms:
    most = np.log2(np.maximum(rows.allowed.sum(-1), 2)).astype(np.float32)
    return mean(rows.entropy / most, rows.counted)


def at_offset(by: int) -> Callable[[Rows], np.ndarray]:
    """The key ``by`` positions after the query, boolean ``[query, key]``; none in cross-attention."""

    def cells(rows: Rows) -> np.ndarray:
        here = np.eye(*rows.pattern.shape[2:], k=by, dtype=bool)
        return np.zeros_like(here) if rows.attention_map.kind == "cross" else here

    return cells


def at_tokens(is_one: Callable[[str], bool]) -> Callable[[Rows], np.ndarray]:
    """The keys whose token ``is_one``, boolean ``[query, key]``."""
    return lambda rows: np.broadcast_to(
        np.array([is_one(token) for token in rows.attention_map.key_tokens]), rows.allowed.shape
    )


def at_first(rows: Rows) -> np.ndarray:
    """The first key, boolean ``[query, key]``."""
    wanted = np.zeros_like(rows.allowed)
    wanted[:, 0] = True
    return wanted


def at_followers(rows: Rows) -> np.ndarray:
    """The tokens that follow earlier occurrences of the query's token and lie before it: boolean ``[query, key]``."""
    if rows.attention_map.kind == "cross":
        return np.zeros_like(rows.allowed)
    tokens = rows.attention_map.query_tokens
    ids = np.unique(np.array(tokens, dtype=object), return_inverse=True)[1]
    text = np.array([token not in SPECIAL for token in tokens])
    follows = np.zeros_like(rows.allowed)
    follows[:, 1 : len(ids)] = (ids[:, None] == ids[:-1]) & text[:, None]
    return np.tril(follows, k=-1)  # otherwise in "a a" the second would be its own follower


def at_diagonal(*, backwards: bool = False) -> Callable[[Rows], np.ndarray]:
    """In cross-attention, the key at each row's place, or at its place counted from the end: boolean ``[query, key]``.

    Only text counts: of the n rows that write text, row i has key (i-1)(m-1)/(n-1)+1 of the source's m.
    """

    def cells(rows: Rows) -> np.ndarray:
        wanted = np.zeros_like(rows.allowed)
        one = rows.attention_map
        if one.kind != "cross":
            return wanted
        queries = [i for i, token in enumerate(one.row_tokens) if token not in SPECIAL]
        keys = [j for j, token in enumerate(one.key_tokens) if token not in SPECIAL]
        if min(len(queries), len(keys)) < 2:
            return wanted
        places = np.rint(np.linspace(0, len(keys) - 1, len(queries))).astype(int)
        wanted[queries, np.array(keys)[places[::-1] if backwards else places]] = True
        return wanted

    return cells


def on(cells: Callable[[Rows], np.ndarray]) -> Callable[[Rows], Terms]:
    """The measure of the share of the weight on these cells."""
    return lambda rows: share(rows, cells(rows))


def is_punctuation(token: str) -> bool:
    text = token.strip()
    return token not in SPECIAL and bool(text) and all(unicodedata.category(c).startswith("P") for c in text)


def distance(rows: Rows) -> Terms:
    n, m = rows.pattern.shape[2:]
    return mean(_expected(rows, np.abs(np.arange(n)[:, None] - np.arange(m))), rows.counted)


def diagonality(rows: Rows) -> Terms:
    n, m = rows.pattern.shape[2:]
    # A single row, or column, has no diagonal.
    counted = rows.counted if min(n, m) >= 2 else np.zeros_like(rows.counted)
    off = np.abs(np.linspace(0, 1, n)[:, None] - np.linspace(0, 1, m))
    return mean(1 - _expected(rows, off), counted)


def monotonicity(rows: Rows) -> Terms:
    ahead, behind = concordance(rows.pattern)
    return ahead - behind, most_concordance(rows.counted.sum(-1, dtype=np.float64), rows.pattern.shape[3])


def most_concordance(n_rows: np.ndarray, n_keys: int) -> np.ndarray:
    """The most by which what is ahead can outweigh what is behind, for this many rows ``[layer, head]`` (Stuart
    1953)."""
    classes = np.maximum(np.minimum(n_rows, n_keys), 1)
    return n_rows**2 * (classes - 1) / (2 * classes)


def concordance(pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over all pairs of rows of ``[layer, head, query, key]``, for a key drawn from each by its weights: how often the
    later row's key lies further right, and how often further left; float64 ``[layer, head]``."""
    ahead, behind = zip(*map(_concordance, pattern), strict=True)
    return np.stack(ahead), np.stack(behind)


def _concordance(pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`concordance` of ``[head, query, key]``, for each head."""
    earlier = np.cumsum(pattern, axis=1, dtype=np.float64) - pattern  # all earlier rows, at [head, query, key]
    up_to = np.cumsum(earlier, axis=2)
    left, right = up_to - earlier, up_to[..., -1:] - up_to  # how much of it lies on each side of the key
    return np.einsum("hqk,hqk->h", pattern, left), np.einsum("hqk,hqk->h", pattern, right)
