"""Where heads look over many texts: the texts in which each looks most sharply, and the tokens it links most; NumPy
only.

A row counts if it can see :data:`A_CHOICE` keys or more: that one of two gets the most says little. Special tokens, on
which a head comes to rest, count neither as queries nor as keys; the measure "special" covers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.heads.habits import PARTLY
from model.heads.rows import Rows
from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap

MOST = 5
"""How many texts and pairs are listed for a head."""
A_CHOICE = 3
BITS = 21  # for each of the two tokens in the number of a pair; the rest is for the head


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpest:
    """The largest weight of a head in one text (``text`` is its number), and the two tokens it links."""

    weight: float
    text: int
    query: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two tokens, the first of which gives the second most of its attention, ``times`` over all texts; ``weight`` is
    the mean over those."""

    weight: float
    times: int
    query: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of all heads of one kind of attention over one or more texts; heads are ordered layer by layer.

    ``numbers`` (int64, ascending) encode the pairs of all heads, each as head, query and key, with tokens as indices
    into ``tokens``; ``sums`` (float64) and ``times`` (int64) are the summed weights of each pair and how many there
    were.
    """

    sharpest: tuple[tuple[Sharpest, ...], ...]
    tokens: tuple[str, ...]
    numbers: np.ndarray
    sums: np.ndarray
    times: np.ndarray

    def __add__(self, other: Links) -> Links:
        """The links in the texts of both, which must be of one kind and model."""
        places = {token: place for place, token in enumerate(self.tokens)}
        moved = np.array([places.setdefault(token, len(places)) for token in other.tokens], dtype=np.int64)
        heads, queries, keys = _apart(other.numbers)
        numbers = np.concatenate([self.numbers, _together(heads, moved[queries], moved[keys])])
        once, where = np.unique(numbers, return_inverse=True)
        return Links(
            sharpest=tuple(_best((*one, *more)) for one, more in zip(self.sharpest, other.sharpest, strict=True)),
            tokens=tuple(places),
            numbers=once,
            sums=np.bincount(where, np.concatenate([self.sums, other.sums]), len(once)),
            times=np.bincount(where, np.concatenate([self.times, other.times]), len(once)).astype(np.int64),
        )

    def pairs(self, head: int, most: int = MOST) -> tuple[Pair, ...]:
        """The pairs that get the most of a head's attention, the largest sum of weights first; heads count from 0 over
        all layers."""
        begin, end = np.searchsorted(self.numbers, [head << 2 * BITS, head + 1 << 2 * BITS])
        first = begin + np.argsort(-self.sums[begin:end], kind="stable")[:most]
        _, queries, keys = _apart(self.numbers[first])
        return tuple(
            Pair(weight=float(total / times), times=int(times), query=self.tokens[query], key=self.tokens[key])
            for total, times, query, key in zip(self.sums[first], self.times[first], queries, keys, strict=True)
        )


def links(attention_map: AttentionMap, text: int = 0) -> Links:
    """The links in one text, whose number is ``text``.

    The sharpest is the largest weight of the head; a pair is a row and the key that gets the most of it, if that is
    :data:`~model.heads.habits.PARTLY` or more.
    """
    tokens, looked_at = attention_map.row_tokens, attention_map.looked_at
    choice = Rows(attention_map).allowed.sum(-1) >= A_CHOICE
    rows = [i for i, token in enumerate(tokens) if choice[i] and token not in SPECIAL]
    columns = [j for j, token in enumerate(looked_at) if token not in SPECIAL]
    n_all = attention_map.n_layers * attention_map.n_heads
    if not rows or not columns:
        return _none(n_all)
    weights = attention_map.pattern[:, :, rows][..., columns].reshape(n_all, len(rows), len(columns))
    top = weights.argmax(-1)  # [head, row]
    largest = np.take_along_axis(weights, top[..., None], -1)[..., 0]
    heads, found = np.nonzero(largest >= PARTLY)
    places = {token: place for place, token in enumerate(dict.fromkeys((*tokens, *looked_at)))}
    queries, keys = (np.array([places[of[i]] for i in at]) for of, at in ((tokens, rows), (looked_at, columns)))
    numbers = _together(heads, queries[found], keys[top[heads, found]])
    alone = Links(
        sharpest=tuple(
            _sharpest(largest[head, row], text, tokens[rows[row]], looked_at[columns[top[head, row]]])
            for head, row in enumerate(largest.argmax(-1))
        ),
        tokens=tuple(places),
        numbers=numbers,
        sums=largest[heads, found].astype(np.float64),
        times=np.ones(len(numbers), dtype=np.int64),
    )
    return _none(n_all) + alone  # in order, and each pair once


def _none(n_heads: int) -> Links:
    nothing = np.empty(0, dtype=np.int64)
    return Links(sharpest=((),) * n_heads, tokens=(), numbers=nothing, sums=nothing.astype(np.float64), times=nothing)


def _sharpest(weight: np.floating, text: int, query: str, key: str) -> tuple[Sharpest, ...]:
    return (Sharpest(weight=float(weight), text=text, query=query, key=key),) if weight > 0 else ()


def _best(found: Sequence[Sharpest]) -> tuple[Sharpest, ...]:
    return tuple(sorted(found, key=lambda one: -one.weight)[:MOST])


def _together(heads: np.ndarray, queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return heads.astype(np.int64) << 2 * BITS | queries.astype(np.int64) << BITS | keys.astype(np.int64)


def _apart(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = (1 << BITS) - 1
    return numbers >> 2 * BITS, numbers >> BITS & mask, numbers & mask
